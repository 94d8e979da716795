"""Every order with the moments of its life, kept as columns and given out as `Order` when asked for."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from connectors.sandbox.config import Rates
from connectors.sandbox.dataset import Baskets
from connectors.sandbox.draws import between, digest, fraction
from connectors.sandbox.model import SHOPIFY, Line, Order
from connectors.sandbox.moments import DAY, HOUR, MINUTE, aware, maybe_aware, shifted_utc
from connectors.sandbox.shoppers import platform_of

_LINES_PER_BASKET = 1000
_FULL_REFUND_SHARE = 2 / 3


@dataclass(frozen=True, slots=True)
class OrderBook:
    """The baskets as orders; an order's index is its place among the basket ids. 0 stands for never."""

    baskets: Baskets
    placed: array[int]
    paid: array[int]
    fulfilled: array[int]
    delivered: array[int]
    cancelled: array[int]
    refunded: array[int]
    refunded_lines: dict[int, tuple[int, ...]]

    def __len__(self) -> int:
        return len(self.placed)

    def index_of(self, basket: int) -> int | None:
        """The order's index, or None when no such order exists."""
        index = bisect_left(self.baskets.basket, basket)
        return index if index < len(self) and self.baskets.basket[index] == basket else None

    def lines_of(self, index: int) -> range:
        """The positions of the order's lines in the columns of `baskets`."""
        return range(self.baskets.line_start[index], self.baskets.line_start[index + 1])

    def total_minor(self, index: int) -> int:
        """Cents to pay, after coupons."""
        return sum(self.baskets.total_minor[line] for line in self.lines_of(index))

    def discount_minor(self, index: int) -> int:
        """Cents taken off by coupons."""
        return sum(self.baskets.discount_minor[line] for line in self.lines_of(index))

    def refunded_minor(self, index: int) -> int:
        """Cents given back in the end."""
        first = self.baskets.line_start[index]
        return sum(self.baskets.total_minor[first + number] for number in self.refunded_lines.get(index, ()))

    def order(self, index: int) -> Order:
        """The order as an object, its whole life included."""
        household = self.baskets.household[index]
        lines = self._lines(index)
        return Order(
            basket=self.baskets.basket[index],
            household=household,
            platform=platform_of(household),
            placed_at=aware(self.placed[index]),
            paid_at=aware(self.paid[index]),
            fulfilled_at=maybe_aware(self.fulfilled[index]),
            delivered_at=maybe_aware(self.delivered[index]),
            cancelled_at=maybe_aware(self.cancelled[index]),
            refunded_at=maybe_aware(self.refunded[index]),
            refunded_lines=tuple(lines[number].line_id for number in self.refunded_lines.get(index, ())),
            refunded_minor=self.refunded_minor(index),
            total_minor=sum(line.total_minor for line in lines),
            discount_minor=sum(line.discount_minor for line in lines),
            lines=lines,
        )

    def _lines(self, index: int) -> tuple[Line, ...]:
        baskets = self.baskets
        first_id = baskets.basket[index] * _LINES_PER_BASKET
        return tuple(
            Line(
                first_id + number,
                baskets.product[line],
                baskets.quantity[line],
                baskets.total_minor[line],
                baskets.discount_minor[line],
            )
            for number, line in enumerate(self.lines_of(index))
        )


def write_lives(baskets: Baskets, *, seed: int, rates: Rates, weeks: int, zone: ZoneInfo) -> OrderBook:
    """The order book: each basket is placed at its shifted wall time and lives on from there."""
    columns = [array("q") for _ in range(6)]
    refunded_lines: dict[int, tuple[int, ...]] = {}
    for index, wall in enumerate(baskets.wall):
        placed_at = shifted_utc(wall, weeks, zone)
        drawn = digest(seed, f"order:{baskets.basket[index]}")
        life = _life(placed_at, drawn, rates, is_shopify=platform_of(baskets.household[index]) == SHOPIFY)
        for column, moment in zip(columns, life, strict=True):
            column.append(moment)
        if life[5]:
            is_full = bool(life[4]) or fraction(drawn, 4) < _FULL_REFUND_SHARE
            first, after = baskets.line_start[index], baskets.line_start[index + 1]
            refunded_lines[index] = _given_back(baskets.total_minor[first:after], drawn, is_full)
    placed, paid, fulfilled, delivered, cancelled, refunded = columns
    return OrderBook(
        baskets=baskets,
        placed=placed,
        paid=paid,
        fulfilled=fulfilled,
        delivered=delivered,
        cancelled=cancelled,
        refunded=refunded,
        refunded_lines=refunded_lines,
    )


def first_orders(book: OrderBook) -> dict[int, int]:
    """Each household's earliest order, in seconds."""
    first: dict[int, int] = {}
    for household, placed in zip(book.baskets.household, book.placed, strict=True):
        first[household] = min(placed, first.get(household, placed))
    return first


def _life(placed: int, drawn: bytes, rates: Rates, *, is_shopify: bool) -> tuple[int, ...]:
    """Placed, paid, fulfilled, delivered, cancelled, refunded; whole minutes after the order."""
    paid = placed + MINUTE
    fate = fraction(drawn, 0)
    if fate < rates.cancelled:
        cancelled = placed + between(drawn, 6, 10, 5 * 60) * MINUTE
        return placed, paid, 0, 0, cancelled, cancelled
    if is_shopify:
        fulfilled = placed + between(drawn, 1, 6 * 60, 30 * 60) * MINUTE
        delivered = fulfilled + between(drawn, 2, DAY // MINUTE, 4 * DAY // MINUTE) * MINUTE
    else:
        fulfilled = placed + between(drawn, 1, DAY // MINUTE, 4 * DAY // MINUTE) * MINUTE
        delivered = 0
    if fate >= rates.cancelled + rates.refunded:
        return placed, paid, fulfilled, delivered, 0, 0
    refunded = max(fulfilled, delivered) + between(drawn, 3, 2 * HOUR // MINUTE, 10 * DAY // MINUTE) * MINUTE
    return placed, paid, fulfilled, delivered, 0, refunded


def _given_back(totals: Sequence[int], drawn: bytes, is_full: bool) -> tuple[int, ...]:
    """The numbers of the lines given back: all, or one that was worth something."""
    if is_full:
        return tuple(range(len(totals)))
    worth = [number for number, total in enumerate(totals) if total > 0]
    return (worth[between(drawn, 5, 0, len(worth) - 1)],)
