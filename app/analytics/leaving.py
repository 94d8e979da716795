"""How many messages left in a span of time."""

from datetime import datetime

from sqlalchemy import Select, and_, distinct, func, select

from app.db import table_of
from app.models import Message, MessageAttempt
from app.models.message import LEFT_STATES

MESSAGES, ATTEMPTS = table_of(Message), table_of(MessageAttempt)
COUNT = func.count(distinct(MESSAGES.c.id))


def left(store_id: int, begin: datetime, end: datetime) -> Select[int]:
    """How many left in [begin, end); read from the attempts, which are indexed by their moment."""
    of_attempt = and_(
        MESSAGES.c.store_id == store_id,
        MESSAGES.c.id == ATTEMPTS.c.message_id,
        MESSAGES.c.sent_at == ATTEMPTS.c.started_at,
    )
    return (
        select(COUNT)
        .select_from(ATTEMPTS)
        .join(MESSAGES, of_attempt)
        .where(
            ATTEMPTS.c.store_id == store_id,
            ATTEMPTS.c.started_at >= begin,
            ATTEMPTS.c.started_at < end,
            MESSAGES.c.status.in_(LEFT_STATES),
        )
    )
