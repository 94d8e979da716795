"""Which messages of a store are due, and for whom."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.orm import Session

from app.db import Among, UtcDateTime, is_one_of, table_of, unindexed
from app.models import Message
from app.models.message import OPEN_STATES, QUEUED, WAITING_STATES

MESSAGES = table_of(Message)
_OF_STORE = MESSAGES.c.store_id == bindparam("store")
_IS_DUE = (
    is_one_of(MESSAGES.c.status, OPEN_STATES),
    MESSAGES.c.status == QUEUED,
    MESSAGES.c.next_at <= bindparam("now", type_=UtcDateTime),
)
_ASKED = (
    *("id", "store_id", "key", "customer_id", "enrollment_id", "flow_key", "step", "channel", "purpose"),
    *("priority", "reason", "due_at", "expires_at", "next_at", "context", "attempts"),
)
_DECIDED = select(*(MESSAGES.c[name] for name in _ASKED)).where(_OF_STORE)
"""What is looked at of a message that is due: half of a row's columns say what became of it later."""
_FIRST = (
    _DECIDED.where(*_IS_DUE)
    .order_by(MESSAGES.c.next_at, MESSAGES.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_THEIRS = (
    select(MESSAGES.c.id)
    .where(
        _OF_STORE,
        Among(MESSAGES.c.customer_id, "people"),
        is_one_of(MESSAGES.c.status, WAITING_STATES),
        unindexed(MESSAGES.c.status) == QUEUED,
        MESSAGES.c.next_at <= bindparam("now", type_=UtcDateTime),
    )
    .with_for_update(skip_locked=True)
)
"""Led by the people, to what waits for them: led by what is due, each claim of a long queue would read the
whole queue, and led to all that they ever got, each claim of a large shop would read that.
"""
_OTHERS = _DECIDED.where(Among(MESSAGES.c.id, "ids"))
_THEIRS_BY_THEN = (
    MESSAGES.c.customer_id == bindparam("person"),
    MESSAGES.c.status == QUEUED,
    MESSAGES.c.next_at <= bindparam("until", type_=UtcDateTime),
)
_PUT_OFF = (
    update(MESSAGES).where(_OF_STORE, *_THEIRS_BY_THEN).values(next_at=bindparam("until", type_=UtcDateTime))
)
_PUT_OFF_JOURNEYS = _PUT_OFF.where(MESSAGES.c.enrollment_id.is_not(None))


def messages(
    session: Session, store_id: int, now: datetime, *, limit: int, person: int | None = None
) -> list[Row[Any]]:
    """Due messages, at most `limit`, and everything else that is due for the same people, for the arbiter.

    Args:
        person: whose alone; everybody's by default.
    """
    if person is not None:
        return _due_of(session, store_id, now, [person])
    return _first(session, store_id, now, limit)


def _first(session: Session, store_id: int, now: datetime, limit: int) -> list[Row[Any]]:
    asked = {"store": store_id, "now": now}
    rows = list(session.execute(_FIRST, {**asked, "limit": limit}).all())
    if len(rows) < limit:
        return rows
    people = sorted({row.customer_id for row in rows})
    return rows + _due_of(session, store_id, now, people, known={row.id for row in rows})


def _due_of(
    session: Session, store_id: int, now: datetime, people: Sequence[int], *, known: Collection[int] = ()
) -> list[Row[Any]]:
    """What is due for these people, but for what is known already."""
    theirs = session.execute(_THEIRS, {"store": store_id, "now": now, "people": people}).scalars()
    ids = sorted(set(theirs.all()).difference(known))
    return list(session.execute(_OTHERS, {"store": store_id, "ids": ids}).all()) if ids else []


def people_due(session: Session, store_id: int, now: datetime, limit: int) -> list[int]:
    """Whom a claim of so many would be about."""
    rows = session.execute(_FIRST, {"store": store_id, "now": now, "limit": limit})
    return [row.customer_id for row in rows]


def put_off(session: Session, store_id: int, person: int, until: datetime) -> None:
    """Have what is due for somebody by then wait until then."""
    session.execute(_PUT_OFF, {"store": store_id, "person": person, "until": until})


def put_off_journeys(session: Session, store_id: int, person: int, until: datetime) -> None:
    """The same of what somebody's journeys want to send; what belongs to none leaves as it would."""
    session.execute(_PUT_OFF_JOURNEYS, {"store": store_id, "person": person, "until": until})
