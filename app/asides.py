"""What is left out of a job's batches because it failed by itself, and when it is tried again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Row, bindparam, delete, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from app.db import UtcDateTime, table_of, upsert
from app.models import SetAside

ASIDES = table_of(SetAside)
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 10, 60))
"""Between the tries; the last one is that of all that follow: what a new version mends is done in an hour."""
_AT_ONCE = 100
_LONGEST = 300
_STORE: BindParameter[Any] = bindparam("store")
_WORK: BindParameter[Any] = bindparam("work")
_DUE = (ASIDES.c.work == _WORK, ASIDES.c.next_at <= bindparam("now", type_=UtcDateTime))
_STORES = select(ASIDES.c.store_id).where(*_DUE).distinct().order_by(ASIDES.c.store_id)
_SUBJECTS = (
    select(ASIDES.c.subject_id)
    .where(ASIDES.c.store_id == _STORE, *_DUE)
    .order_by(ASIDES.c.next_at, ASIDES.c.subject_id)
    .limit(_AT_ONCE)
)
_ONE = (ASIDES.c.store_id == _STORE, ASIDES.c.work == _WORK, ASIDES.c.subject_id == bindparam("subject"))
_DROP = delete(ASIDES).where(*_ONE)
_DROP_DUE = delete(ASIDES).where(ASIDES.c.store_id == _STORE, *_DUE)
_HELD = select(ASIDES.c.attempts, ASIDES.c.since).where(*_ONE)


def is_none_of(work: str, subject: ColumnElement[int]) -> ColumnElement[bool]:
    """For a batch's statement, whose parameter `store` is the store: what was set aside is no part of it."""
    aside = select(ASIDES.c.subject_id).where(ASIDES.c.store_id == _STORE, ASIDES.c.work == work)
    return subject.not_in(aside)


def stores_due(session: Session, work: str, now: datetime) -> list[int]:
    """The stores that have something to try again, ascending."""
    return list(session.execute(_STORES, {"work": work, "now": now}).scalars())


def due(session: Session, store_id: int, work: str, now: datetime) -> list[int]:
    """What of a store is to be tried again, some at a time."""
    asked = {"store": store_id, "work": work, "now": now}
    return list(session.execute(_SUBJECTS, asked).scalars())


def held(session: Session, works: Sequence[str]) -> set[tuple[int, str, int]]:
    """What is set aside of these works, of all stores: store, work and subject of each.

    They are few, for each is a mistake of ours.
    """
    asked = select(ASIDES.c.store_id, ASIDES.c.work, ASIDES.c.subject_id).where(ASIDES.c.work.in_(works))
    return {(row.store_id, row.work, row.subject_id) for row in session.execute(asked)}


def put(
    session: Session, store_id: int, work: str, subject_id: int, *, error: str, now: datetime
) -> datetime:
    """Set something aside that failed alone; until when."""
    one = {"store": store_id, "work": work, "subject": subject_id}
    held = session.execute(_HELD, one).one_or_none()
    attempts, since = (held.attempts + 1, held.since) if held is not None else (1, now)
    next_at = now + PAUSES[min(attempts, len(PAUSES)) - 1]
    row = {"store_id": store_id, "work": work, "subject_id": subject_id, "since": since}
    row |= {"attempts": attempts, "next_at": next_at, "error": error[:_LONGEST]}
    key = ("store_id", "work", "subject_id")
    upsert(session, ASIDES, [row], key=key, update=("attempts", "next_at", "error"))
    return next_at


def drop(session: Session, store_id: int, work: str, subject_id: int) -> None:
    """It went well: it is part of the batches again."""
    session.execute(_DROP, {"store": store_id, "work": work, "subject": subject_id})


def drop_due(session: Session, store_id: int, work: str, now: datetime) -> None:
    """All that was to be tried again in a store was part of a batch that went well."""
    session.execute(_DROP_DUE, {"store": store_id, "work": work, "now": now})


def of_store(session: Session, store_id: int, most: int) -> Sequence[Row[Any]]:
    """What is set aside, the longest first."""
    mine = select(ASIDES).where(ASIDES.c.store_id == store_id)
    return session.execute(mine.order_by(ASIDES.c.since, ASIDES.c.subject_id).limit(most)).all()
