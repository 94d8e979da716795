"""The preferences of two customers who are one: of each wish the stricter."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.messaging import fact_rows, preferences
from app.messaging.preferences import PREFERENCES
from app.messaging.wishes import Wishes


def move(session: Session, store_id: int, kept_id: int, gone_id: int, *, now: datetime) -> None:
    """Give the kept customer what either of the two wished; the merged one's row goes."""
    held = fact_rows.wishes(session, store_id, sorted((kept_id, gone_id)))
    theirs = held.get(gone_id)
    if theirs is None:
        return
    joined = strictest(held.get(kept_id, Wishes()), theirs)
    preferences.write(session, store_id, kept_id, wished=joined, now=now)
    mine = (PREFERENCES.c.store_id == store_id, PREFERENCES.c.customer_id == gone_id)
    session.execute(delete(PREFERENCES).where(*mine))


def strictest(one: Wishes, other: Wishes) -> Wishes:
    """No topic that either does not want, the longer pause, and fewer if either wants fewer. Pure."""
    pauses = [wished.paused_until for wished in (one, other) if wished.paused_until is not None]
    return Wishes(
        paused_until=max(pauses, default=None),
        topics_off=one.topics_off | other.topics_off,
        is_fewer=one.is_fewer or other.is_fewer,
    )
