"""The products of both shops: titles a shopper would read, prices seen in the baskets, complements."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from connectors.sandbox.dataset import CatalogueRow
from connectors.sandbox.draws import between, digest, fraction
from connectors.sandbox.model import BOTH, SHOPIFY, WOOCOMMERCE, Product
from connectors.sandbox.moments import DAY, HOUR, MINUTE, aware
from connectors.sandbox.orders import OrderBook
from connectors.sandbox.shoppers import Span, platform_of

_COMPLEMENT_SHARE = 0.3
_LATE_SHARE = 0.03
_POPULAR = 60
_SPACES = re.compile(r"\s+")
_OLDEST_DAYS = 900


@dataclass(frozen=True, slots=True)
class _Sales:
    """What the baskets say of the products."""

    price_minor: Mapping[int, int]
    lines: Counter[int]
    shops: Mapping[int, str]
    first_sale: Mapping[int, int]


def stock_products(
    rows: Iterable[CatalogueRow], book: OrderBook, *, seed: int, span: Span
) -> dict[int, Product]:
    """Every product that the baskets name, by id, in the order of ids."""
    sales = _count_sales(book)
    known = {row.product_id: row for row in rows}
    products = sorted(known.values(), key=lambda row: row.product_id)
    popular = _popular_by_department(products, sales)
    stocked = {}
    for row in products:
        drawn = digest(seed, f"product:{row.product_id}")
        stocked[row.product_id] = Product(
            product_id=row.product_id,
            platform=sales.shops[row.product_id],
            title=_title(row),
            department=_words(row.department),
            category=_words(row.category),
            brand=row.brand,
            price_minor=sales.price_minor[row.product_id],
            created_at=aware(_created(drawn, span, sales.first_sale[row.product_id])),
            cross_sell_ids=_complements(row, drawn, popular, sales),
        )
    return stocked


def shops_of(product: Product) -> tuple[str, ...]:
    """The platforms of the shops that sell the product."""
    return (SHOPIFY, WOOCOMMERCE) if product.platform == BOTH else (product.platform,)


def _count_sales(book: OrderBook) -> _Sales:
    lines: Counter[int] = Counter()
    shops: dict[int, str] = {}
    first_sale: dict[int, int] = {}
    units: dict[int, array[int]] = {}
    baskets = book.baskets
    for index, household in enumerate(baskets.household):
        platform, placed = platform_of(household), book.placed[index]
        for line in book.lines_of(index):
            product = baskets.product[line]
            gross = baskets.total_minor[line] + baskets.discount_minor[line]
            units.setdefault(product, array("i")).append(round(gross / baskets.quantity[line]))
            lines[product] += 1
            if shops.setdefault(product, platform) != platform:
                shops[product] = BOTH
            first_sale[product] = min(placed, first_sale.get(product, placed))
    return _Sales({product: _median(seen) for product, seen in units.items()}, lines, shops, first_sale)


def _median(seen: Sequence[int]) -> int:
    return max(1, sorted(seen)[len(seen) // 2])


def _popular_by_department(
    products: Sequence[CatalogueRow], sales: _Sales
) -> dict[str, list[tuple[int, str, str]]]:
    departments: dict[str, list[CatalogueRow]] = {}
    for row in products:
        if row.category:
            departments.setdefault(row.department, []).append(row)
    return {
        department: [
            (row.product_id, row.category, sales.shops[row.product_id])
            for row in nsmallest(
                _POPULAR, rows, key=lambda row: (-sales.lines[row.product_id], row.product_id)
            )
        ]
        for department, rows in departments.items()
    }


def _complements(
    row: CatalogueRow, drawn: bytes, popular: Mapping[str, list[tuple[int, str, str]]], sales: _Sales
) -> tuple[int, ...]:
    """Up to three popular products of the same department, another category, sold wherever this one is."""
    if fraction(drawn, 0) >= _COMPLEMENT_SHARE:
        return ()
    shop = sales.shops[row.product_id]
    fitting = [
        product_id
        for product_id, category, where in popular.get(row.department, ())
        if category != row.category and where in {shop, BOTH}
    ]
    if not fitting:
        return ()
    start = between(drawn, 1, 0, len(fitting) - 1)
    wanted = between(drawn, 2, 1, 3)
    return tuple((fitting + fitting)[start : start + min(wanted, len(fitting))])


def _created(drawn: bytes, span: Span, first_sale: int) -> int:
    """Before the world's start for nearly all products, else shortly before the first sale."""
    late = first_sale - between(drawn, 3, DAY // MINUTE, 14 * DAY // MINUTE) * MINUTE
    if fraction(drawn, 4) < _LATE_SHARE and late > span.start + HOUR:
        return late
    return span.start - between(drawn, 5, DAY // MINUTE, _OLDEST_DAYS * DAY // MINUTE) * MINUTE


def _title(row: CatalogueRow) -> str:
    name = _words(row.kind or row.category) or f"Article {row.product_id}"
    size = f", {row.package_size.strip().lower()}" if row.package_size.strip() else ""
    own = " (own brand)" if row.brand == "Private" else ""
    return f"{name}{size}{own}"


def _words(text: str) -> str:
    """The data's words, each with a capital: `FRZN ICE` becomes `Frzn Ice`."""
    return " ".join(word.capitalize() for word in _SPACES.split(text.strip()))
