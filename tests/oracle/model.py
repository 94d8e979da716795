"""What goes in and what comes out: a store's settings, the expected and the actual rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

FLOWS = ("welcome", "review", "cross_sell", "birthday")
SHOPIFY, WOOCOMMERCE = "shopify", "woocommerce"


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What a merchant set, as far as it decides who is written to and when.

    Attributes:
        platform: `shopify` or `woocommerce`; the journal has one store of each.
        domain: lower case; part of the holdout's hash.
        flows: the keys of the flows that are switched on.
        soft_opt_in: whether buyers who said nothing may be mailed.
        can_send_sms: whether the store has an SMS sender.
        minors_barred: the purposes that are stopped for people whose known birthday makes them under 18.
        delays: days between delivery and M3 by product type, over the oracle's own table.
        number: the store's id, which names its night of the week.
        installed_at: when the store was installed; when its flows were switched on if None.
    """

    platform: str
    domain: str
    timezone: str = "Europe/Rome"
    country: str = "IT"
    holdout_percent: int = 10
    email_hours: tuple[int, int] = (8, 21)
    sms_hours: tuple[int, int] = (9, 20)
    cap_per_day: int = 1
    cap_per_week: int = 3
    soft_opt_in: bool = False
    can_send_sms: bool = True
    minors_barred: tuple[str, ...] = ("marketing",)
    flows: tuple[str, ...] = FLOWS
    delays: Mapping[str, int] = field(default_factory=dict)
    number: int = 1
    installed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MessageKey:
    """What makes a message unique; `customer` is the external id, for guests the normalised e-mail."""

    platform: str
    customer: str
    flow: str
    step: str
    occurrence: str

    def __str__(self) -> str:
        return f"{self.platform}/{self.customer}/{self.flow}/{self.step}/{self.occurrence}"


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message. `reason` is compared for stopped messages only; `about` are the products it names."""

    channel: str
    due_at: datetime
    status: str
    reason: str | None = None
    sent_at: datetime | None = None
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnrollmentKey:
    """What makes an enrollment unique."""

    platform: str
    customer: str
    flow: str
    occurrence: str

    @property
    def name(self) -> tuple[str, str]:
        """Where it stands among those of one customer."""
        return self.flow, self.occurrence

    def __str__(self) -> str:
        return f"{self.platform}/{self.customer}/{self.flow}/{self.occurrence}"


@dataclass(frozen=True, slots=True)
class EnrollmentRow:
    """One enrollment: active, completed, exited or held_out."""

    state: str
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order as mirrored; amounts in minor units."""

    customer: str
    total_minor: int
    refunded_minor: int
    is_paid: bool
    is_counted: bool


@dataclass(frozen=True, slots=True)
class AttributionRow:
    """Which message an order goes to, and how much of it. `rule` is voucher or last-click."""

    rule: str
    message: MessageKey
    amount_minor: int


@dataclass(frozen=True, slots=True)
class RhythmKey:
    """What was learned of a product, from a moment on."""

    platform: str
    product: str
    learned_at: datetime

    def __str__(self) -> str:
        return f"{self.platform}/{self.product}/{self.learned_at:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class RhythmRow:
    """After how many days a product's buyers come back, and until when that held."""

    until: datetime | None
    gaps: int
    people: int
    median_days: int
    low_days: int
    high_days: int
    long_days: int | None


@dataclass(slots=True)
class Revenue:
    """Sums in minor units over paid orders: as paid, given back, and what messages brought."""

    total_minor: int = 0
    refunded_minor: int = 0
    attributed_minor: int = 0


@dataclass(slots=True)
class Actual:
    """What a database of Ritorno holds. Orders are keyed by (platform, external id)."""

    customers: set[tuple[str, str]] = field(default_factory=set)
    orders: dict[tuple[str, str], OrderRow] = field(default_factory=dict)
    first_orders: dict[tuple[str, str], str] = field(default_factory=dict)
    enrollments: dict[EnrollmentKey, EnrollmentRow] = field(default_factory=dict)
    messages: dict[MessageKey, MessageRow] = field(default_factory=dict)
    attributions: dict[tuple[str, str], AttributionRow] = field(default_factory=dict)
    rhythms: dict[RhythmKey, RhythmRow] = field(default_factory=dict)


@dataclass(slots=True)
class Expected(Actual):
    """What a database of a correct Ritorno holds, and what is wrong with the journal itself.

    `put_off` are the messages that a recipient's yes and no in turn kept waiting, or ended.
    """

    problems: list[str] = field(default_factory=list)
    put_off: set[MessageKey] = field(default_factory=set)

    def revenue(self, platform: str | None = None) -> Revenue:
        """The sums of one store, or of both."""
        sums = Revenue()
        for (where, _), order in self.orders.items():
            if platform in (None, where) and order.is_paid:
                sums.total_minor += order.total_minor
                sums.refunded_minor += order.refunded_minor
        for (where, _), attribution in self.attributions.items():
            if platform in (None, where):
                sums.attributed_minor += attribution.amount_minor
        return sums
