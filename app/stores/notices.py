"""Which merchants are to be told by mail that their store stands still, and how far that is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.orm import Session

from app.db import insert_new, table_of
from app.models import Notice, Store
from app.stores.platforms import NEEDS_RECONNECT

NOTICES = table_of(Notice)
STORES = table_of(Store)
RECONNECT = "needs_reconnect"
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
        }
        for store_id in session.execute(standing).scalars()
    ]
    insert_new(session, NOTICES, rows)


def is_due(session: Session, now: datetime) -> bool:
    """Whether a store began to stand still or goes on again, or a notice waits."""
    standing = select(STORES.c.id).where(STORES.c.state == NEEDS_RECONNECT)
    noticed = select(NOTICES.c.store_id)
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
        note(session, row.store_id, row.kind, status=SENDING)
    return rows


def note(session: Session, store_id: int, kind: str, **values: Any) -> None:
    """Write down how far a notice is."""
    session.execute(
        update(NOTICES).where(NOTICES.c.store_id == store_id, NOTICES.c.kind == kind).values(**values)
    )
