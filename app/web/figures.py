"""The numbers of the home and flow screens, each by one query over one store's rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from app.models import Attribution, Customer, Message, Order, Store
from app.models.message import (
    BOUNCED,
    CANCELLED,
    DELIVERED,
    EXPIRED,
    FAILED,
    HELD,
    PREPARING,
    QUEUED,
    SENDING,
    SENT,
    STOPPED,
    UNKNOWN,
)
from app.web.context import count_up_to

CAP = 100_000
WINDOW = timedelta(days=30)
LEFT = (SENT, DELIVERED, BOUNCED)
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
        if status in LEFT:
            self.sent += count
        elif status in WAITING:
            self.waiting += count
        elif status == UNKNOWN:
            self.unknown += count
        else:
            self.stayed += count
            name = reason or status
            self.reasons[name] = self.reasons.get(name, 0) + count


@dataclass(frozen=True, slots=True)
class Counted:
    """A count that stops at a cap, so that a page costs the same in a large shop."""

    n: int
    is_capped: bool


@dataclass(frozen=True, slots=True)
class Shop:
    """A store's size and its last 30 days, in its own currency."""

    customers: Counted
    orders: Counted
    recent_orders: int
    recent_revenue: Money


def shop(session: Session, store: Store, now: datetime) -> Shop:
    """How large the shop is and what it sold in the last 30 days (paid, less refunds)."""
    recent = select(func.count(), func.coalesce(func.sum(Order.total_minor - Order.refunded_minor), 0)).where(
        Order.store_id == store.id,
        Order.placed_at > now - WINDOW,
        Order.is_counted.is_(True),
        Order.currency == store.currency,
    )
    count, revenue = session.execute(recent).one()
    return Shop(
        customers=_counted(session, select(Customer.id).where(Customer.store_id == store.id)),
        orders=_counted(session, select(Order.id).where(Order.store_id == store.id)),
        recent_orders=count,
        recent_revenue=Money(int(revenue), store.currency),
    )


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


def total(sums: Mapping[str, tuple[Money, Money]], currency: str) -> tuple[Money, Money]:
    """The flows' amounts added up: in the last 30 days, and in all."""
    lately = sum(pair[0].minor for pair in sums.values())
    ever = sum(pair[1].minor for pair in sums.values())
    return Money(lately, currency), Money(ever, currency)


def _grouped(session: Session, statement: Select[str, str, str | None, int, int]) -> dict[str, Sent]:
    groups: dict[str, Sent] = {}
    for name, status, reason, count, clicked in session.execute(statement):
        groups.setdefault(name, Sent()).add(status, reason, count, clicked)
    return groups


def _counted(session: Session, statement: Select[int]) -> Counted:
    n = count_up_to(session, statement, CAP)
    return Counted(min(n, CAP), n > CAP)
