"""Messages whose answer was lost: found when their lease runs out, settled by evidence, never by a guess."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, literal, or_, select, update
from sqlalchemy.orm import Session

from app import timeline
from app.db import UtcDateTime, is_one_of, lease_now, table_of
from app.messaging import copies
from app.messaging.send import sent_event
from app.models import Message, MessageAttempt
from app.models.message import OPEN_STATES, PREPARING, QUEUED, SENDING, SENT, UNKNOWN
from connectors.base import Outcome, SendResult, Unsettled

MESSAGES, ATTEMPTS = table_of(Message), table_of(MessageAttempt)
ARRIVED = "arrived"
SETTLED = {Outcome.ACCEPTED: ARRIVED, Outcome.RETRY: "lost"}
"""How an attempt without an answer ended, by the evidence that settled its message."""
_LATE = select(MESSAGES.c.id).where(
    is_one_of(MESSAGES.c.status, OPEN_STATES),
    MESSAGES.c.status.in_((SENDING, PREPARING)),
    MESSAGES.c.lease_until < bindparam("moment", type_=UtcDateTime),
)


def settle(session: Session, row: Row[Any], result: SendResult, now: datetime) -> None:
    """Evidence about an unknown message: it left, or it did not and goes back in line."""
    mine = (MESSAGES.c.store_id == row.store_id, MESSAGES.c.id == row.id, MESSAGES.c.status == UNKNOWN)
    if result.outcome is Outcome.ACCEPTED:
        values: dict[str, Any] = {"status": SENT, "unknown_since": None, "reason": None}
        values["provider_message_id"] = result.provider_message_id
    elif result.outcome is Outcome.RETRY:
        values = {"status": QUEUED, "unknown_since": None, "next_at": now, "sent_at": None, "reason": None}
    else:
        return
    changed = session.execute(update(MESSAGES).where(*mine).values(**values).returning(MESSAGES.c.id)).all()
    if not changed:
        return
    close_attempt(session, row, SETTLED[result.outcome], now)
    if result.outcome is Outcome.ACCEPTED:
        timeline.record(session, [sent_event(row, row.sent_at or now)], now)


def has_late(session: Session) -> bool:
    """Whether a lease ran out, so that a sweep has something to do."""
    return session.execute(_LATE, {"moment": lease_now(session)}).first() is not None


def sweep(session: Session, now: datetime, limit: int = 500) -> int:
    """Leases that ran out: what may have been sent becomes unknown, what was only prepared goes back.

    The clock of leases decides, never the business clock.
    """
    moment = lease_now(session)
    late = _LATE.limit(limit).with_for_update(skip_locked=True)
    ids = list(session.execute(late, {"moment": moment}).scalars())
    return _sweep(session, ids, now)


def sweep_own(session: Session, store_id: int, now: datetime) -> int:
    """The same without waiting for the lease, for a single process that knows it has just started."""
    late = select(MESSAGES.c.id).where(
        MESSAGES.c.store_id == store_id, MESSAGES.c.status.in_((SENDING, PREPARING))
    )
    return _sweep(session, list(session.execute(late).scalars()), now)


def unknown_rows(session: Session, store_id: int, now: datetime, limit: int = 500) -> Sequence[Row[Any]]:
    """Messages whose fate nobody knows and that are to be asked about, the oldest first."""
    statement = (
        select(MESSAGES)
        .where(MESSAGES.c.store_id == store_id, MESSAGES.c.status == UNKNOWN, MESSAGES.c.next_at <= now)
        .order_by(MESSAGES.c.id)
        .limit(limit)
    )
    return session.execute(statement).all()


def ask_again(session: Session, row: Row[Any], *, next_at: datetime) -> None:
    """Nobody could say; leave it alone until then, unless it is settled meanwhile."""
    session.execute(
        update(MESSAGES)
        .where(MESSAGES.c.store_id == row.store_id, MESSAGES.c.id == row.id, MESSAGES.c.status == UNKNOWN)
        .values(next_at=next_at)
    )


def unsettled(row: Row[Any]) -> Unsettled:
    """What a provider needs to look the message up."""
    kept = copies.read_content(row.content)
    return Unsettled(
        message_id=str(row.id),
        channel=row.channel,
        to_address=row.to_address or "",
        text=kept["text"] if kept else "",
        sent_at=row.sent_at or row.unknown_since,
    )


def _sweep(session: Session, ids: Sequence[int], now: datetime) -> int:
    if not ids:
        return 0
    free = {"lease_token": None, "lease_until": None}
    session.execute(
        update(MESSAGES)
        .where(MESSAGES.c.id.in_(ids), MESSAGES.c.status == SENDING)
        .values(status=UNKNOWN, unknown_since=now, next_at=now, **free)
    )
    session.execute(
        update(MESSAGES)
        .where(MESSAGES.c.id.in_(ids), MESSAGES.c.status == PREPARING)
        .values(status=QUEUED, next_at=now, **free)
    )
    return len(ids)


def close_attempt(session: Session, row: Row[Any], outcome: str, now: datetime) -> None:
    """The call whose answer was lost ended like this, as we know by now; every other one had its answer."""
    session.execute(
        update(ATTEMPTS)
        .where(
            ATTEMPTS.c.store_id == row.store_id,
            ATTEMPTS.c.message_id == row.id,
            or_(ATTEMPTS.c.outcome.is_(None), ATTEMPTS.c.outcome == Outcome.UNKNOWN.value),
        )
        .values(ended_at=func.coalesce(ATTEMPTS.c.ended_at, literal(now, UtcDateTime)), outcome=outcome)
    )
