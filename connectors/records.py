"""Records: facts of a shop in Ritorno's words, without a database and without a platform's field names.

Money is carried as the platform wrote it (decimal text and currency); moments are aware UTC datetimes.
What an order brings by the dozen is a named tuple, which is made three times as fast as a frozen dataclass.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from connectors.checkouts import CheckoutRecord
from connectors.petitions import PrivacyRequest
from connectors.reviews import ReviewRecord


class Resource(StrEnum):
    """What a storefront can be asked to list."""

    CUSTOMERS = "customers"
    PRODUCTS = "products"
    ORDERS = "orders"
    REVIEWS = "reviews"
    CHECKOUTS = "checkouts"


class ConsentState(StrEnum):
    """What a person said about one channel."""

    SUBSCRIBED = "subscribed"
    PENDING = "pending"
    UNSUBSCRIBED = "unsubscribed"
    UNKNOWN = "unknown"


class Money(NamedTuple):
    """An amount as the platform wrote it, for example Money("12.50", "EUR")."""

    amount: str
    currency: str


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """What the platform knows of one channel's consent.

    Attributes:
        channel, state: email, sms or tracking, and what was said of it.
        basis: consent, double_opt_in or None.
        occurred_at: when it was said, or None where the platform does not tell.
        source, wording: where it was read, and the text that the person agreed to, where that is told.
        is_standing: a state read from a profile, not a dated statement: only a change of it is news.
    """

    channel: str
    state: ConsentState
    basis: str | None
    occurred_at: datetime | None
    source: str
    is_standing: bool = False
    wording: str | None = None


class CustomerRecord(NamedTuple):
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


class OrderLineRecord(NamedTuple):
    """One line; `total` is after line discounts, `quantity` as ordered, `current_quantity` after refunds."""

    external_id: str
    product_external_id: str | None
    variant_external_id: str | None
    title: str
    quantity: int
    total: Money
    current_quantity: int | None = None


class RefundRecord(NamedTuple):
    """Money given back, as a positive amount."""

    external_id: str
    amount: Money
    refunded_at: datetime
    line_external_ids: tuple[str, ...] = ()


class FulfillmentRecord(NamedTuple):
    """A parcel: when it left and when it arrived, as far as the platform says."""

    external_id: str
    status: str
    fulfilled_at: datetime | None
    delivered_at: datetime | None


class OrderRecord(NamedTuple):
    """An order as the payload shows it now; the newest `updated_at` decides, not the topic.

    Attributes:
        status: open, cancelled, draft (not an order yet) or the platform's own word.
        is_paid: the platform counts it as paid; `paid_at` may still be unknown.
        lines, refunds, fulfillments: None when the payload did not carry them; then the mirror keeps
            what it knows.
        customer: who ordered; a guest has no external id.
        checkout_token: which checkout it completes, see CheckoutRecord.
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
    checkout_token: str | None = None


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
    """A consent that comes by itself and names its address: it may be ahead of the person, or a guest's."""

    customer_external_id: str | None
    consent: ConsentRecord
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Deletion:
    """The platform says that a resource is gone. Destructive news needs a second proof by a look-up."""

    resource: Resource
    external_id: str
    occurred_at: datetime | None


@dataclass(frozen=True, slots=True)
class CustomerMerge:
    """One customer became part of another, who is left with both's orders. It needs a second proof, too."""

    kept_external_id: str
    merged_external_id: str
    occurred_at: datetime | None


@dataclass(frozen=True, slots=True)
class Hint:
    """The platform says that a resource changed, but not all that is to be known: it is looked up."""

    resource: Resource
    external_id: str


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
    | ReviewRecord
    | CheckoutRecord
    | ConsentUpdate
    | Deletion
    | CustomerMerge
    | Hint
    | PrivacyRequest
    | StoreUpdate
    | Uninstalled
)
