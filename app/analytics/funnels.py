"""How far people come in each flow: entered, written to, clicked, bought; counted once a night."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, case, delete, func, select
from sqlalchemy.orm import Session

from app.db import table_of, upsert
from app.models import Attribution, Enrollment, FlowFunnel, Message, Store
from app.models.enrollment import HELD_OUT
from app.models.message import LEFT_STATES

ENROLLMENTS, MESSAGES, ATTRIBUTIONS, FUNNELS = (
    table_of(Enrollment),
    table_of(Message),
    table_of(Attribution),
    table_of(FlowFunnel),
)
BACK = timedelta(days=90)
"""How far back people's entries are looked at."""
_FIGURES = ("entered", "reached", "clicked", "buyers", "orders", "revenue_minor")
_Counted = dict[str, dict[str, Any]]


def count(session: Session, store: Store, now: datetime) -> list[dict[str, Any]]:
    """The rows of every flow of a store that anybody entered lately; each person counts once in a flow."""
    since = now - BACK
    found: _Counted = defaultdict(lambda: dict.fromkeys(_FIGURES, 0))
    for statement in (_entered(store.id), _reached(store.id), _bought(store.id, store.currency)):
        lately = (
            ENROLLMENTS.c.entered_at >= since,
            ENROLLMENTS.c.entered_at < now,
            ENROLLMENTS.c.state != HELD_OUT,
        )
        for row in session.execute(statement.where(*lately).group_by(ENROLLMENTS.c.flow_key)):
            _add(found, row)
    return [
        {"store_id": store.id, "flow_key": flow, "since": since, "until": now, **figures}
        for flow, figures in sorted(found.items())
    ]


def keep(session: Session, store_id: int, rows: list[dict[str, Any]]) -> None:
    """Have these figures shown from now on, and no others."""
    session.execute(delete(FUNNELS).where(FUNNELS.c.store_id == store_id))
    upsert(session, FUNNELS, rows, key=("store_id", "flow_key"), update=("since", "until", *_FIGURES))


def of_flow(session: Session, store_id: int, flow_key: str) -> Row[Any] | None:
    """How far people came in a flow; None before its first night."""
    mine = (FUNNELS.c.store_id == store_id, FUNNELS.c.flow_key == flow_key)
    return session.execute(select(FUNNELS).where(*mine)).one_or_none()


def _people(condition: ColumnElement[bool] | None = None) -> Any:
    person: Any = ENROLLMENTS.c.customer_id
    return func.count((person if condition is None else case((condition, person))).distinct())


def _entered(store_id: int) -> Select[Any]:
    mine = ENROLLMENTS.c.store_id == store_id
    return select(ENROLLMENTS.c.flow_key, _people().label("entered")).where(mine)


def _reached(store_id: int) -> Select[Any]:
    clicked = _people(MESSAGES.c.clicked_at.is_not(None))
    return (
        select(ENROLLMENTS.c.flow_key, _people().label("reached"), clicked.label("clicked"))
        .join(MESSAGES, _OF_JOURNEY)
        .where(ENROLLMENTS.c.store_id == store_id, MESSAGES.c.status.in_(LEFT_STATES))
    )


def _bought(store_id: int, currency: str) -> Select[Any]:
    return (
        select(
            ENROLLMENTS.c.flow_key,
            _people().label("buyers"),
            func.count().label("orders"),
            func.sum(ATTRIBUTIONS.c.amount_minor).label("revenue_minor"),
        )
        .join(MESSAGES, _OF_JOURNEY)
        .join(ATTRIBUTIONS, _OF_MESSAGE)
        .where(ENROLLMENTS.c.store_id == store_id, ATTRIBUTIONS.c.currency == currency)
    )


_OF_JOURNEY = (MESSAGES.c.store_id == ENROLLMENTS.c.store_id) & (MESSAGES.c.enrollment_id == ENROLLMENTS.c.id)
_OF_MESSAGE = (ATTRIBUTIONS.c.store_id == MESSAGES.c.store_id) & (ATTRIBUTIONS.c.message_id == MESSAGES.c.id)


def _add(found: _Counted, row: Row[Any]) -> None:
    figures = row._asdict()
    found[row.flow_key].update({name: int(figures[name]) for name in _FIGURES if name in figures})
