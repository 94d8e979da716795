"""What is written into a storefront, and the protocol of whoever writes it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from connectors.base import ConnectorError, ConsentState


class NotSupported(ConnectorError):
    """The platform has no place for what is to be written; nobody was asked."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """What a person said to us about a channel, for the shop to know.

    Attributes:
        channel: email or sms.
        basis: consent or double_opt_in where the state is subscribed; else None.
    """

    customer_external_id: str
    channel: str
    state: ConsentState
    basis: str | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class TagChange:
    """Tags that a customer is to have, and others that they are not; whatever else they have stays."""

    customer_external_id: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VoucherPool:
    """What codes of equal worth share, where the platform can have many codes of one discount.

    Attributes:
        key: a code of the discount's own that nobody is given, by which it is found again.
        ends_at: not before the end of any code in it.
    """

    key: str
    title: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class VoucherSpec:
    """A code to be made for one person and one use.

    Attributes:
        code: already chosen by us and deterministic, so that a lost answer is settled by asking
            for the code itself.
        kind: percentage, amount or free_shipping.
        value: decimal text; percent points or an amount in `currency`; "0" for free_shipping.
        pool: the same for codes of the same worth alone.
        creation: under which name the platform is making it, if it said so before.
    """

    code: str
    title: str
    kind: str
    value: str
    currency: str
    starts_at: datetime
    expires_at: datetime
    pool: VoucherPool
    product_external_ids: tuple[str, ...] = ()
    creation: str | None = None


@dataclass(frozen=True, slots=True)
class VoucherResult:
    """What became of one code: it exists, it failed, or neither is known yet.

    Attributes:
        external_id: of what carries the code in the shop, once it exists for certain.
        creation: under which name the platform is making it: ask again with it.
        error: why there is no code; with `permanent` there never will be.
    """

    code: str
    external_id: str | None = None
    creation: str | None = None
    error: ConnectorError | None = None


@dataclass(frozen=True, slots=True)
class FlowActivity:
    """A flow's mails as the shop's marketing reports know them.

    Attributes:
        name: ours, never changed; by it the shop knows the activity again.
        started_at: when it was last switched on.
        url: where the merchant sees it with us.
        utm: source, medium and campaign, as the links of its mails carry them.
    """

    name: str
    title: str
    is_running: bool
    started_at: datetime | None
    url: str
    utm: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class FlowEngagement:
    """What a flow's mails did on one day of the shop; figures that we do not know are left out.

    Attributes:
        utc_offset: of the shop when the day began.
        clicks: of people who agreed to be measured.
        sales: decimal text in `currency`.
    """

    day: date
    utc_offset: timedelta
    sent: int
    clicks: int
    unique_clicks: int
    orders: int
    sales: str
    currency: str


class StoreWriter(Protocol):
    """The writing side of a connected shop. Each call may raise ConnectorError; none is retried inside.

    Each may be repeated: a write whose answer was lost is written again.
    """

    def write_consent(self, change: ConsentChange) -> None:
        """Tell the shop what a person said to us.

        Raises:
            NotSupported: the platform keeps no such consent.
        """

    def write_tags(self, change: TagChange) -> None:
        """Change a customer's tags.

        Raises:
            NotSupported: the platform has no tags of customers.
        """

    def mint_vouchers(self, specs: Sequence[VoucherSpec]) -> Iterator[VoucherResult]:
        """Make codes, each told as soon as it is known, in any order; a code that exists already is ours.

        A failure that is not of the codes themselves ends it: what was not told was not asked for.
        """

    def report_activity(self, activity: FlowActivity) -> None:
        """Make a flow known to the shop's marketing reports, or bring it up to date.

        Raises:
            NotSupported: the platform has no such reports.
        """

    def report_engagement(self, activity: FlowActivity, engagement: FlowEngagement) -> None:
        """Tell what a flow's mails did on a day; the activity is made known where it is not yet.

        Raises:
            NotSupported: the platform has no such reports.
        """
