"""What every connector speaks: Records, the Storefront and Channel protocols, and two errors.

A Record is a fact in Ritorno's words. It knows no database and no platform field name. Money is
carried as the platform wrote it (decimal text and currency); moments are aware UTC datetimes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol


class ConnectorError(Exception):
    """A call to the outside that failed.

    Args:
        message: safe to store and to show to an operator (no secret, no address of a person).
        permanent: True when trying again cannot help; the caller retries by this flag alone.
        status: the HTTP status of the answer, or None when there was none.
        retry_after_seconds: what the other side asked us to wait, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        status: int | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.status = status
        self.retry_after_seconds = retry_after_seconds


class Unauthorized(ConnectorError):
    """The store no longer accepts our credentials: the merchant must reconnect."""

    def __init__(self, message: str, *, status: int | None = 401) -> None:
        super().__init__(message, permanent=True, status=status)


class InvalidSignature(Exception):
    """The body was not signed with a secret that we know; nothing of it may be kept."""


class UnreadablePayload(Exception):
    """A verified body that is not what its topic promises; it is kept and rests as dead."""


class Resource(StrEnum):
    """What a storefront can be asked to list."""

    CUSTOMERS = "customers"
    PRODUCTS = "products"
    ORDERS = "orders"


class ConsentState(StrEnum):
    """What a person said about one channel."""

    SUBSCRIBED = "subscribed"
    PENDING = "pending"
    UNSUBSCRIBED = "unsubscribed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a verified webhook says of itself, before anybody reads the body.

    Attributes:
        source: the connector's kind, `shopify` or `woocommerce`.
        topic: the platform's own name (`orders/create`, `order.updated`).
        shop: the shop's domain or URL as the delivery claims it, lower case; cross-checked with the
            body where the body names one, because neither platform signs its headers.
        dedupe_key: equal for two deliveries of the same fact, at most 128 ASCII characters.
        event_id: the platform's id of what happened, where there is one.
        subject_external_id: the id of the resource in the body, where it is readable.
        triggered_at: when it happened, as the platform says, or None.
        is_ping: True for WooCommerce's unsigned test call: answered 200, never kept.
    """

    source: str
    topic: str
    shop: str
    dedupe_key: str
    event_id: str | None = None
    subject_external_id: str | None = None
    triggered_at: datetime | None = None
    is_ping: bool = False


@dataclass(frozen=True, slots=True)
class Money:
    """An amount as the platform wrote it, for example Money("12.50", "EUR")."""

    amount: str
    currency: str


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """What the platform knows of one channel's consent. `basis` is consent, double_opt_in or None."""

    channel: str
    state: ConsentState
    basis: str | None
    occurred_at: datetime | None
    source: str


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """A person as the storefront knows them. `external_id` is None for a guest, known by e-mail.

    A field that the payload did not carry is None and leaves the mirror's value alone; an empty
    tuple or text is a statement and overwrites it.
    """

    external_id: str | None
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    locale: str | None = None
    country: str | None = None
    region: str | None = None
    city: str | None = None
    birth_year: int | None = None
    birth_month: int | None = None
    birth_day: int | None = None
    tags: tuple[str, ...] | None = None
    consents: tuple[ConsentRecord, ...] = ()
    platform_orders_count: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderLineRecord:
    """One line; `total` is after line discounts, `quantity` as ordered, `current_quantity` after refunds."""

    external_id: str
    product_external_id: str | None
    variant_external_id: str | None
    title: str
    quantity: int
    total: Money
    current_quantity: int | None = None


@dataclass(frozen=True, slots=True)
class RefundRecord:
    """Money given back, as a positive amount."""

    external_id: str
    amount: Money
    refunded_at: datetime
    line_external_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FulfillmentRecord:
    """A parcel: when it left and when it arrived, as far as the platform says."""

    external_id: str
    status: str
    fulfilled_at: datetime | None
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """An order as the payload shows it now; the newest `updated_at` decides, not the topic.

    Attributes:
        status: open, cancelled, draft (not an order yet) or the platform's own word.
        is_paid: the platform counts it as paid; `paid_at` may still be unknown.
        lines: None when the payload did not carry the lines at all.
        refunds, fulfillments: None when the payload did not carry them; then the mirror keeps what
            it knows.
        customer: who ordered; a guest has no external id.
    """

    external_id: str
    number: str
    customer: CustomerRecord | None
    status: str
    financial_status: str
    fulfillment_status: str
    is_paid: bool
    total: Money
    discount: Money
    tax: Money
    shipping: Money
    placed_at: datetime
    updated_at: datetime
    refunded_total: Money | None = None
    discount_codes: tuple[str, ...] = ()
    is_discounted: bool = False
    paid_at: datetime | None = None
    fulfilled_at: datetime | None = None
    delivered_at: datetime | None = None
    cancelled_at: datetime | None = None
    lines: tuple[OrderLineRecord, ...] | None = None
    refunds: tuple[RefundRecord, ...] | None = None
    fulfillments: tuple[FulfillmentRecord, ...] | None = None
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class FulfillmentUpdate:
    """A parcel's news that arrives apart from its order (Shopify's fulfillments topics)."""

    order_external_id: str
    fulfillment: FulfillmentRecord
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RefundUpdate:
    """A refund that arrives apart from its order (Shopify's refunds/create)."""

    order_external_id: str
    refund: RefundRecord
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class VariantRecord:
    """One thing that can be bought of a product. `quantity` is None where stock is not tracked."""

    external_id: str
    title: str
    sku: str
    price: Money
    is_available: bool
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class ProductRecord:
    """A product with its variants and the merchant's own cross-sell and up-sell choices.

    What a payload does not carry (Shopify's product webhooks name no collections and no complements)
    is None and leaves the mirror's value alone; prices without a currency are in the store's.
    """

    external_id: str
    title: str
    handle: str
    product_type: str
    vendor: str
    status: str
    is_available: bool
    url: str | None
    image_url: str | None
    tags: tuple[str, ...]
    categories: tuple[str, ...] | None
    cross_sell_external_ids: tuple[str, ...] | None
    up_sell_external_ids: tuple[str, ...] | None
    variants: tuple[VariantRecord, ...]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ConsentUpdate:
    """A consent that arrives by a topic of its own, without the rest of the person."""

    customer_external_id: str
    consent: ConsentRecord


@dataclass(frozen=True, slots=True)
class Deletion:
    """The platform says that a resource is gone. Destructive news needs a second proof by a look-up."""

    resource: Resource
    external_id: str
    occurred_at: datetime | None


class PrivacyKind(StrEnum):
    """The three compliance requests."""

    ACCESS = "access"
    ERASE_CUSTOMER = "erase-customer"
    ERASE_SHOP = "erase-shop"


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """A request under privacy law, passed on by the platform."""

    kind: PrivacyKind
    customer_external_id: str | None
    email: str | None
    order_external_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoreUpdate:
    """What the platform says of the shop itself (name, zone, currency, address)."""

    name: str | None = None
    timezone: str | None = None
    currency: str | None = None
    country: str | None = None
    email: str | None = None
    scopes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """The merchant removed the app; `occurred_at` older than the install is old news."""

    occurred_at: datetime | None


Record = (
    CustomerRecord
    | OrderRecord
    | FulfillmentUpdate
    | RefundUpdate
    | ProductRecord
    | ConsentUpdate
    | Deletion
    | PrivacyRequest
    | StoreUpdate
    | Uninstalled
)


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One page of a listing. `cursor` is None after the last page; `total` where the platform says."""

    records: tuple[Record, ...]
    cursor: str | None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class VoucherSpec:
    """A code to be made for one person.

    Attributes:
        code: already chosen by us and deterministic, so that a lost answer is settled by asking
            for the code itself.
        kind: percentage, amount or free_shipping.
        value: decimal text; percent points or an amount in `currency`; "0" for free_shipping.
    """

    code: str
    title: str
    kind: str
    value: str
    currency: str
    starts_at: datetime
    expires_at: datetime
    customer_external_id: str | None = None
    product_external_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """Who the storefront says it is, read right after the credentials were accepted."""

    domain: str
    name: str
    timezone: str
    currency: str
    country: str
    locale: str
    home_url: str
    email: str = ""
    scopes: tuple[str, ...] = ()
    store_uid: str = ""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A webhook subscription as the platform lists it. `state` is active, paused or disabled."""

    external_id: str
    topic: str
    url: str
    state: str


class Storefront(Protocol):
    """A connected shop. Each call may raise ConnectorError; no call is retried inside."""

    def identity(self) -> StoreIdentity:
        """Read who the shop is."""

    def count(self, resource: Resource) -> int | None:
        """How many there are, or None where the platform does not say cheaply."""

    def page(self, resource: Resource, *, cursor: str | None, updated_since: datetime | None) -> RecordPage:
        """One page in a stable order; with `updated_since` only what changed from that moment on."""

    def fetch(self, resource: Resource, external_id: str) -> Record | None:
        """One resource as it is now, or None if it is gone."""

    def mint_voucher(self, spec: VoucherSpec) -> str:
        """Make the code in the shop and return its external id; an existing equal code is returned too."""

    def find_voucher(self, code: str) -> str | None:
        """The external id of a code, or None: settles a lost answer."""

    def subscriptions(self) -> Sequence[Subscription]:
        """The webhook subscriptions that are ours."""

    def subscribe(self, url_by_topic: Mapping[str, str], secret: str) -> Sequence[Subscription]:
        """Make the missing subscriptions. WooCommerce pings the URL before it answers."""

    def unsubscribe_all(self) -> None:
        """Remove our subscriptions, when the merchant disconnects."""


class Outcome(StrEnum):
    """How a call to a provider ended."""

    ACCEPTED = "accepted"
    RETRY = "retry"
    FAILED = "failed"
    PAUSE_SENDER = "pause-sender"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A rendered message, ready for one provider call.

    Attributes:
        message_id: our opaque id (decimal text); it travels with the message and comes back in events.
        headers: List-Unsubscribe and the like; empty for SMS.
    """

    message_id: str
    channel: str
    to_address: str
    from_address: str
    from_name: str
    subject: str
    text: str
    html: str | None
    headers: Mapping[str, str] = field(default_factory=dict)
    track_clicks: bool = False


@dataclass(frozen=True, slots=True)
class SendResult:
    """What the provider said, by its documented answers only; everything else is UNKNOWN."""

    outcome: Outcome
    provider_message_id: str | None = None
    error: str | None = None
    retry_after_seconds: float | None = None


class Channel(Protocol):
    """A way to reach people. `send` never raises for what the network or the provider does."""

    def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[SendResult]:
        """One result per message, in order."""

    def look_up(self, message_id: str) -> SendResult | None:
        """What became of an unknown message; None where the provider cannot say."""


JsonObject = dict[str, Any]
RecordStream = Iterator[Record]


@dataclass(frozen=True, slots=True)
class BirthDate:
    """Month and day with an optional year."""

    month: int
    day: int
    year: int | None = None

    @classmethod
    def parse(cls, text: str | None) -> "BirthDate | None":
        """Read `YYYY-MM-DD` or `--MM-DD`; anything else is None, never an error."""
        if not text:
            return None
        raw = text.strip()
        has_year = not raw.startswith("--")
        try:
            parsed = date.fromisoformat(raw if has_year else f"2000-{raw[2:]}")
        except ValueError:
            return None
        return cls(month=parsed.month, day=parsed.day, year=parsed.year if has_year else None)
