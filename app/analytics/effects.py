"""The arms of each flow, counted from enrollments and orders once a night and kept for the screens."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import BindParameter, and_, bindparam, case, delete, func, select
from sqlalchemy.orm import Session

from app.analytics.holdout import Arm, Difference, Interval, brought, compare
from app.db import Span, UtcDateTime, table_of, upsert
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
    select(
        *_PLACE,
        func.max(case((ENROLLMENTS.c.state == HELD_OUT, 1), else_=0)).label("is_held_out"),
        func.min(ENROLLMENTS.c.entered_at).label("entered_at"),
    )
    .join(
        _FIRST,
        (_FIRST.c.customer_id == ENROLLMENTS.c.customer_id)
        & (_FIRST.c.flow_key == ENROLLMENTS.c.flow_key)
        & (_FIRST.c.entered_at == ENROLLMENTS.c.entered_at),
    )
    .where(ENROLLMENTS.c.store_id == _STORE)
    .group_by(*_PLACE)
    .subquery()
)
"""The same with their lot."""
_ARM = (_ENTERED.c.flow_key, _ENTERED.c.is_held_out)
_OF_PEOPLE = (
    select(
        *_ARM,
        func.count(ORDERS.c.id).label("orders"),
        func.coalesce(func.sum(ORDERS.c.total_minor - ORDERS.c.refunded_minor), 0).label("paid"),
    )
    .select_from(_ENTERED)
    .outerjoin(
        ORDERS,
        and_(
            ORDERS.c.store_id == _STORE,
            ORDERS.c.customer_id == _ENTERED.c.customer_id,
            ORDERS.c.is_counted,
            ORDERS.c.deleted_at.is_(None),
            ORDERS.c.paid_at > _ENTERED.c.entered_at,
            ORDERS.c.paid_at <= _ENTERED.c.entered_at + bindparam("window", type_=Span),
        ),
    )
    .group_by(*_ARM, _ENTERED.c.customer_id)
    .subquery()
)
"""What each of them bought in their days after they entered."""
_ALIKE = (_OF_PEOPLE.c.flow_key, _OF_PEOPLE.c.is_held_out, _OF_PEOPLE.c.orders, _OF_PEOPLE.c.paid)
_COUNTED = select(*_ALIKE, func.count()).group_by(*_ALIKE)
"""In which flow and arm how many people bought equally often for equally much: most never."""
_REMOVAL = delete(EFFECTS).where(EFFECTS.c.store_id == _STORE)


class _Alike(NamedTuple):
    """People of an arm of whom each bought that often, for that much in all."""

    orders: int
    paid: int
    people: int


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
    asked = {"store": store_id, "since": since, "until": until, "window": WINDOW}
    arms: defaultdict[tuple[str, str], list[_Alike]] = defaultdict(list)
    for flow, is_held_out, *alike in session.execute(_COUNTED, asked).all():
        arms[flow, HELD_OUT if is_held_out else TREATED].append(_Alike(*map(int, alike)))
    return [
        {
            "store_id": store_id,
            "flow_key": flow,
            "arm": arm,
            "since": since,
            "until": until,
            **asdict(_sum(people)),
        }
        for (flow, arm), people in sorted(arms.items())
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


def _sum(groups: Sequence[_Alike]) -> Arm:
    """People's orders added up to an arm."""
    return Arm(
        people=sum(one.people for one in groups),
        buyers=sum(one.people for one in groups if one.orders),
        orders=sum(one.people * one.orders for one in groups),
        revenue_minor=sum(one.people * one.paid for one in groups),
        # Whole numbers until here: a database's would have an end.
        squares=float(sum(one.people * one.paid**2 for one in groups)),
    )
