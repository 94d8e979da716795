"""What exists in the sandbox's world: shoppers, products, orders, each with the moments of its life.

Everything here is decided by the seed and the data set before the first moment passes; what the
shoppers add in answer to messages (redeemed codes, withdrawn consents) is kept by `world`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

SHOPIFY = "shopify"
WOOCOMMERCE = "woocommerce"
SHOPIFY_SHOP = "sandbox-aurora.myshopify.com"
BOTH = "both"
WOO_HOME = "http://sandbox-bottega.example"
TIMEZONE = "Europe/Rome"
CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Birth:
    """A birthday; the year is known for some."""

    month: int
    day: int
    year: int | None


@dataclass(frozen=True, slots=True)
class Shopper:
    """One household as a person. Moments are aware UTC; None means never.

    Attributes:
        household: the data set's id, also the platform's customer id.
        is_guest: orders without an account (WooCommerce only); then never listed as a customer.
        email_consent_level: single or confirmed (the shop's own double opt-in).
        consent_at_checkout: said yes with the first order, not at registration.
        withdrawn_at: the moment the person takes the e-mail consent back on the platform.
        tracking_consent_at: said, with the consent to mails, that clicks may be followed.
    """

    household: int
    platform: str
    email: str
    phone: str
    first_name: str
    last_name: str
    locale: str
    country: str
    region: str
    city: str
    postcode: str
    address: str
    birth: Birth | None
    registered_at: datetime
    is_preregistered: bool
    is_guest: bool
    email_consent_at: datetime | None
    email_consent_level: str
    consent_at_checkout: bool
    sms_consent_at: datetime | None
    withdrawn_at: datetime | None
    tracking_consent_at: datetime | None

    def is_tracked(self, at: datetime) -> bool:
        """Whether the person has agreed by `at` that clicks may be followed."""
        return self.tracking_consent_at is not None and self.tracking_consent_at <= at


@dataclass(frozen=True, slots=True)
class Product:
    """One product of the data set with a single variant (id = product id × 10 + 1).

    Attributes:
        platform: the shop that sells it, or `both`; ids are the same in the two shops.
        cross_sell_ids: complements, each sold wherever the product itself is.
    """

    product_id: int
    platform: str
    title: str
    department: str
    category: str
    brand: str
    price_minor: int
    created_at: datetime
    cross_sell_ids: tuple[int, ...]

    @property
    def variant_id(self) -> int:
        """The id of the only variant."""
        return self.product_id * 10 + 1

    def is_sold_on(self, platform: str) -> bool:
        """Whether one of the two shops has it; many products stand in both."""
        return self.platform in (platform, BOTH)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a basket, in USD cents; `total_minor` is after the coupon."""

    line_id: int
    product_id: int
    quantity: int
    total_minor: int
    discount_minor: int


@dataclass(frozen=True, slots=True)
class Order:
    """A basket as an order. `refunded_lines` holds the line ids given back (all of them when full)."""

    basket: int
    household: int
    platform: str
    placed_at: datetime
    paid_at: datetime
    fulfilled_at: datetime | None
    delivered_at: datetime | None
    cancelled_at: datetime | None
    refunded_at: datetime | None
    refunded_lines: tuple[int, ...]
    refunded_minor: int
    total_minor: int
    discount_minor: int
    lines: tuple[Line, ...]

    def updated_at(self, now: datetime) -> datetime:
        """The latest moment of the order's life that is not after `now`."""
        moments = (
            self.placed_at,
            self.paid_at,
            self.fulfilled_at,
            self.delivered_at,
            self.cancelled_at,
            self.refunded_at,
        )
        return max(moment for moment in moments if moment is not None and moment <= now)


@dataclass(frozen=True, slots=True)
class Checkout:
    """A basket that somebody took to the till and left an address with; some of them become orders.

    Attributes:
        number: Shopify's number of it; at WooCommerce the id of the draft, which an order keeps.
        basket: the order that it became, or whose goods lie in it once more.
        token: what the order carries that it becomes.
        completed_at: when it becomes an order; None for one that is left behind.
    """

    number: int
    basket: int
    household: int
    platform: str
    token: str
    started_at: datetime
    completed_at: datetime | None
    total_minor: int
    lines: tuple[Line, ...]

    def updated_at(self, now: datetime) -> datetime:
        """The latest moment of its life that is not after `now`."""
        is_completed = self.completed_at is not None and self.completed_at <= now
        return self.completed_at if self.completed_at and is_completed else self.started_at


@dataclass(frozen=True, slots=True)
class Voucher:
    """A code that Ritorno minted in one of the two shops."""

    platform: str
    external_id: int
    code: str
    kind: str
    value: str
    starts_at: datetime | None
    expires_at: datetime | None
    title: str
    redeemed_by_order: int | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """A webhook that WooCommerce was asked to make."""

    external_id: int
    topic: str
    url: str
    secret: str
    name: str


class WorldView(Protocol):
    """What the emulated APIs may read and change. Every read shows only what happened up to `now`.

    Listings are sorted and sliced by bisection; nothing here scans all orders for one request.
    """

    @property
    def now(self) -> datetime:
        """The simulated moment."""

    def order(self, basket: int) -> Order | None:
        """One order that exists by now."""

    def shopper(self, household: int) -> Shopper | None:
        """One person, registered or guest."""

    def product(self, product_id: int) -> Product | None:
        """One product."""

    def order_ids(self, platform: str, *, updated_from: datetime | None, by_id: bool) -> Sequence[int]:
        """Ids of the orders visible now, by (updated_at, id) or by id; optionally from a moment on."""

    def customer_ids(self, platform: str, *, updated_from: datetime | None, by_id: bool) -> Sequence[int]:
        """Ids of the registered shoppers visible now; guests are never among them."""

    def product_ids(self, platform: str, *, updated_from: datetime | None, by_id: bool) -> Sequence[int]:
        """Ids of the products visible now."""

    def checkout(self, number: int) -> Checkout | None:
        """One checkout that was begun by now, whatever became of it."""

    def checkout_ids(self, platform: str, *, updated_from: datetime | None, by_id: bool) -> Sequence[int]:
        """The numbers of the checkouts begun by now, by (updated_at, number) or by number."""

    def customer_updated_at(self, shopper: Shopper) -> datetime:
        """When the person last changed, as of now."""

    def redeemed_codes(self, basket: int) -> tuple[str, ...]:
        """The voucher codes that the order carries."""

    def orders_count(self, household: int) -> int:
        """How many paid, not cancelled orders the person has by now."""

    def voucher(self, platform: str, code: str) -> Voucher | None:
        """A code by its text, whatever its case."""

    def mint(self, voucher: Voucher) -> Voucher:
        """Keep a new code and journal it; the external id is given here when it is 0.

        Raises:
            ValueError: the shop already has the code.
        """

    def next_id(self, kind: str) -> int:
        """A fresh id of a kind (`voucher`, `webhook`, `key`), journaled."""

    def remember(self, kind: str, value: Mapping[str, object]) -> None:
        """Keep a small fact of the APIs (a token, a key, a webhook) in the journal's state."""

    def remembered(self, kind: str) -> Sequence[Mapping[str, object]]:
        """All facts of a kind, in the order they were kept."""

    def log_read(
        self, platform: str, resource: str, ids: Sequence[int], updated_from: datetime | None
    ) -> None:
        """Journal that these resources were read through the API at the simulated moment."""
