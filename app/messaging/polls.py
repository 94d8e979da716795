"""Text messages of which no final word came: the provider is asked after an hour, and once more after a day.

Source: facts of Twilio: a callback is tried for seconds only, so it can be lost.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.orm import Session

from app.db import UtcDateTime, is_one_of, table_of
from app.models import Message
from app.models.message import POLLED_CHANNELS, POLLED_STATES
from app.scans import StoreScan

MESSAGES = table_of(Message)
_LAST_POLL = timedelta(hours=24)
_NEVER = timedelta(days=36_500)
_POLLED = (is_one_of(MESSAGES.c.status, POLLED_STATES), is_one_of(MESSAGES.c.channel, POLLED_CHANNELS))
WAITING = StoreScan(MESSAGES.c.store_id, *_POLLED, MESSAGES.c.next_at <= bindparam("now", type_=UtcDateTime))
"""The stores of which a message is to be asked about."""


def due(session: Session, store_id: int, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """The store's messages to ask about, the longest waiting first."""
    statement = (
        select(MESSAGES)
        .where(MESSAGES.c.store_id == store_id, *_POLLED, MESSAGES.c.next_at <= now)
        .order_by(MESSAGES.c.next_at)
        .limit(limit)
    )
    return session.execute(statement).all()


def asked(session: Session, row: Row[Any], now: datetime) -> None:
    """Ask about the message again a day after it left, or never more."""
    last = (row.sent_at or now) + _LAST_POLL
    session.execute(
        update(MESSAGES)
        .where(MESSAGES.c.store_id == row.store_id, MESSAGES.c.id == row.id)
        .values(next_at=last if now < last else now + _NEVER)
    )
