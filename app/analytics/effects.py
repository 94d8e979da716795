"""The arms of each flow, counted from enrollments and orders once a night and kept for the screens."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Subquery, delete, func, select
from sqlalchemy.orm import Session

from app.analytics.holdout import Arm, Difference, Interval, brought, compare
from app.db import table_of, upsert
from app.models import Enrollment, FlowEffect, Order
from app.models.enrollment import HELD_OUT

ENROLLMENTS, ORDERS, EFFECTS = table_of(Enrollment), table_of(Order), table_of(FlowEffect)
WINDOW, BACK = timedelta(days=30), timedelta(days=180)
"""How long after they entered people's orders count, and how far back people are looked at."""
TREATED = "treated"
_KEY = ("store_id", "flow_key", "arm")
_FIGURES = ("people", "buyers", "orders", "revenue_minor", "squares")
_PLACE = (ENROLLMENTS.c.customer_id, ENROLLMENTS.c.flow_key)
_Entered = dict[str, dict[int, Any]]
"""The first time of each customer, by flow."""
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
    first = _first(store_id, since, until)
    entered = _entered(session, store_id, first)
    bought = _bought(session, store_id, entered, first) if entered else {}
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
    session.execute(delete(EFFECTS).where(EFFECTS.c.store_id == store_id))
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


def _entered(session: Session, store_id: int, first: Subquery) -> _Entered:
    """Who came into each flow for the first time, and with what lot."""
    statement = (
        select(*_PLACE, ENROLLMENTS.c.entered_at, ENROLLMENTS.c.state)
        .join(
            first,
            (first.c.customer_id == ENROLLMENTS.c.customer_id)
            & (first.c.flow_key == ENROLLMENTS.c.flow_key)
            & (first.c.entered_at == ENROLLMENTS.c.entered_at),
        )
        .where(ENROLLMENTS.c.store_id == store_id)
    )
    found: _Entered = defaultdict(dict)
    for row in session.execute(statement):
        found[row.flow_key][row.customer_id] = row
    return found


def _bought(session: Session, store_id: int, entered: _Entered, first: Subquery) -> _Bought:
    """What each of them paid in the days after they entered, order by order; each order is read once."""
    since = min(row.entered_at for people in entered.values() for row in people.values())
    statement = select(
        ORDERS.c.customer_id, ORDERS.c.paid_at, ORDERS.c.total_minor - ORDERS.c.refunded_minor
    ).where(
        ORDERS.c.store_id == store_id,
        ORDERS.c.customer_id.in_(select(first.c.customer_id)),
        ORDERS.c.is_counted,
        ORDERS.c.deleted_at.is_(None),
        ORDERS.c.paid_at > since,
    )
    found: _Bought = {flow: defaultdict(list) for flow in entered}
    for person, paid_at, net in session.execute(statement):
        for flow, people in entered.items():
            row = people.get(person)
            if row is not None and row.entered_at < paid_at <= row.entered_at + WINDOW:
                found[flow][person].append(net)
    return found


def _first(store_id: int, since: datetime, until: datetime) -> Subquery:
    """When each customer came into each flow for the first time, of those who did so in [since, until)."""
    entered_at = func.min(ENROLLMENTS.c.entered_at)
    return (
        select(*_PLACE, entered_at.label("entered_at"))
        .where(ENROLLMENTS.c.store_id == store_id)
        .group_by(*_PLACE)
        .having(entered_at >= since, entered_at < until)
        .subquery()
    )


def _arms(people: Mapping[int, Any], bought: Mapping[int, list[int]]) -> dict[str, Arm]:
    of_arms: defaultdict[str, list[list[int]]] = defaultdict(list)
    for person, row in people.items():
        of_arms[HELD_OUT if row.state == HELD_OUT else TREATED].append(bought.get(person, []))
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
