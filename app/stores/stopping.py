"""The red button: a merchant stops everything that their store sends, at once, and lets it go on again."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, select, update
from sqlalchemy.orm import Session

from app.db import table_of
from app.models import Message, Store
from app.models.message import QUEUED

STORES = table_of(Store)
PAUSED = "sender-paused"
STOPPED = "everything was stopped"
"""What the gate saw, as a word that the screens have a sentence for."""
ELSEWHERE = "the shop speaks from another address"
_STOPPED_AT = select(STORES.c.stopped_at).where(STORES.c.id == bindparam("store"))
# Its key is the store's number; nothing else here takes locks of that kind.
_SHARED = select(func.pg_advisory_xact_lock_shared(bindparam("store")))
_ALONE = select(func.pg_advisory_xact_lock(bindparam("store")))


def hold_off(session: Session, store_id: int) -> None:
    """Have a stop wait until this transaction is over; first in it, so that it sees a stop made before.

    Without it a claim that began before a stop would hand its messages over after it.
    """
    _lock(session, _SHARED, store_id)


def wait_for_claims(session: Session, store_id: int) -> None:
    """Go on once no claim of the store's messages is under way; later ones see what this changes."""
    _lock(session, _ALONE, store_id)


def is_stopped(session: Session, store_id: int) -> bool:
    """Whether everything is stopped by now, whatever was known of the store."""
    return session.execute(_STOPPED_AT, {"store": store_id}).scalar() is not None


def pause_of(store: Store) -> str | None:
    """Why nothing of a connected store leaves for the time being, or None."""
    if store.stopped_at is not None:
        return STOPPED
    return ELSEWHERE if store.other_home else None


def stop(session: Session, store_id: int, now: datetime) -> bool:
    """Let nothing leave from this transaction's end on; whether that is new.

    The gate looks at it in every claim, so that what waits, and what a code is being made for, stays. Claims
    under way are waited for; what they handed over is looked at once more before it is called out.
    """
    wait_for_claims(session, store_id)
    store = session.get_one(Store, store_id, with_for_update=True)
    if store.stopped_at is not None:
        return False
    store.stopped_at = now
    return True


def resume(session: Session, store_id: int, now: datetime) -> bool:
    """Let messages leave again; whether they were stopped. What waited for that is decided about at once."""
    store = session.get_one(Store, store_id, with_for_update=True)
    if store.stopped_at is None:
        return False
    store.stopped_at = None
    waiting = (Message.store_id == store_id, Message.status == QUEUED, Message.reason == PAUSED)
    session.execute(update(Message).where(*waiting).values(next_at=now))
    return True


def _lock(session: Session, statement: Select[Any], store_id: int) -> None:
    """Wait in line, which locks of rows would not: of those, sharers go before who waits to be alone.

    On SQLite all who write wait for each other anyhow.
    """
    if session.get_bind().dialect.name != "sqlite":
        session.execute(statement, {"store": store_id})
