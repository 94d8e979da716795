"""How many messages may leave now: the plan's day, the numbers' second, a new domain, the shared month.

Of several limits the one that leaves least counts. Whatever is over one waits; nothing is dropped for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil, floor
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.orm import Session

from app.db import lease_now, table_of
from app.models import Sender, SenderDay, SenderDomain, Store
from app.stores import settings
from app.stores.accounts import Account

SENDERS, DAYS, DOMAINS = table_of(Sender), table_of(SenderDay), table_of(SenderDomain)
WARM_UP = tuple(24 * hourly for hourly in (20, 28, 39, 55, 77, 108, 151, 211, 295, 413, 579, 810, 1000, 1587))
"""Mails on each of a new domain's first days of sending.

Source: Twilio SendGrid, "Warming Up an IP Address", the hourly schedule of its own warm-up, times 24.
"""
GROWTH = 1.4
"""How much more a day may bear than the one before it: each step of that schedule."""
_BURST_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Limit:
    """How many may leave now, when there are more, and the limit in words."""

    left: int
    refill_at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Where a new domain stands: its day of sending, from 1, and how many mails that day bears.

    `known`: how many the account delivers a day already, where that lets it begin higher.
    """

    day: int
    most: int
    known: int = 0

    @property
    def words(self) -> str:
        """As the gate tells it."""
        return f"warm-up: {self.most}"

    @property
    def days(self) -> int:
        """How many days it takes."""
        return len(WARM_UP)


def limit(session: Session, store: Store, row: Row[Any], *, account: Account, now: datetime) -> Limit | None:
    """The limit that counts now for one channel of a store; None where nothing limits it."""
    return min(_limits(session, store, row, account=account, now=now), key=lambda one: one.left, default=None)


def warm_up(session: Session, store: Store, channel: str, *, account: Account, today: date) -> WarmUp | None:
    """Where the store's domain stands; None once it is warm, and where it is not the store's to warm."""
    if channel != "email" or not account.is_own or settings.read(store, "sending.warm_up") != "on":
        return None
    mine = [DAYS.c.store_id == store.id, DAYS.c.channel == channel, DAYS.c.sent > 0, DAYS.c.day < today]
    domain = session.execute(
        select(DOMAINS.c.domain, DOMAINS.c.since, DOMAINS.c.daily).where(DOMAINS.c.store_id == store.id)
    ).one_or_none()
    if domain is not None:
        mine.append(DAYS.c.day >= domain.since)
    sender = settings.read(store, "sender.email").rpartition("@")[2].lower()
    known = domain.daily or 0 if domain is not None and domain.domain == sender else 0
    grown = floor(known * GROWTH)
    done = session.execute(select(func.count()).where(*mine)).scalar_one()
    if done >= len(WARM_UP) or grown >= WARM_UP[-1]:
        return None
    if grown > WARM_UP[done]:
        return WarmUp(done + 1, grown, known)
    return WarmUp(done + 1, WARM_UP[done])


def used(session: Session, store_id: int, channel: str, today: date) -> int:
    """How many left in the month of that day."""
    statement = select(func.coalesce(func.sum(DAYS.c.sent), 0)).where(
        DAYS.c.store_id == store_id, DAYS.c.channel == channel, DAYS.c.day >= today.replace(day=1)
    )
    return int(session.execute(statement).scalar_one())


def _limits(
    session: Session, store: Store, row: Row[Any], *, account: Account, now: datetime
) -> Iterator[Limit]:
    today, tomorrow = now.date(), _midnight(now) + timedelta(days=1)
    most = settings.number(store, f"sending.{row.channel}_per_day")
    warming = warm_up(session, store, row.channel, account=account, today=today)
    if most or warming is not None:
        sent = _sent_on(session, store.id, row.channel, today)
        if most:
            yield Limit(max(0, most - sent), tomorrow, f"a day: {most}")
        if warming is not None:
            yield Limit(max(0, warming.most - sent), tomorrow, warming.words)
    if account.quota:
        left = account.quota - used(session, store.id, row.channel, today)
        yield Limit(max(0, left), _next_month(now), f"a month: {account.quota}")
    per_second = settings.number(store, "sending.sms_per_second") if row.channel == "sms" else 0
    if per_second:
        tokens = _refill(session, row, per_second)
        wait = timedelta(seconds=ceil(max(1.0, 1 - tokens) / per_second))
        yield Limit(max(0, floor(tokens)), now + wait, f"a second: {per_second}")


def _refill(session: Session, row: Row[Any], per_second: int) -> float:
    """Fill the bucket up to now by the clock of leases; it holds ten seconds' worth."""
    moment = lease_now(session)
    most = float(per_second * _BURST_SECONDS)
    if row.refilled_at is None:
        tokens = most
    else:
        tokens = min(most, row.tokens + (moment - row.refilled_at).total_seconds() * per_second)
    mine = (SENDERS.c.store_id == row.store_id, SENDERS.c.channel == row.channel)
    session.execute(update(SENDERS).where(*mine).values(tokens=tokens, refilled_at=moment))
    return tokens


def _sent_on(session: Session, store_id: int, channel: str, day: date) -> int:
    statement = select(DAYS.c.sent).where(
        DAYS.c.store_id == store_id, DAYS.c.channel == channel, DAYS.c.day == day
    )
    return session.execute(statement).scalar_one_or_none() or 0


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _next_month(now: datetime) -> datetime:
    return (_midnight(now).replace(day=1) + timedelta(days=32)).replace(day=1)
