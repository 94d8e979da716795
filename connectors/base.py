"""What every connector speaks: the Storefront protocol with what it takes and gives, and the errors.

The Records (`connectors.records`) and the sending side (`connectors.sending`) can be had here, too: who
speaks to the outside needs one import.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from connectors.checkouts import CheckoutLineRecord, CheckoutRecord
from connectors.outlines import OrderOutline, OutlinePage
from connectors.petitions import PrivacyKind, PrivacyRequest
from connectors.records import (
    ConsentRecord,
    ConsentState,
    ConsentUpdate,
    CustomerMerge,
    CustomerRecord,
    Deletion,
    FulfillmentRecord,
    FulfillmentUpdate,
    Hint,
    Money,
    OrderLineRecord,
    OrderRecord,
    ProductRecord,
    Record,
    RefundRecord,
    RefundUpdate,
    Resource,
    StoreUpdate,
    Uninstalled,
    VariantRecord,
)
from connectors.reviews import ReviewRecord
from connectors.sending import Channel, Outcome, OutgoingMessage, SendResult, Unsettled

__all__ = [
    "BirthDate",
    "Channel",
    "CheckoutLineRecord",
    "CheckoutRecord",
    "ConnectorError",
    "ConsentRecord",
    "ConsentState",
    "ConsentUpdate",
    "CustomerMerge",
    "CustomerRecord",
    "Deletion",
    "Envelope",
    "FulfillmentRecord",
    "FulfillmentUpdate",
    "Hint",
    "InvalidSignature",
    "JsonObject",
    "Money",
    "OrderLineRecord",
    "OrderOutline",
    "OrderRecord",
    "Outcome",
    "OutgoingMessage",
    "OutlinePage",
    "PrivacyKind",
    "PrivacyRequest",
    "ProductRecord",
    "Record",
    "RecordPage",
    "RefundRecord",
    "RefundUpdate",
    "Resource",
    "ReviewRecord",
    "SendResult",
    "StoreIdentity",
    "StoreUpdate",
    "Storefront",
    "Subscription",
    "Unauthorized",
    "Uninstalled",
    "UnreadablePayload",
    "Unsettled",
    "VariantRecord",
]

JsonObject = dict[str, Any]
"""An object as `json.loads` gives it; known at the edge only."""


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
    """The store no longer accepts our credentials: the merchant must reconnect.

    Args:
        reason: why, as a word that a screen has a sentence for (key, owner, read-only, locked, clock), or "".
    """

    def __init__(self, message: str, *, status: int | None = 401, reason: str = "") -> None:
        super().__init__(message, permanent=True, status=status)
        self.reason = reason


class InvalidSignature(Exception):
    """The body was not signed with a secret that we know; nothing of it may be kept."""


class UnreadablePayload(Exception):
    """A verified body that is not what its topic promises; it is kept and rests as dead."""


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
        signature: the first eight bytes of it as a number, where one secret signs for all shops.
        triggered_at: when it happened, as the platform says, or None.
        is_ping: True for WooCommerce's unsigned test call: answered 200, and nothing comes of it.
    """

    source: str
    topic: str
    shop: str
    dedupe_key: str
    event_id: str | None = None
    subject_external_id: str | None = None
    signature: int | None = None
    triggered_at: datetime | None = None
    is_ping: bool = False


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One page of a listing. `cursor` is None after the last page; `total` where the platform says.

    Attributes:
        wait_seconds: the platform is still preparing what follows: ask again after so long, not sooner.
        unreadable: external ids of what stood here and broke the platform's promise, to be looked up alone.
        is_restart: whatever was read up to here will be read once more.
    """

    records: tuple[Record, ...]
    cursor: str | None
    total: int | None = None
    wait_seconds: float | None = None
    unreadable: tuple[str, ...] = ()
    is_restart: bool = False


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


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """Who the storefront says it is, read right after the credentials were accepted.

    Attributes:
        app_id: whose the credentials are, where the platform tells: Shopify's client id.
        postal_address: the shop's own, on one line, "" where it named none.
        plugins: the folders of what runs inside the shop; None where the platform does not tell.
    """

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
    app_id: str = ""
    postal_address: str = ""
    plugins: tuple[str, ...] | None = None


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

    def begin_look(self, since: Mapping[Resource, datetime]) -> None:
        """Be told what is to be listed next, each from its moment on; raises nothing of its own."""

    def history(self, resource: Resource, cursor: str | None) -> Generator[RecordPage, None, None]:
        """All there is of a resource, in the way that serves the platform best; close it when done.

        Args:
            cursor: that of the last page that was kept, from any process; None to begin.
        """

    def outline_orders(self, *, cursor: str | None, updated_since: datetime) -> OutlinePage:
        """One page of the orders that changed from that moment on, in outline: many, for little."""

    def fetch_orders(self, external_ids: Sequence[str]) -> Generator[tuple[Record, ...], None, None]:
        """Orders as they are now, some at a time; those that are gone are left out."""

    def fetch(self, resource: Resource, external_id: str) -> Record | None:
        """One resource as it is now, or None if it is gone."""

    def subscriptions(self) -> Sequence[Subscription]:
        """The webhook subscriptions that are ours."""

    def subscribe(self, url_by_topic: Mapping[str, str], secret: str) -> Sequence[Subscription]:
        """Make the missing subscriptions. WooCommerce pings the URL before it answers."""

    def unsubscribe(self, external_ids: Sequence[str]) -> None:
        """Remove these subscriptions; those that are gone already do no harm."""

    def unsubscribe_all(self) -> None:
        """Remove our subscriptions, when the merchant disconnects."""
