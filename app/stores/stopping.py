"""The red button: a merchant stops everything that their store sends, at once, and lets it go on again."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.models import Message, Store
from app.models.message import QUEUED

PAUSED = "sender-paused"
STOPPED = "everything was stopped"
"""What the gate saw, as a word that the screens have a sentence for."""
ELSEWHERE = "the shop speaks from another address"


def pause_of(store: Store) -> str | None:
    """Why nothing of a connected store leaves for the time being, or None."""
    if store.stopped_at is not None:
        return STOPPED
    return ELSEWHERE if store.other_home else None


def stop(session: Session, store_id: int, now: datetime) -> bool:
    """Let nothing leave from this transaction's end on; whether that is new.

    The gate looks at it in every claim, so that what waits, and what a code is being made for, stays. What a
    claim before it handed over already cannot be called back.
    """
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
