"""The figures of a demo, as INTERFACE names them."""

from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.db import table_of
from app.models import Attribution, Customer, Decision, Enrollment, InboundEvent, Message, Order

EVENTS, CUSTOMERS, ORDERS = table_of(InboundEvent), table_of(Customer), table_of(Order)
ENROLLMENTS, MESSAGES, DECISIONS = table_of(Enrollment), table_of(Message), table_of(Decision)
ATTRIBUTIONS = table_of(Attribution)


def figures(session: Session, world: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Everything that `demo --json` prints.

    Args:
        world: the sandbox's own counts of its deliveries.
    """
    delivered = int(world["counts"]["delivered"])
    duplicates = int(world["counts"]["duplicates"])
    return {
        "webhooks": {
            "delivered": delivered,
            "kept": delivered - duplicates,
            "duplicates": duplicates,
            "rejected": int(world["counts"]["rejected"]),
            "lost_and_reconciled": int(world["counts"]["lost"]),
        },
        "customers": _count(session, CUSTOMERS.c.id),
        "orders": _count(session, ORDERS.c.id),
        "enrollments": _by(session, ENROLLMENTS.c.flow_key),
        "messages": _messages(session),
        "decisions": _by(session, DECISIONS.c.reason, DECISIONS.c.reason.is_not(None)),
        "revenue": _revenue(session),
        "seconds": round(seconds, 1),
    }


def _count(session: Session, column: ColumnElement[int]) -> int:
    return session.execute(select(func.count(column))).scalar_one()


def _by(session: Session, column: ColumnElement[str], *where: ColumnElement[bool]) -> dict[str, int]:
    statement = select(column, func.count()).where(*where).group_by(column).order_by(column)
    return {str(name): count for name, count in session.execute(statement)}


def _messages(session: Session) -> dict[str, dict[str, int]]:
    statement = select(MESSAGES.c.flow_key, MESSAGES.c.status, func.count()).group_by(
        MESSAGES.c.flow_key, MESSAGES.c.status
    )
    found: dict[str, dict[str, int]] = {}
    for flow, status, count in session.execute(statement.order_by(MESSAGES.c.flow_key, MESSAGES.c.status)):
        found.setdefault(flow, {})[status] = count
    return found


def _revenue(session: Session) -> dict[str, Any]:
    """Paid minus refunded over every paid order, and what of it is attributed."""
    total = session.execute(
        select(func.sum(ORDERS.c.total_minor - ORDERS.c.refunded_minor)).where(
            ORDERS.c.paid_at.is_not(None), ~ORDERS.c.is_test
        )
    ).scalar_one()
    attributed = session.execute(select(func.sum(ATTRIBUTIONS.c.amount_minor))).scalar_one()
    currency = session.execute(select(ORDERS.c.currency).limit(1)).scalar()
    return {"total_minor": int(total or 0), "attributed_minor": int(attributed or 0), "currency": currency}
