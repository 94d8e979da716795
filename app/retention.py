"""What is no longer needed goes, in small batches: raw bodies, message contents, old decisions."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.db import table_of
from app.models import Decision, InboundEvent, Message, MessageAttempt

EVENTS, MESSAGES = table_of(InboundEvent), table_of(Message)
ATTEMPTS, DECISIONS = table_of(MessageAttempt), table_of(Decision)
BODY = timedelta(hours=48)
KEY = timedelta(days=90)
CONTENT = timedelta(days=30)
ATTEMPT = timedelta(days=90)
BATCH = 2000


def purge_once(session: Session, now: datetime) -> int:
    """Remove one batch of each kind; return how many rows went or were emptied. 0 means done.

    Bodies of deliveries 48 h after they were done, their keys after 90 days; the content of messages
    after 30 days, attempts after 90. Counts and figures stay. Source: RELIABILITY.md section 5.
    """
    return sum(purge(session, now) for purge in _PURGES)


def _bodies(session: Session, now: datetime) -> int:
    old = (
        select(EVENTS.c.id)
        .where(EVENTS.c.done_at < now - BODY, EVENTS.c.body.is_not(None))
        .order_by(EVENTS.c.id)
        .limit(BATCH)
    )
    ids = list(session.execute(old).scalars())
    if ids:
        session.execute(update(EVENTS).where(EVENTS.c.id.in_(ids)).values(body=None))
    return len(ids)


def _keys(session: Session, now: datetime) -> int:
    old = select(EVENTS.c.id).where(EVENTS.c.done_at < now - KEY).order_by(EVENTS.c.id).limit(BATCH)
    ids = list(session.execute(old).scalars())
    if ids:
        session.execute(delete(EVENTS).where(EVENTS.c.id.in_(ids)))
    return len(ids)


def _contents(session: Session, now: datetime) -> int:
    old = (
        select(MESSAGES.c.id)
        .where(MESSAGES.c.content.is_not(None), MESSAGES.c.sent_at < now - CONTENT)
        .limit(BATCH)
    )
    ids = list(session.execute(old).scalars())
    if ids:
        session.execute(update(MESSAGES).where(MESSAGES.c.id.in_(ids)).values(content=None))
    return len(ids)


def _attempts(session: Session, now: datetime) -> int:
    old = select(ATTEMPTS.c.id).where(ATTEMPTS.c.started_at < now - ATTEMPT).order_by(ATTEMPTS.c.id).limit(BATCH)
    ids = list(session.execute(old).scalars())
    if ids:
        session.execute(delete(ATTEMPTS).where(ATTEMPTS.c.id.in_(ids)))
    return len(ids)


_PURGES: tuple[Callable[[Session, datetime], int], ...] = (_bodies, _keys, _contents, _attempts)
