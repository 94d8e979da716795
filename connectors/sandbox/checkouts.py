"""Who takes a basket to the till: before some orders, and now and then for nothing.

Each is drawn from a stream of its own, so that people and orders of a seed are the same with or without them.
"""

from collections.abc import Mapping
from typing import NamedTuple

from connectors.sandbox.config import Rates
from connectors.sandbox.draws import between, digest, fraction
from connectors.sandbox.forms import token_of
from connectors.sandbox.model import WOOCOMMERCE, Checkout, Shopper
from connectors.sandbox.moments import DAY, MINUTE, aware, maybe_aware, seconds_of
from connectors.sandbox.orders import OrderBook
from connectors.sandbox.shoppers import Span, platform_of

_APART = 10**14
"""What is no order's id yet lies beyond all baskets."""
_LONGEST_TILL = 20
_LATEST_RETURN = 20


class Begun(NamedTuple):
    """A checkout of the script; `order` is an index in the book, moments are seconds, 0 is never."""

    number: int
    order: int
    at: int
    completed: int


def begin_checkouts(
    book: OrderBook, shoppers: Mapping[int, Shopper], *, seed: int, rates: Rates, span: Span
) -> dict[int, Begun]:
    """The checkouts of a script by their numbers, at most one an order."""
    drawn = (_draw(book, index, seed=seed, rates=rates) for index in range(len(book)))
    return {
        begun.number: begun
        for begun in drawn
        if begun is not None
        and begun.at <= span.end
        and begun.at >= seconds_of(shoppers[book.baskets.household[begun.order]].registered_at)
    }


def number_of(platform: str, basket: int, *, is_completed: bool) -> int:
    """The number of a checkout: WooCommerce's draft keeps its id when it becomes the order."""
    return basket if platform == WOOCOMMERCE and is_completed else _APART + basket


def checkout_of(begun: Begun, book: OrderBook, household: int) -> Checkout:
    """The checkout as an object; `household` is whoever its order's person is by now."""
    order = book.order(begun.order)
    token = token_of("checkout" if begun.completed else "left", order.basket)[:32]
    return Checkout(
        number=begun.number,
        basket=order.basket,
        household=household,
        platform=order.platform,
        token=token,
        started_at=aware(begun.at),
        completed_at=maybe_aware(begun.completed),
        total_minor=order.total_minor,
        lines=order.lines,
    )


def _draw(book: OrderBook, index: int, *, seed: int, rates: Rates) -> Begun | None:
    basket, placed = book.baskets.basket[index], book.placed[index]
    platform = platform_of(book.baskets.household[index])
    drawn = digest(seed, f"checkout:{basket}")
    fate = fraction(drawn, 0)
    if fate < rates.checkouts:
        at = placed - between(drawn, 1, 2, _LONGEST_TILL) * MINUTE
        return Begun(number_of(platform, basket, is_completed=True), index, at, placed)
    if fate < rates.checkouts + rates.abandoned:
        at = placed + between(drawn, 1, 1, _LATEST_RETURN * DAY // MINUTE) * MINUTE
        return Begun(number_of(platform, basket, is_completed=False), index, at, 0)
    return None
