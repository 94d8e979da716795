"""What merchants are to be told by mail: that their store stands still, that somebody is unhappy."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, case, delete, select, update
from sqlalchemy.orm import Session

from app.db import insert_new, table_of
from app.models import Notice, Store
from app.stores.platforms import NEEDS_RECONNECT

NOTICES = table_of(Notice)
STORES = table_of(Store)
RECONNECT, LOW_RATING = "needs_reconnect", "low_rating"
SPACED = {LOW_RATING: timedelta(hours=1)}
"""How long after one mail the next of the same kind may leave; what happens meanwhile is told with it."""
QUEUED, SENDING = "queued", "sending"


def follow(session: Session, now: datetime) -> None:
    """Queue a notice for every store that began to stand still, and forget those of stores that go on."""
    standing = select(STORES.c.id).where(STORES.c.state == NEEDS_RECONNECT)
    session.execute(delete(NOTICES).where(NOTICES.c.kind == RECONNECT, NOTICES.c.store_id.not_in(standing)))
    rows = [
        {
            "store_id": store_id,
            "kind": RECONNECT,
            "status": QUEUED,
            "raised_at": now,
            "next_at": now,
            "error": None,
            "n": 1,
        }
        for store_id in session.execute(standing).scalars()
    ]
    insert_new(session, NOTICES, rows)


def raise_again(session: Session, store_id: int, kind: str, *, n: int, now: datetime) -> None:
    """Queue a notice of something that happened `n` times more, no sooner than its kind allows."""
    row = {"store_id": store_id, "kind": kind, "status": QUEUED, "raised_at": now, "next_at": now, "n": n}
    if insert_new(session, NOTICES, [row | {"error": None}], NOTICES.c.store_id):
        return
    is_waiting = NOTICES.c.status == QUEUED
    session.execute(
        update(NOTICES)
        .where(NOTICES.c.store_id == store_id, NOTICES.c.kind == kind)
        .values(n=case((is_waiting, NOTICES.c.n + n), else_=n), status=QUEUED, raised_at=now)
    )


def is_due(session: Session, now: datetime) -> bool:
    """Whether a store began to stand still or goes on again, or a notice waits."""
    standing = select(STORES.c.id).where(STORES.c.state == NEEDS_RECONNECT)
    noticed = select(NOTICES.c.store_id).where(NOTICES.c.kind == RECONNECT)
    waiting = select(NOTICES.c.store_id).where(NOTICES.c.status == QUEUED, NOTICES.c.next_at <= now)
    return any(
        session.execute(statement.limit(1)).first() is not None
        for statement in (
            standing.where(STORES.c.id.not_in(noticed)),
            noticed.where(NOTICES.c.store_id.not_in(standing)),
            waiting,
        )
    )


def claim(session: Session, now: datetime) -> Sequence[Row[Any]]:
    """Notices that are to be sent now; what is cut off from here on is never sent again."""
    due = (
        select(NOTICES)
        .where(NOTICES.c.status == QUEUED, NOTICES.c.next_at <= now)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(due).all()
    for row in rows:
        pause = SPACED.get(row.kind, timedelta(0))
        mine = (NOTICES.c.store_id == row.store_id, NOTICES.c.kind == row.kind)
        session.execute(update(NOTICES).where(*mine).values(status=SENDING, next_at=now + pause))
    return rows


def settle(
    session: Session, store_id: int, kind: str, *, status: str, error: str | None, next_at: datetime | None
) -> None:
    """Write down what became of a mail, unless the notice was raised again while it was on its way."""
    values: dict[str, Any] = {"status": status, "error": error}
    if next_at is not None:
        values["next_at"] = next_at
    mine = (NOTICES.c.store_id == store_id, NOTICES.c.kind == kind)
    session.execute(update(NOTICES).where(*mine, NOTICES.c.status == SENDING).values(**values))
