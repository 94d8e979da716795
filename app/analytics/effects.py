"""The arms of each flow, counted from enrollments and orders once a night and kept for the screens."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, bindparam, delete, func, select
from sqlalchemy.orm import Session

from app.analytics.holdout import Arm, Difference, Interval, brought, compare
from app.db import UtcDateTime, table_of, upsert
from app.models import Enrollment, FlowEffect, Order
from app.models.enrollment import HELD_OUT

ENROLLMENTS, ORDERS, EFFECTS = table_of(Enrollment), table_of(Order), table_of(FlowEffect)
WINDOW, BACK = timedelta(days=30), timedelta(days=180)
"""How long after they entered people's orders count, and how far back people are looked at."""
TREATED = "treated"
_KEY = ("store_id", "flow_key", "arm")
_FIGURES = ("people", "buyers", "orders", "revenue_minor", "squares")
_PLACE = (ENROLLMENTS.c.customer_id, ENROLLMENTS.c.flow_key)
_STORE: BindParameter[int] = bindparam("store")
_first_at = func.min(ENROLLMENTS.c.entered_at)
_FIRST = (
    select(*_PLACE, _first_at.label("entered_at"))
    .where(ENROLLMENTS.c.store_id == _STORE)
    .group_by(*_PLACE)
    .having(
        _first_at >= bindparam("since", type_=UtcDateTime), _first_at < bindparam("until", type_=UtcDateTime)
    )
    .subquery()
)
"""When each customer came into each flow for the first time, of those who did so in [since, until)."""
_ENTERED = (
    select(ENROLLMENTS.c.flow_key, ENROLLMENTS.c.customer_id, ENROLLMENTS.c.entered_at, ENROLLMENTS.c.state)
    .join(
        _FIRST,
        (_FIRST.c.customer_id == ENROLLMENTS.c.customer_id)
        & (_FIRST.c.flow_key == ENROLLMENTS.c.flow_key)
        & (_FIRST.c.entered_at == ENROLLMENTS.c.entered_at),
    )
    .where(ENROLLMENTS.c.store_id == _STORE)
)
_PAID = select(ORDERS.c.customer_id, ORDERS.c.paid_at, ORDERS.c.total_minor - ORDERS.c.refunded_minor).where(
    ORDERS.c.store_id == _STORE,
    ORDERS.c.customer_id.in_(select(_FIRST.c.customer_id)),
    ORDERS.c.is_counted,
    ORDERS.c.deleted_at.is_(None),
    ORDERS.c.paid_at > bindparam("earliest", type_=UtcDateTime),
)
_REMOVAL = delete(EFFECTS).where(EFFECTS.c.store_id == _STORE)
_Entered = dict[str, dict[int, tuple[datetime, str]]]
"""When each customer came for the first time, and the state of that journey, by flow."""
_Bought = dict[str, dict[int, list[int]]]
"""What each customer paid, order by order, by flow."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A flow's arms as of last night, of those who entered in [since, until), and how they differ."""

    since: datetime
    until: datetime
    treated: Arm
    held_out: Arm
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class Brought:
    """What all flows together brought in minor units, by lot, of those who entered in [since, until).

    Attributes:
        people: who was treated; in two flows, twice.
    """

    since: datetime
    until: datetime
    people: int
    revenue: Interval


def count(session: Session, store_id: int, now: datetime) -> list[dict[str, object]]:
    """The rows of every flow of a store.

    Only those are counted whose days are over, so that both arms had the same time; a person counts from
    their first time in the flow on, since the lot is drawn for people.
    """
    since, until = now - WINDOW - BACK, now - WINDOW
    asked = {"store": store_id, "since": since, "until": until}
    entered = _entered(session, asked)
    bought = _bought(session, asked, entered) if entered else {}
    return [
        {
            "store_id": store_id,
            "flow_key": flow,
            "arm": arm,
            "since": since,
            "until": until,
            **asdict(figures),
        }
        for flow, people in sorted(entered.items())
        for arm, figures in _arms(people, bought[flow]).items()
    ]


def keep(session: Session, store_id: int, rows: list[dict[str, object]]) -> None:
    """Have these figures shown from now on, and no others."""
    session.execute(_REMOVAL, {"store": store_id})
    upsert(session, EFFECTS, rows, key=_KEY, update=("since", "until", *_FIGURES))


def of_flow(session: Session, store_id: int, flow_key: str) -> Effect | None:
    """What a flow changes, as far as it is known; None before its first night."""
    statement = select(EFFECTS).where(EFFECTS.c.store_id == store_id, EFFECTS.c.flow_key == flow_key)
    rows = {row.arm: row for row in session.execute(statement)}
    if not rows:
        return None
    treated, held_out = (
        Arm(*(getattr(rows[arm], name) for name in _FIGURES)) if arm in rows else Arm()
        for arm in (TREATED, HELD_OUT)
    )
    some = next(iter(rows.values()))
    return Effect(some.since, some.until, treated, held_out, compare(treated, held_out))


def of_store(session: Session, store_id: int) -> Brought | None:
    """What the flows of a store brought together; None while the arms are too small to tell."""
    rows = session.execute(select(EFFECTS).where(EFFECTS.c.store_id == store_id)).all()
    flows: dict[str, dict[str, Arm]] = {}
    for row in rows:
        flows.setdefault(row.flow_key, {})[row.arm] = Arm(*(getattr(row, name) for name in _FIGURES))
    pairs = [(arms.get(TREATED, Arm()), arms.get(HELD_OUT, Arm())) for arms in flows.values()]
    revenue = brought(pairs)
    if revenue is None:
        return None
    people = sum(treated.people for treated, _ in pairs)
    return Brought(rows[0].since, rows[0].until, people, revenue)


def _entered(session: Session, asked: Mapping[str, Any]) -> _Entered:
    """Who came into each flow for the first time, and with what lot."""
    found: _Entered = defaultdict(dict)
    for flow, person, entered_at, state in session.execute(_ENTERED, asked).all():
        found[flow][person] = entered_at, state
    return found


def _bought(session: Session, asked: Mapping[str, Any], entered: _Entered) -> _Bought:
    """What each of them paid in the days after they entered, order by order; each order is read once."""
    spans: dict[int, list[tuple[str, datetime, datetime]]] = {}
    for flow, people in entered.items():
        for person, (entered_at, _) in people.items():
            spans.setdefault(person, []).append((flow, entered_at, entered_at + WINDOW))
    earliest = min(begin for ones in spans.values() for _, begin, _ in ones)
    found: _Bought = {flow: defaultdict(list) for flow in entered}
    for person, paid_at, net in session.execute(_PAID, {**asked, "earliest": earliest}).all():
        for flow, begin, end in spans[person]:
            if begin < paid_at <= end:
                found[flow][person].append(net)
    return found


def _arms(people: Mapping[int, tuple[datetime, str]], bought: Mapping[int, list[int]]) -> dict[str, Arm]:
    of_arms: defaultdict[str, list[list[int]]] = defaultdict(list)
    for person, (_, state) in people.items():
        of_arms[HELD_OUT if state == HELD_OUT else TREATED].append(bought.get(person, []))
    return {arm: _sum(amounts) for arm, amounts in of_arms.items()}


def _sum(amounts: Iterable[list[int]]) -> Arm:
    """People's orders added up to an arm."""
    of_people = list(amounts)
    sums = [sum(orders) for orders in of_people]
    return Arm(
        people=len(of_people),
        buyers=sum(bool(orders) for orders in of_people),
        orders=sum(len(orders) for orders in of_people),
        revenue_minor=sum(sums),
        squares=float(sum(one * one for one in sums)),
    )
