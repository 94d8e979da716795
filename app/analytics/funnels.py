"""How far people come in each flow: entered, written to, clicked, bought; counted once a night."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Row, and_, bindparam, case, delete, func, select, true
from sqlalchemy.orm import Session

from app.db import UtcDateTime, is_one_of, table_of, unindexed, upsert
from app.models import Attribution, Enrollment, FlowFunnel, Message, Store
from app.models.enrollment import HELD_OUT
from app.models.message import LEFT_STATES

ENROLLMENTS, MESSAGES, ATTRIBUTIONS, FUNNELS = (
    table_of(Enrollment),
    table_of(Message),
    table_of(Attribution),
    table_of(FlowFunnel),
)
STORES = table_of(Store)
BACK = timedelta(days=90)
"""How far back people's entries are looked at."""
_FIGURES = ("entered", "reached", "clicked", "buyers", "orders", "revenue_minor")


def count(session: Session, store_id: int, now: datetime) -> list[dict[str, Any]]:
    """The rows of every flow of a store that anybody entered lately; each person counts once in a flow."""
    since = now - BACK
    asked = {"store": store_id, "since": since, "until": now}
    return [
        {
            "store_id": store_id,
            "since": since,
            "until": now,
            **row._asdict(),
            "revenue_minor": int(row.revenue_minor),
        }
        for row in session.execute(_COUNTED, asked).all()
    ]


def keep(session: Session, store_id: int, rows: list[dict[str, Any]]) -> None:
    """Have these figures shown from now on, and no others."""
    session.execute(_REMOVAL, {"store": store_id})
    upsert(session, FUNNELS, rows, key=("store_id", "flow_key"), update=("since", "until", *_FIGURES))


def of_flow(session: Session, store_id: int, flow_key: str) -> Row[Any] | None:
    """How far people came in a flow; None before its first night."""
    mine = (FUNNELS.c.store_id == store_id, FUNNELS.c.flow_key == flow_key)
    return session.execute(select(FUNNELS).where(*mine)).one_or_none()


def _people(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, ENROLLMENTS.c.customer_id)).distinct())


_STORE: BindParameter[int] = bindparam("store")
_HAS_LEFT = is_one_of(MESSAGES.c.status, LEFT_STATES)
_HAS_BOUGHT = ATTRIBUTIONS.c.message_id.is_not(None)
_CURRENCY = select(STORES.c.currency).where(STORES.c.id == _STORE).scalar_subquery()
# By its flow an index would lead SQLite to all journeys that there ever were.
_FLOW = unindexed(ENROLLMENTS.c.flow_key)
_COUNTED = (
    select(
        _FLOW.label("flow_key"),
        _people(true()).label("entered"),
        _people(_HAS_LEFT).label("reached"),
        _people(and_(_HAS_LEFT, MESSAGES.c.clicked_at.is_not(None))).label("clicked"),
        _people(_HAS_BOUGHT).label("buyers"),
        func.count(ATTRIBUTIONS.c.message_id).label("orders"),
        func.coalesce(func.sum(ATTRIBUTIONS.c.amount_minor), 0).label("revenue_minor"),
    )
    .outerjoin(
        MESSAGES,
        and_(
            MESSAGES.c.store_id == ENROLLMENTS.c.store_id,
            MESSAGES.c.enrollment_id == ENROLLMENTS.c.id,
        ),
    )
    .outerjoin(
        ATTRIBUTIONS,
        and_(
            ATTRIBUTIONS.c.store_id == MESSAGES.c.store_id,
            ATTRIBUTIONS.c.message_id == MESSAGES.c.id,
            ATTRIBUTIONS.c.currency == _CURRENCY,
        ),
    )
    .where(
        ENROLLMENTS.c.store_id == _STORE,
        ENROLLMENTS.c.entered_at >= bindparam("since", type_=UtcDateTime),
        ENROLLMENTS.c.entered_at < bindparam("until", type_=UtcDateTime),
        ENROLLMENTS.c.state != HELD_OUT,
    )
    .group_by(_FLOW)
)
"""One way over the journeys: each has its messages, and each of those the orders that it brought."""
_REMOVAL = delete(FUNNELS).where(FUNNELS.c.store_id == _STORE)
