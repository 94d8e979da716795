"""What a correct Ritorno holds while time passes: people, orders, timeline entries, enrollments, messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.oracle.journal import OrderFact, ProductFact, Shopper, Told
from tests.oracle.model import EnrollmentKey, MessageKey, StoreSettings

ACTIVE, COMPLETED, EXITED, HELD_OUT = "active", "completed", "exited", "held_out"
ORDER_MOMENTS = ("placed_at", "paid_at", "fulfilled_at", "delivered_at", "cancelled_at", "refunded_at")


@dataclass(slots=True)
class Order:
    """An order as far as it is known; a moment is None until Ritorno was told of it."""

    fact: OrderFact
    is_known: bool = False
    placed_at: int | None = None
    paid_at: int | None = None
    fulfilled_at: int | None = None
    delivered_at: int | None = None
    cancelled_at: int | None = None
    refunded_at: int | None = None
    is_paired: bool = False
    has_transit: bool = False

    @property
    def key(self) -> str:
        """The external id."""
        return str(self.fact.basket)

    @property
    def occurrence(self) -> str:
        """How enrollments about this order are told apart."""
        return f"order:{self.fact.basket}"

    @property
    def refunded_minor(self) -> int:
        """What is known to have been given back."""
        return self.fact.refunded_minor if self.refunded_at is not None else 0

    @property
    def is_intact(self) -> bool:
        """Not cancelled, and nothing of it given back."""
        return self.cancelled_at is None and self.refunded_at is None

    @property
    def is_counted(self) -> bool:
        """Paid, not cancelled, not wholly refunded."""
        is_wholly_refunded = self.refunded_minor >= self.fact.total_minor > 0
        return self.paid_at is not None and self.cancelled_at is None and not is_wholly_refunded


class Entry(NamedTuple):
    """One line of a customer's timeline, ordered by moment, then by the order in which it was written."""

    at: int
    number: int
    kind: str
    order: Order | None = None
    redeemed: tuple[Enrollment, str] | None = None

    @property
    def name(self) -> tuple[str, str]:
        """Where it stands among those of its moment."""
        return self.kind, self.order.key if self.order is not None else ""


@dataclass(eq=False, slots=True)
class Enrollment:
    """One journey. `plan` holds the steps that are still to come, as (due, step)."""

    key: EnrollmentKey
    person: Person
    entered_at: int
    state: str
    order: Order | None = None
    is_waiting: bool = False
    plan: list[tuple[int, str]] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    used_codes: set[str] = field(default_factory=set)
    has_exited: bool = False
    code_ends_at: int = 0
    day_ends_at: int = 0


@dataclass(eq=False, slots=True)
class Message:
    """One message of the outbox.

    Attributes:
        about: the products that it asks about or offers.
        is_put_off: it waited, or ended, because its recipient said yes and no in turn.
    """

    key: MessageKey
    enrollment: Enrollment
    channel: str
    purpose: str
    priority: int
    due_at: int
    expires_at: int
    status: str = "queued"
    reason: str | None = None
    sent_at: int | None = None
    about: tuple[str, ...] = ()
    has_code: bool = False
    is_put_off: bool = False
    clicks: list[int] = field(default_factory=list)
    message_id: str = ""

    @property
    def order_key(self) -> tuple[int, int, str]:
        """How messages of one tick are put in order: priority, due, key."""
        key = self.key
        return self.priority, self.due_at, f"{key.flow}:{key.step}:{key.customer}:{key.occurrence}"


@dataclass(eq=False, slots=True)
class Person:
    """A customer of one store, as far as known.

    Attributes:
        has_profile: whether the address and the phone are known.
        birth_told_at: when the birthday was told, None while it is unknown.
        consents: state and moment by channel.
        account_answers: what the account said last, by channel (WooCommerce).
        words: whatever was said of mails, as (moment, whether it was a no), as it was told.
        history: the entries that flows have read, by moment.
        watched: enrollments that an exit can still end or whose messages it can still stop.
        left: moments and channels of marketing and service messages that left, oldest first.
    """

    shopper: Shopper
    is_known: bool = False
    has_profile: bool = False
    birth_told_at: int | None = None
    consents: dict[str, tuple[str, int]] = field(default_factory=dict)
    account_answers: dict[str, str] = field(default_factory=dict)
    words: list[tuple[int, bool]] = field(default_factory=list)
    is_suppressed: bool = False
    orders: list[Order] = field(default_factory=list)
    pending: list[Entry] = field(default_factory=list)
    history: list[Entry] = field(default_factory=list)
    watched: list[Enrollment] = field(default_factory=list)
    left: list[tuple[int, str]] = field(default_factory=list)
    last_ask_at: int | None = None
    review_asks: list[Message] = field(default_factory=list)
    last_birthday_slot: int | None = None

    @property
    def platform(self) -> str:
        """The shop's platform."""
        return self.shopper.platform

    @property
    def country(self) -> str:
        """The address' country, empty while unknown."""
        return self.shopper.country if self.has_profile else ""

    @property
    def region(self) -> str:
        """The address' region, empty while unknown."""
        return self.shopper.region if self.has_profile else ""

    @property
    def phone(self) -> str:
        """The phone, empty while unknown."""
        return self.shopper.phone if self.has_profile else ""

    def consent(self, channel: str) -> str:
        """What the person said last about a channel; `unknown` when nothing."""
        return self.consents.get(channel, ("unknown", 0))[0]


@dataclass(slots=True)
class StoreMirror:
    """One store as known.

    Attributes:
        complements: the merchant's own choices, by product, where they were told.
        transits: the known times from leaving to arriving, in seconds, by the order's moment.
        unpaired: paid orders that the co-purchase counts do not hold yet.
        parked: news of parcels and refunds whose order has not arrived, by order.
        learned_days: after how many days a review is asked, of products whose buyers' returns tell.
    """

    settings: StoreSettings
    people: dict[int, Person] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    products: dict[str, ProductFact] = field(default_factory=dict)
    complements: dict[str, tuple[str, ...]] = field(default_factory=dict)
    transits: list[tuple[int, int]] = field(default_factory=list)
    unpaired: dict[int, Order] = field(default_factory=dict)
    parked: dict[int, list[tuple[Told, tuple[str, ...]]]] = field(default_factory=dict)
    learned_days: dict[str, int] = field(default_factory=dict)
