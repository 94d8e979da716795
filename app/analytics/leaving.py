"""How many messages left in a span of time."""

from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Select, and_, bindparam, distinct, func, select

from app.db import UtcDateTime, is_one_of, table_of
from app.models import Message, MessageAttempt
from app.models.message import LEFT_STATES

MESSAGES, ATTEMPTS = table_of(Message), table_of(MessageAttempt)
_COUNT = func.count(distinct(MESSAGES.c.id))
STORE: BindParameter[int] = bindparam("store")
BEGIN, END = bindparam("begin", type_=UtcDateTime), bindparam("end", type_=UtcDateTime)


def left(begin: BindParameter[datetime], end: BindParameter[datetime]) -> Select[Any]:
    """How many left in [begin, end); read from the attempts, which are indexed by their moment."""
    return (
        select(_COUNT)
        .select_from(ATTEMPTS)
        .join(
            MESSAGES,
            and_(
                MESSAGES.c.store_id == STORE,
                MESSAGES.c.id == ATTEMPTS.c.message_id,
                MESSAGES.c.sent_at == ATTEMPTS.c.started_at,
            ),
        )
        .where(
            ATTEMPTS.c.store_id == STORE,
            ATTEMPTS.c.started_at >= begin,
            ATTEMPTS.c.started_at < end,
            is_one_of(MESSAGES.c.status, LEFT_STATES),
        )
    )


LEFT = left(BEGIN, END)
