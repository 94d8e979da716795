"""The sums of each day: orders when they change, messages and lists once an hour; the screens read these."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    CompoundSelect,
    Select,
    and_,
    bindparam,
    case,
    distinct,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from app.analytics.leaving import BEGIN, STORE, left
from app.db import Among, UtcDateTime, insert_new, is_one_of, table_of, upsert
from app.messaging import zones
from app.models import (
    ConsentState,
    DeliveryEvent,
    FlowDay,
    Message,
    MessageAttempt,
    Order,
    Store,
    StoreDay,
)
from app.segments import reach

STORES = table_of(Store)
ORDERS, STATES = table_of(Order), table_of(ConsentState)
MESSAGES, ATTEMPTS, EVENTS = table_of(Message), table_of(MessageAttempt), table_of(DeliveryEvent)
STORE_DAYS, FLOW_DAYS = table_of(StoreDay), table_of(FlowDay)
FATES = ("sent", "delivered", "bounced", "clicked", "complained", "unsubscribed")
_KEY, _FLOW_KEY = ("store_id", "day"), ("store_id", "day", "flow_key")
_LATE, _AGAIN = timedelta(hours=1), timedelta(days=7)
"""How late news of a message may come on its own day, and how far back days are counted again on the next."""
_LONGEST = timedelta(days=80)
"""As far back as the attempts reach for certain, by which the messages of a day are found."""

_FLOW = MESSAGES.c.flow_key
_SPANS_A_QUERY = 10


def _bounds(number: int) -> tuple[BindParameter[datetime], BindParameter[datetime]]:
    """The parameters of one of several spans."""
    begin, end = (bindparam(f"{name}_{number}", type_=UtcDateTime) for name in ("begin", "end"))
    return begin, end


@cache
def _fates(spans: int) -> Select[Any]:
    """What messages did in so many spans, each of which begins where the one before ends.

    Gives which span, the flow, what, and of how many; a scanner's clicks are none.
    """
    sent = left(*_bounds_of_all(spans)).with_only_columns(
        _which(ATTEMPTS.c.started_at, spans), _FLOW, literal_column("'sent'").label("kind"), MESSAGES.c.id
    )
    begin, end = _bounds_of_all(spans)
    told = (
        select(_which(EVENTS.c.occurred_at, spans), _FLOW, EVENTS.c.type, EVENTS.c.message_id)
        .select_from(EVENTS)
        .join(MESSAGES, and_(MESSAGES.c.store_id == STORE, MESSAGES.c.id == EVENTS.c.message_id))
        .where(
            EVENTS.c.store_id == STORE,
            EVENTS.c.occurred_at >= begin,
            EVENTS.c.occurred_at < end,
            is_one_of(EVENTS.c.type, FATES[1:]),
            EVENTS.c.is_human,
        )
    )
    did = union_all(sent, told).subquery("did")
    key = (did.c.span, did.c.flow_key, did.c.kind)
    return select(*key, func.count(distinct(did.c.id))).group_by(*key)


def _which(moment: Column[Any], spans: int) -> ColumnElement[int]:
    """In which of the spans a moment lies that is within them all."""
    numbers: list[ColumnElement[int]] = [literal_column(str(number)) for number in range(spans)]
    *earlier, last = numbers
    ends = [(moment < _bound(end), number) for end, number in enumerate(earlier, start=1)]
    return (case(*ends, else_=last) if ends else last).label("span")


def _bound(number: int) -> BindParameter[datetime]:
    """Where one of several spans begins and the one before it ends."""
    return bindparam(f"bound_{number}", type_=UtcDateTime)


def _bounds_of_all(spans: int) -> tuple[BindParameter[datetime], BindParameter[datetime]]:
    return _bound(0), _bound(spans)


_NEWS = tuple(
    select(table.c.id).where(table.c.store_id == STORE, moment >= BEGIN).limit(1)
    for table, moment in ((ATTEMPTS, ATTEMPTS.c.started_at), (EVENTS, EVENTS.c.occurred_at))
)


@cache
def _sold(spans: int) -> CompoundSelect[Any]:
    """What the orders of so many spans came to: which span, how many, and their sum."""
    paid = func.coalesce(func.sum(ORDERS.c.total_minor - ORDERS.c.refunded_minor), 0)
    parts: list[Select[Any]] = []
    for number in range(spans):
        begin, end = _bounds(number)
        parts.append(
            select(literal_column(str(number)), func.count(), paid).where(
                ORDERS.c.store_id == STORE,
                ORDERS.c.placed_at >= begin,
                ORDERS.c.placed_at < end,
                ORDERS.c.is_counted,
                ORDERS.c.currency == bindparam("currency"),
            )
        )
    return union_all(*parts)


_LISTED = (
    select(STATES.c.channel, func.count())
    .where(STATES.c.store_id == STORE, STATES.c.state == "subscribed")
    .group_by(STATES.c.channel)
)
_OF_STORE = select(STORES.c.timezone, STORES.c.currency).where(STORES.c.id == STORE)
_LOCKED = (
    select(STORE_DAYS.c.day)
    .where(STORE_DAYS.c.store_id == STORE, Among(STORE_DAYS.c.day, "days"))
    .order_by(STORE_DAYS.c.day)
    .with_for_update()
)

_HELD = select(FLOW_DAYS.c.day, FLOW_DAYS.c.flow_key, *(FLOW_DAYS.c[name] for name in FATES)).where(
    FLOW_DAYS.c.store_id == STORE, Among(FLOW_DAYS.c.day, "days")
)

Rows = list[dict[str, Any]]
Counted = tuple[Rows, Rows]
"""The rows of the flows' days, and that of the lists."""


def day_of(zone: tzinfo, moment: datetime) -> date:
    """The day that a clock of this zone shows."""
    return moment.astimezone(zone).date()


def span(zone: tzinfo, day: date) -> tuple[datetime, datetime]:
    """From midnight to midnight: 23 or 25 hours where the clocks change."""
    first, second = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
    return first.astimezone(UTC), second.astimezone(UTC)


def count_orders(session: Session, store_id: int, moments: Iterable[datetime]) -> None:
    """Add the orders of these moments' days up anew, in the transaction that found one of them changed.

    The days are locked before they are counted, so that of two transactions the later one counts what both
    saw. On SQLite who writes is alone.
    """
    timezone, currency = session.execute(_OF_STORE, {"store": store_id}).one()
    zone = zones.zone_named(timezone)
    wanted = sorted({day_of(zone, moment) for moment in moments})
    if session.get_bind().dialect.name != "sqlite":
        insert_new(session, STORE_DAYS, [{"store_id": store_id, "day": day, **_NOTHING} for day in wanted])
        session.execute(_LOCKED, {"store": store_id, "days": wanted}).all()
    spans = [span(zone, day) for day in wanted]
    rows = [
        _NOTHING | {"store_id": store_id, "day": wanted[number], "orders": orders, "revenue_minor": int(paid)}
        for number, orders, paid in _by_spans(session, _sold, spans, store=store_id, currency=currency)
    ]
    upsert(session, STORE_DAYS, rows, key=_KEY, update=("orders", "revenue_minor"))


def is_quiet(session: Session, store_id: int, since: datetime) -> bool:
    """Whether no message left and none was told of since that moment."""
    values = {"store": store_id, "begin": since - _LATE}
    return all(session.execute(one, values).first() is None for one in _NEWS)


def count(session: Session, store: Store, since: datetime | None, now: datetime) -> Counted:
    """The rows of the flows' days that changed, and that of the lists.

    Args:
        since: when they were last counted; None for never.
    """
    zone = zones.zone_named(store.timezone)
    flows: Rows = []
    if since is None or day_of(zone, since) != day_of(zone, now) or not is_quiet(session, store.id, since):
        stale = list(_stale_days(store, zone, since, now))
        found = fates(session, store.id, [span(zone, day)[0] for day in stale] + [span(zone, stale[-1])[1]])
        held = _held(session, store.id, stale)
        flows = [
            {"store_id": store.id, "day": day, "flow_key": key, **did}
            for day, of_day in zip(stale, found, strict=True)
            for key, did in of_day.items()
            if held.get((day, key)) != (*did.values(),)
        ]
    lists = {"store_id": store.id, "day": day_of(zone, now), **_lists(session, store)}
    return flows, [lists | _NO_ORDERS]


def keep(session: Session, counted: Counted) -> None:
    """Have these sums shown from now on."""
    flows, lists = counted
    upsert(session, FLOW_DAYS, flows, key=_FLOW_KEY, update=FATES)
    upsert(session, STORE_DAYS, lists, key=_KEY, update=_LENGTHS)


def fates(session: Session, store_id: int, bounds: Sequence[datetime]) -> list[dict[str, dict[str, int]]]:
    """What each flow's messages did from each of these moments to the next one, those that did something."""
    found: list[dict[str, dict[str, int]]] = [{} for _ in bounds[1:]]
    for first in range(0, len(found), _SPANS_A_QUERY):
        asked = bounds[first : first + _SPANS_A_QUERY + 1]
        given = {f"bound_{number}": moment for number, moment in enumerate(asked)}
        for number, key, kind, n in session.execute(
            _fates(len(asked) - 1), {"store": store_id, **given}
        ).all():
            found[first + number].setdefault(key, dict.fromkeys(FATES, 0))[kind] = n
    return found


def _held(session: Session, store_id: int, days: Sequence[date]) -> dict[tuple[date, str], tuple[int, ...]]:
    """What was counted of these days before, by day and flow, in the order of `FATES`."""
    rows = session.execute(_HELD, {"store": store_id, "days": days}).all()
    return {(day, key): (*did,) for day, key, *did in rows}


def _by_spans(
    session: Session,
    statement: Callable[[int], CompoundSelect[Any]],
    spans: Sequence[tuple[datetime, datetime]],
    **values: Any,
) -> Iterator[tuple[Any, ...]]:
    """The rows of a statement for so many spans, each beginning with the number of its span."""
    for first in range(0, len(spans), _SPANS_A_QUERY):
        asked = spans[first : first + _SPANS_A_QUERY]
        given = dict(values)
        for number, (begin, end) in enumerate(asked):
            given |= {f"begin_{number}": begin, f"end_{number}": end}
        for number, *row in session.execute(statement(len(asked)), given).all():
            yield first + number, *row


_NO_ORDERS = {"orders": 0, "revenue_minor": 0}
_LENGTHS = ("subscribers", "texting", "reachable")
_NOTHING = {**_NO_ORDERS, **dict.fromkeys(_LENGTHS)}


def _stale_days(store: Store, zone: tzinfo, since: datetime | None, now: datetime) -> Iterator[date]:
    """Today alone within a day; else from the last count on, and a week more for what is told late."""
    today = day_of(zone, now)
    if since is None:
        first = day_of(zone, max(store.installed_at, now - _LONGEST))
    else:
        counted = day_of(zone, since)
        first = today if counted == today else day_of(zone, max(now - _LONGEST, since - _AGAIN))
    for number in range((today - first).days + 1):
        yield first + timedelta(days=number)


def _lists(session: Session, store: Store) -> dict[str, int]:
    found: dict[str, int] = dict(session.execute(_LISTED, {"store": store.id}).all())
    counts = (found.get("email", 0), found.get("sms", 0), reach.count(session, store))
    return dict(zip(_LENGTHS, counts, strict=True))
