"""The world's script: all shoppers, products and orders, and every fact in the order of time.

Nothing here depends on what the app does; two scripts of the same configuration are equal.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from connectors.sandbox.catalogue import shops_of, stock_products
from connectors.sandbox.checkouts import Begun, begin_checkouts
from connectors.sandbox.config import WorldConfig
from connectors.sandbox.dataset import data_folder, read_baskets, read_catalogue
from connectors.sandbox.model import SHOPIFY, WOOCOMMERCE, Product, Shopper
from connectors.sandbox.moments import (
    DAY,
    HOUR,
    ceil_hour,
    floor_hour,
    seconds_of,
    shifted_utc,
    weeks_until_yesterday,
)
from connectors.sandbox.orders import OrderBook, first_orders, write_lives
from connectors.sandbox.shoppers import Span, invent_shoppers

_INDEX_BITS = 22
_KIND_BITS = 4
_PLATFORMS = (SHOPIFY, WOOCOMMERCE)


class Kind(IntEnum):
    """What happens in a fact; at the same second the lower kind comes first."""

    PRODUCT = 0
    REGISTERED = 1
    EMAIL_CONSENT = 2
    SMS_CONSENT = 3
    PLACED = 4
    PAID = 5
    FULFILLED = 6
    DELIVERED = 7
    CANCELLED = 8
    REFUNDED = 9
    PAYING = 10
    WITHDRAWN = 11
    CHECKOUT = 12


class Fact(NamedTuple):
    """One thing that happens to a product, a household, an order or a checkout.

    The subject is the id of the first two, the order's index, the checkout's number.
    """

    at: int
    kind: Kind
    platform: str
    subject: int


@dataclass(frozen=True, slots=True)
class Script:
    """Everything that will happen, decided before the first moment passes."""

    config: WorldConfig
    span: Span
    book: OrderBook
    shoppers: Mapping[int, Shopper]
    products: Mapping[int, Product]
    checkouts: Mapping[int, Begun]
    _households: tuple[int, ...]
    _product_ids: tuple[int, ...]
    _checkout_numbers: tuple[int, ...]
    _schedule: array[int]
    _addresses: Mapping[str, int]

    def facts(self, after: int | None, to: int) -> Iterator[Fact]:
        """The facts in (after, to], in order; `after` None begins with the oldest."""
        first = 0 if after is None else self._first_later_than(after)
        for position in range(first, self._first_later_than(to)):
            yield self._decode(self._schedule[position])

    def next_fact_at(self, after: int) -> int | None:
        """The moment of the first fact later than `after`."""
        position = self._first_later_than(after)
        if position == len(self._schedule):
            return None
        return self._schedule[position] >> (_INDEX_BITS + _KIND_BITS)

    def find_shopper(self, address: str) -> Shopper | None:
        """The shopper with an e-mail address (in any case) or a phone number."""
        household = self._addresses.get(address.lower())
        return self.shoppers[household] if household is not None else None

    def _first_later_than(self, moment: int) -> int:
        return bisect_left(self._schedule, (moment + 1) << (_INDEX_BITS + _KIND_BITS))

    def _decode(self, code: int) -> Fact:
        kind = Kind(code >> _INDEX_BITS & (1 << _KIND_BITS) - 1)
        index = code & (1 << _INDEX_BITS) - 1
        at = code >> (_INDEX_BITS + _KIND_BITS)
        if kind is Kind.PRODUCT:
            return Fact(at, kind, _PLATFORMS[index % 2], self._product_ids[index // 2])
        if Kind.PLACED <= kind <= Kind.REFUNDED:
            return Fact(at, kind, _PLATFORMS[self.book.baskets.household[index] % 2], index)
        if kind is Kind.CHECKOUT:
            number = self._checkout_numbers[index]
            household = self.book.baskets.household[self.checkouts[number].order]
            return Fact(at, kind, _PLATFORMS[household % 2], number)
        household = self._households[index]
        return Fact(at, kind, _PLATFORMS[household % 2], household)


def write_script(config: WorldConfig, folder: Path | None = None) -> Script:
    """The script of a configuration, from the data set in `folder` (default: the installed package)."""
    source = folder or data_folder()
    zone = ZoneInfo(config.timezone)
    baskets = read_baskets(source, seed=config.seed, households=config.households, days=config.days)
    weeks = weeks_until_yesterday(baskets.last_wall, config.first_started_at, zone)
    book = write_lives(baskets, seed=config.seed, rates=config.rates, weeks=weeks, zone=zone)
    span = _span(config, book, shifted_utc(baskets.last_wall, weeks, zone))
    shoppers = invent_shoppers(
        baskets.households, seed=config.seed, rates=config.rates, span=span, first_orders=first_orders(book)
    )
    rows = read_catalogue(source, set(baskets.product))
    products = stock_products(rows, book, seed=config.seed, span=span)
    checkouts = begin_checkouts(book, shoppers, seed=config.seed, rates=config.rates, span=span)
    households, product_ids = tuple(sorted(shoppers)), tuple(sorted(products))
    numbers = tuple(sorted(checkouts))
    codes = [
        *_product_codes(products, product_ids),
        *_shopper_codes(shoppers, households, book),
        *_order_codes(book),
        *(_code(checkouts[number].at, Kind.CHECKOUT, index) for index, number in enumerate(numbers)),
    ]
    schedule = array("q", sorted(codes))
    return Script(
        config=config,
        span=span,
        book=book,
        shoppers=shoppers,
        products=products,
        checkouts=checkouts,
        _households=households,
        _product_ids=product_ids,
        _checkout_numbers=numbers,
        _schedule=schedule,
        _addresses=_addresses(shoppers),
    )


def _addresses(shoppers: Mapping[int, Shopper]) -> dict[str, int]:
    found = {shopper.email: household for household, shopper in shoppers.items()}
    return found | {shopper.phone: household for household, shopper in shoppers.items() if shopper.phone}


def _span(config: WorldConfig, book: OrderBook, last: int) -> Span:
    start = floor_hour(last - config.days * DAY)
    if book.placed:
        start = min(start, floor_hour(min(book.placed) - HOUR))
    return Span(start, ceil_hour(last))


def _code(at: int, kind: Kind, index: int) -> int:
    """A fact in one number that sorts by moment, kind and index."""
    return (at << _KIND_BITS | kind) << _INDEX_BITS | index


def _product_codes(products: Mapping[int, Product], product_ids: tuple[int, ...]) -> Iterator[int]:
    for number, product_id in enumerate(product_ids):
        product = products[product_id]
        for platform in shops_of(product):
            index = number * 2 + _PLATFORMS.index(platform)
            yield _code(seconds_of(product.created_at), Kind.PRODUCT, index)


def _shopper_codes(
    shoppers: Mapping[int, Shopper], households: tuple[int, ...], book: OrderBook
) -> Iterator[int]:
    paying = _first_completed(book)
    for index, household in enumerate(households):
        shopper = shoppers[household]
        moments = (
            (Kind.REGISTERED, shopper.registered_at),
            (Kind.EMAIL_CONSENT, shopper.email_consent_at),
            (Kind.SMS_CONSENT, shopper.sms_consent_at),
            (Kind.WITHDRAWN, shopper.withdrawn_at),
        )
        yield from (_code(seconds_of(at), kind, index) for kind, at in moments if at)
        if household in paying and shopper.platform == WOOCOMMERCE and not shopper.is_guest:
            yield _code(paying[household], Kind.PAYING, index)


def _first_completed(book: OrderBook) -> dict[int, int]:
    first: dict[int, int] = {}
    for household, completed in zip(book.baskets.household, book.fulfilled, strict=True):
        if completed:
            first[household] = min(completed, first.get(household, completed))
    return first


def _order_codes(book: OrderBook) -> Iterator[int]:
    columns = (
        (Kind.PLACED, book.placed),
        (Kind.PAID, book.paid),
        (Kind.FULFILLED, book.fulfilled),
        (Kind.DELIVERED, book.delivered),
        (Kind.CANCELLED, book.cancelled),
        (Kind.REFUNDED, book.refunded),
    )
    for kind, column in columns:
        yield from (_code(at, kind, index) for index, at in enumerate(column) if at)
