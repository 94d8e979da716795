"""The numbers of the flow screens, each by one query over one store's rows."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Select, case, func, select
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


def by_flow(session: Session, store_id: int) -> dict[str, Sent]:
    """What became of each flow's messages; grouped in the order of their index, so that nothing is sorted."""
    statement = (
        select(Message.flow_key, Message.status, Message.reason, func.count(), func.count(Message.clicked_at))
        .where(Message.store_id == store_id)
        .group_by(Message.flow_key, Message.step, Message.status, Message.reason)
    )
    return _grouped(session, statement)


def by_step(session: Session, store_id: int, flow_key: str) -> dict[str, Sent]:
    """What became of one flow's messages, step by step."""
    statement = (
        select(Message.step, Message.status, Message.reason, func.count(), func.count(Message.clicked_at))
        .where(Message.store_id == store_id, Message.flow_key == flow_key)
        .group_by(Message.step, Message.status, Message.reason)
    )
    return _grouped(session, statement)


def attributed(session: Session, store: Store, now: datetime) -> dict[str, tuple[Money, Money]]:
    """What each flow brought: in the last 30 days, and in all. Only the store's own currency is added up."""
    recent = case((Attribution.occurred_at > now - WINDOW, Attribution.amount_minor), else_=0)
    statement = (
        select(Attribution.flow_key, func.sum(recent), func.sum(Attribution.amount_minor))
        .where(Attribution.store_id == store.id, Attribution.currency == store.currency)
        .group_by(Attribution.flow_key)
    )
    return {
        flow_key: (Money(int(lately), store.currency), Money(int(ever), store.currency))
        for flow_key, lately, ever in session.execute(statement)
    }


def _grouped(session: Session, statement: Select[str, str, str | None, int, int]) -> dict[str, Sent]:
    groups: dict[str, Sent] = {}
    for name, status, reason, count, clicked in session.execute(statement):
        groups.setdefault(name, Sent()).add(status, reason, count, clicked)
    return groups
