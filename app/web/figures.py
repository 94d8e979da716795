"""The numbers of the flow screens, each by one query over one store's rows."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.models import Attribution, Message, Store
from app.models.message import (
    CANCELLED,
    EXPIRED,
    FAILED,
    HELD,
    LEFT_STATES,
    PREPARING,
    QUEUED,
    SENDING,
    STOPPED,
    UNKNOWN,
)

WINDOW = timedelta(days=30)
WAITING = (QUEUED, PREPARING, SENDING, HELD)
STAYED = (STOPPED, EXPIRED, CANCELLED, FAILED)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units."""

    minor: int
    currency: str


@dataclass(slots=True)
class Sent:
    """What became of some messages."""

    sent: int = 0
    clicked: int = 0
    waiting: int = 0
    stayed: int = 0
    unknown: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def add(self, status: str, reason: str | None, count: int, clicked: int) -> None:
        """Count messages of one status and reason."""
        self.clicked += clicked
        if status in LEFT_STATES:
            self.sent += count
        elif status in WAITING:
            self.waiting += count
        elif status == UNKNOWN:
            self.unknown += count
        else:
            self.stayed += count
            name = reason or status
            self.reasons[name] = self.reasons.get(name, 0) + count


def by_step(session: Session, store_id: int, flow_key: str) -> dict[str, Sent]:
    """What became of one flow's messages, step by step."""
    statement = (
        select(Message.step, Message.status, Message.reason, func.count(), func.count(Message.clicked_at))
        .where(Message.store_id == store_id, Message.flow_key == flow_key)
        .group_by(Message.step, Message.status, Message.reason)
    )
    groups: dict[str, Sent] = {}
    for name, status, reason, count, clicked in session.execute(statement):
        groups.setdefault(name, Sent()).add(status, reason, count, clicked)
    return groups


def attributed(session: Session, store: Store, flow_key: str, now: datetime) -> tuple[Money, Money]:
    """What a flow brought: in the last 30 days, and in all. Only the store's own currency is added up."""
    recent = case((Attribution.occurred_at > now - WINDOW, Attribution.amount_minor), else_=0)
    statement = select(
        func.coalesce(func.sum(recent), 0), func.coalesce(func.sum(Attribution.amount_minor), 0)
    ).where(
        Attribution.store_id == store.id,
        Attribution.currency == store.currency,
        Attribution.flow_key == flow_key,
    )
    lately, ever = session.execute(statement).one()
    return Money(int(lately), store.currency), Money(int(ever), store.currency)
