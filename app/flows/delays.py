"""How long a product wants to be used before its review is asked; by the words of its type."""

import re
from functools import lru_cache

CONSUMABLE, APPAREL, STANDARD, DURABLE = 7, 10, 14, 30

_WORDS: tuple[tuple[int, frozenset[str]], ...] = (
    (
        CONSUMABLE,
        frozenset(
            "grocery food produce meat seafood deli pastry bakery bread drink drinks beverage beverages "
            "wine spirits coffee tea cosmetics cosmetic beauty skincare nutrition supplement supplements "
            "drug floral flowers salad restaurant frozen fuel candle candles alimentari cibo bevande vino "
            "caffè cosmetici integratori fiori".split()
        ),
    ),
    (
        APPAREL,
        frozenset(
            "apparel clothing clothes shoes footwear fashion shirt shirts dress dresses jeans jacket "
            "accessories jewelry abbigliamento scarpe moda accessori gioielli".split()
        ),
    ),
    (
        DURABLE,
        frozenset(
            "furniture appliance appliances electronics elect electrical plumbing tools automotive "
            "housewares garden photo video bicycle bicycles mobili elettronica elettrodomestici utensili "
            "giardino casalinghi".split()
        ),
    ),
)


@lru_cache(maxsize=4096)
def review_delay_days(product_type: str) -> int:
    """Days from delivery to the review ask, by the first group with a word of the product type.

    Source: PRODUCT.md section 2, review (consumable 7, apparel 10, standard 14, durable 30).
    """
    words = set(re.findall(r"\w+", product_type.lower()))
    for days, known in _WORDS:
        if words & known:
            return days
    return STANDARD
