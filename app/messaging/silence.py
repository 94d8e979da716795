"""`sending.settle=silence`: what it takes until the absence of any event means that a mail was never taken.

Source: PRODUCT.md C5. Only for e-mail, only where the merchant chose it, and once a message: no event came
for long enough, events of later messages of the same store did, and our own ear was open all the while.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from app.db import insert_new, table_of
from app.messaging import held, settling
from app.models import DeliveryEvent, Heartbeat, Message, MessageAttempt, Store
from app.stores import settings
from connectors.base import Outcome

MESSAGES, EVENTS = table_of(Message), table_of(DeliveryEvent)
ATTEMPTS = table_of(MessageAttempt)
BEATS = table_of(Heartbeat)
RECEIVER = "receiver"
BEAT_SECONDS = 30
_LONGEST_GAP = timedelta(seconds=BEAT_SECONDS * 3)
_BY_PROVIDER = ("accepted", "deferred", "delivered", "bounced", "blocked", "failed")


def patience(store: Store, channel: str) -> timedelta | None:
    """How long silence must last to mean something; None where it never does."""
    if channel != "email" or settings.read(store, "sending.settle") != "silence":
        return None
    return timedelta(seconds=settings.number(store, "sending.settle_after_seconds"))


def speaks(session: Session, store: Store, row: Row[Any], now: datetime) -> bool:
    """Whether the silence about an unknown message says that the provider never took it."""
    wait = patience(store, row.channel)
    if wait is None or _has_spoken(session, row) or _is_of_before(session, row):
        return False
    listening_since = _listening_since(session, now)
    if listening_since is None or now < max(row.unknown_since, listening_since) + wait:
        return False
    return _later_events(session, row)


def beat(session: Session, now: datetime) -> None:
    """Our ear is open now; after a gap it was not, and waiting begins anew."""
    row = {"name": RECEIVER, "since": now, "at": now}
    if insert_new(session, BEATS, [row], BEATS.c.name):
        return
    mine = BEATS.c.name == RECEIVER
    session.execute(update(BEATS).where(mine, BEATS.c.at < now - _LONGEST_GAP).values(since=now))
    session.execute(update(BEATS).where(mine, BEATS.c.at < now).values(at=now))


def _listening_since(session: Session, now: datetime) -> datetime | None:
    """Since when nothing that a provider told us was missed; None while nobody listens."""
    row = session.execute(select(BEATS).where(BEATS.c.name == RECEIVER)).one_or_none()
    return row.since if row is not None and row.at >= now - _LONGEST_GAP else None


def _is_of_before(session: Session, row: Row[Any]) -> bool:
    """Whether a backup was put back since: its events may have come in the time that is lost."""
    restored_at = held.last_restore(session)
    return restored_at is not None and row.unknown_since <= restored_at


def _has_spoken(session: Session, row: Row[Any]) -> bool:
    """Whether an earlier attempt counts as lost; one that the provider refused for the moment does not."""
    statement = select(ATTEMPTS.c.id).where(
        ATTEMPTS.c.store_id == row.store_id,
        ATTEMPTS.c.message_id == row.id,
        ATTEMPTS.c.outcome == settling.SETTLED[Outcome.RETRY],
    )
    return session.execute(statement.limit(1)).first() is not None


def _later_events(session: Session, row: Row[Any]) -> bool:
    """Whether the provider told of a message that left after this one."""
    statement = (
        select(EVENTS.c.id)
        .join(MESSAGES, (MESSAGES.c.store_id == EVENTS.c.store_id) & (MESSAGES.c.id == EVENTS.c.message_id))
        .where(
            EVENTS.c.store_id == row.store_id,
            EVENTS.c.occurred_at > row.unknown_since,
            EVENTS.c.type.in_(_BY_PROVIDER),
            MESSAGES.c.channel == row.channel,
            MESSAGES.c.sent_at > row.unknown_since,
        )
        .limit(1)
    )
    return session.execute(statement).first() is not None
