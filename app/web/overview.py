"""What the home page says of a store's last days: what came back, what was sent, who can be written to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.analytics import effects, sums
from app.analytics.effects import Brought
from app.analytics.sums import Earned, Fates, Period
from app.flows.switch import FlowView
from app.models import Message, Store
from app.models.message import HELD, OPEN_STATES, UNKNOWN
from app.web import charts
from app.web.charts import Bars, Bucket, Line
from app.web.context import count_up_to, literals

SPANS = (30, 90, 365)
"""How many days the page may look back on; the first one unless another is asked for."""
_CAP = 9_999


@dataclass(frozen=True, slots=True)
class FlowLine:
    """One flow in the period."""

    view: FlowView
    fates: Fates
    earned: Earned


@dataclass(frozen=True, slots=True)
class Charts:
    """What is drawn, bucket by bucket."""

    buckets: Sequence[Bucket]
    orders: Bars
    messages: Bars
    list: Line | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The numbers of the page.

    Attributes:
        brought: by lot, of those who entered half a year ago to a month ago, whatever the period.
        waiting, resting: messages that will be looked at, and those of which somebody must decide.
        list_size, list_growth: who agreed to mails, and how many more than at the period's first count; None
            before the first one.
    """

    days: int
    period: Period
    earned: Earned
    brought: Brought | None
    orders: int
    revenue_minor: int
    fates: Fates
    waiting: int
    resting: int
    list_size: int | None
    list_growth: int
    flows: Sequence[FlowLine]
    charts: Charts


def span_of(text: str) -> int:
    """The number of days that an address asks for."""
    return next((one for one in SPANS if str(one) == text), SPANS[0])


def of_store(
    session: Session, store: Store, views: Sequence[FlowView], *, number: int, now: datetime
) -> Overview:
    """The page's numbers for so many days, today the last of them."""
    period = sums.last_days(store, number, now)
    earned = sums.earned(session, store, period)
    fates = sums.by_flow(session, store, period, now)
    listed = sums.by_day(session, store, period)
    list_size, grown = sums.growth(listed) or (None, 0)
    return Overview(
        days=number,
        period=period,
        earned=sum(earned.values(), Earned()),
        brought=effects.of_store(session, store.id),
        orders=sum(one.orders for one in listed),
        revenue_minor=sum(one.revenue_minor for one in listed),
        fates=sum(fates.values(), Fates()),
        waiting=_in_states(session, store.id, OPEN_STATES),
        resting=_in_states(session, store.id, (UNKNOWN, HELD)),
        list_size=list_size,
        list_growth=grown,
        flows=_lines(views, fates, earned),
        charts=_drawn(charts.buckets(listed)),
    )


def by_flow(session: Session, store: Store, views: Sequence[FlowView], now: datetime) -> Sequence[FlowLine]:
    """What each flow did in the last thirty days."""
    period = sums.last_days(store, SPANS[0], now)
    fates = sums.by_flow(session, store, period, now)
    return _lines(views, fates, sums.earned(session, store, period))


def _lines(
    views: Sequence[FlowView], fates: Mapping[str, Fates], earned: Mapping[str, Earned]
) -> Sequence[FlowLine]:
    return [FlowLine(view, fates.get(view.key, Fates()), earned.get(view.key, Earned())) for view in views]


def _in_states(session: Session, store_id: int, states: Sequence[str]) -> int:
    found = select(Message.id).where(Message.store_id == store_id, Message.status.in_(literals(states)))
    return count_up_to(session, found, _CAP)


def _drawn(shown: Sequence[Bucket]) -> Charts:
    return Charts(
        buckets=shown,
        orders=charts.bars(shown, lambda one: one.orders, lambda one: 0),
        messages=charts.bars(shown, lambda one: one.sent, lambda one: one.clicked),
        list=charts.line(shown, lambda one: one.subscribers),
    )
