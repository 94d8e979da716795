"""What a message speaks of: the products of a review ask, the complement of a cross-sell."""

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Any

from app.flows.delays import STANDARD, review_delay_days
from app.flows.goods import MOST_ASKED, OrderProduct
from app.flows.shop import Fit, Shop

MOST_SHOWN = 3


def longest_delay(shop: Shop, bought: Sequence[OrderProduct]) -> int:
    """Days to wait before asking about an order: the longest among its dearest three products.

    Those whose buyers came back often enough tell it themselves; of others their type tells.
    """
    named = [item.external_id for item in bought[:MOST_ASKED]]
    learned = shop.delays(named)
    types = shop.types([name for name in named if name not in learned])
    delays = [learned.get(name) or review_delay_days(types.get(name, "")) for name in named]
    return max(delays, default=STANDARD)


def review_products(
    shop: Shop, bought: Sequence[OrderProduct], *, customer_id: int, asked_now: frozenset[str]
) -> list[Mapping[str, Any]]:
    """Which of the dearest three this customer neither reviewed nor was asked about.

    Args:
        asked_now: about what they are asked in the same batch.
    """
    dearest = bought[:MOST_ASKED]
    asked = shop.asked(customer_id, [item.external_id for item in dearest])
    asked |= asked_now | shop.reviewed(customer_id)
    return [
        {"external_id": item.external_id, "title": item.title}
        for item in dearest
        if item.external_id not in asked
    ]


def complement(
    shop: Shop, bought: Sequence[OrderProduct], *, customer_id: int, asked_now: frozenset[str]
) -> list[Mapping[str, Any]]:
    """The one product that goes with what was bought, with the reason in figures; empty if there is none.

    The merchant's own choice first, then what others buy with what this customer owns. Never one that
    the customer bought before, never an unavailable one.
    """
    owned = shop.owned(customer_id)
    chosen = shop.merchants_choice([item.external_id for item in bought])
    for item in bought if chosen else ():
        wanted = [other for other in chosen.get(item.external_id, ()) if other not in owned]
        for external_id in shop.available(wanted):
            return [{"external_id": external_id, "with": item.title, "why": "merchant"}]
    return _best_match(shop, owned)


def newest(
    shop: Shop, bought: Sequence[OrderProduct], *, customer_id: int, asked_now: frozenset[str]
) -> list[Mapping[str, Any]]:
    """The shop's latest products that can be bought and that this customer does not own, three at most."""
    owned = shop.owned(customer_id)
    found = [one for one in shop.newest(MOST_SHOWN + len(owned)) if one["external_id"] not in owned]
    return found[:MOST_SHOWN]


def _best_match(shop: Shop, owned: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """Of all that others bought with something they own, what fits best with everything they own.

    How well a product fits with one of theirs is the share of its buyers who bought both (confidence); what
    goes with several of their things adds up. Lift, which favours what hardly anybody buys, found the next
    purchase less than half as often (BENCHMARKS.md).
    """
    fits = shop.fits(owned)
    if not fits:
        return []
    # Summed exactly, so that no order of the parts decides between equals.
    _, chosen = min(
        [
            (-(parts[0][0] if len(parts) == 1 else fsum([part[0] for part in parts])), other)
            for other, parts in fits.items()
        ]
    )
    _, mine, together, of = min(fits[chosen], key=_closest_first)
    reason = {"with": owned[mine], "why": "co-purchase", "together": together, "of": of}
    return [{"external_id": chosen, **reason}]


def _closest_first(fit: Fit) -> tuple[float, str]:
    share, mine, *_ = fit
    return -share, mine


CHOOSERS = {"review-products": review_products, "complement": complement, "newest": newest}
OF_NO_ORDER = frozenset({"newest"})
"""Those that need no order to choose from."""
