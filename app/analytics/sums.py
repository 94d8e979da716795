"""A store's last days in numbers, read from the sums of its days: the home page and the weekly letter."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.analytics import days
from app.analytics.days import FATES, FLOW_DAYS, STORE_DAYS
from app.db import table_of
from app.messaging import zones
from app.models import Attribution, Chore, Store
from app.stores import chores

ATTRIBUTIONS, CHORES = table_of(Attribution), table_of(Chore)
_LONGEST_GAP = timedelta(hours=6)
"""How much of what was not added up yet a page adds itself; no more, should the worker stand still."""


@dataclass(frozen=True, slots=True)
class Fates:
    """What became of messages."""

    sent: int = 0
    delivered: int = 0
    bounced: int = 0
    clicked: int = 0
    complained: int = 0
    unsubscribed: int = 0

    def __add__(self, other: "Fates") -> "Fates":
        return Fates(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True, slots=True)
class Day:
    """One day: its orders, how many messages left, and how long the lists were, if they were counted."""

    day: date
    orders: int = 0
    revenue_minor: int = 0
    sent: int = 0
    clicked: int = 0
    subscribers: int | None = None
    texting: int | None = None


@dataclass(frozen=True, slots=True)
class Earned:
    """Orders that went to messages, and what they brought in minor units, net of refunds."""

    orders: int = 0
    minor: int = 0

    def __add__(self, other: "Earned") -> "Earned":
        return Earned(self.orders + other.orders, self.minor + other.minor)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of the store's clock, both named, and the moments [begin, end) that they are."""

    first: date
    last: date
    begin: datetime
    end: datetime


def last_days(store: Store, number: int, now: datetime) -> Period:
    """Today and so many days before that they are `number` in all."""
    today = days.day_of(zones.zone_named(store.timezone), now)
    return between(store, today - timedelta(days=number - 1), today)


def between(store: Store, first: date, last: date) -> Period:
    """From one day to another, both included."""
    zone = zones.zone_named(store.timezone)
    return Period(first, last, days.span(zone, first)[0], days.span(zone, last)[1])


def earned(session: Session, store: Store, period: Period) -> dict[str, Earned]:
    """What each flow brought, in the store's own currency; read from an index alone, so that it is of now.

    Source: DEFINITIONS.md, attribution.
    """
    statement = (
        select(ATTRIBUTIONS.c.flow_key, func.count(), func.sum(ATTRIBUTIONS.c.amount_minor))
        .where(
            ATTRIBUTIONS.c.store_id == store.id,
            ATTRIBUTIONS.c.occurred_at >= period.begin,
            ATTRIBUTIONS.c.occurred_at < period.end,
            ATTRIBUTIONS.c.currency == store.currency,
        )
        .group_by(ATTRIBUTIONS.c.flow_key)
    )
    return {row.flow_key: Earned(row[1], int(row[2])) for row in session.execute(statement)}


def by_flow(session: Session, store: Store, period: Period, now: datetime) -> dict[str, Fates]:
    """What became of each flow's messages: the sums, and what happened since they were last made."""
    mine = (FLOW_DAYS.c.store_id == store.id, FLOW_DAYS.c.day.between(period.first, period.last))
    sums = (func.sum(FLOW_DAYS.c[name]) for name in FATES)
    statement = select(FLOW_DAYS.c.flow_key, *sums).where(*mine).group_by(FLOW_DAYS.c.flow_key)
    found = {row[0]: Fates(*(int(n) for n in row[1:])) for row in session.execute(statement)}
    for flow_key, fresh in _since_counted(session, store.id, period, now).items():
        found[flow_key] = found.get(flow_key, Fates()) + Fates(**fresh)
    return found


def by_day(session: Session, store: Store, period: Period) -> Sequence[Day]:
    """Every day of the period, those without news among them; messages as of the last hour's sums."""
    of_store = (STORE_DAYS.c.store_id == store.id, STORE_DAYS.c.day.between(period.first, period.last))
    stored = {row.day: row for row in session.execute(select(STORE_DAYS).where(*of_store))}
    left = (
        select(FLOW_DAYS.c.day, func.sum(FLOW_DAYS.c.sent), func.sum(FLOW_DAYS.c.clicked))
        .where(FLOW_DAYS.c.store_id == store.id, FLOW_DAYS.c.day.between(period.first, period.last))
        .group_by(FLOW_DAYS.c.day)
    )
    messages = {day: (int(sent), int(clicked)) for day, sent, clicked in session.execute(left)}
    found = []
    for number in range((period.last - period.first).days + 1):
        day = period.first + timedelta(days=number)
        row, (sent, clicked) = stored.get(day), messages.get(day, (0, 0))
        one = Day(day, sent=sent, clicked=clicked)
        if row is not None:
            one = Day(day, row.orders, row.revenue_minor, sent, clicked, row.subscribers, row.texting)
        found.append(one)
    return found


def growth(listed: Sequence[Day]) -> tuple[int, int] | None:
    """How long the list of mails is, and by how much it grew since the first count; None before two."""
    counts = [one.subscribers for one in listed if one.subscribers is not None]
    return (counts[-1], counts[-1] - counts[0]) if counts else None


def _since_counted(
    session: Session, store_id: int, period: Period, now: datetime
) -> dict[str, dict[str, int]]:
    counted = select(CHORES.c.done_at).where(CHORES.c.store_id == store_id, CHORES.c.name == chores.FIGURES)
    at = session.execute(counted).scalar_one_or_none()
    if at is None or now >= period.end:
        return {}
    return days.fates(session, store_id, [max(at, period.begin, now - _LONGEST_GAP), period.end])[0]
