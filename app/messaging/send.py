"""What a provider's answer means for a message.

Every final write is guarded by status and fencing token: an event of the provider may have arrived
before our own record, and a worker that slept past its lease owns nothing any more.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.orm import Session

from app import timeline
from app.db import Among, table_of, update_rows
from app.models import Message, MessageAttempt
from app.models.message import FAILED, QUEUED, SENDING, SENT, UNKNOWN
from app.segments import standing
from app.timeline import NewEvent
from connectors.base import Outcome, SendResult

MESSAGES, ATTEMPTS = table_of(Message), table_of(MessageAttempt)
_FIRST_RETRY, _LONGEST_RETRY = timedelta(seconds=30), timedelta(hours=1)
_SENDER_PAUSE = timedelta(hours=1)
_HOURS, _MOST_TRIES = 3600, 3
_KNOWN = tuple(
    MESSAGES.c[name]
    for name in ("id", "store_id", "customer_id", "channel", "flow_key", "step", "attempts", "sent_at")
)
"""What an answer is judged by; the content of a message would only be read to be thrown away."""
_LOCKED = (
    select(*_KNOWN)
    .where(
        MESSAGES.c.store_id == bindparam("store"),
        Among(MESSAGES.c.id, "ids"),
        MESSAGES.c.status == SENDING,
        MESSAGES.c.lease_token == bindparam("token"),
    )
    .order_by(MESSAGES.c.id)
    .with_for_update()
)
"""What is still ours: locked, it stays so until the commit. What is written of it needs no other guard."""
_THEIRS = select(MESSAGES.c.id).where(
    MESSAGES.c.store_id == bindparam("store"),
    MESSAGES.c.lease_token != bindparam("token"),
    Among(MESSAGES.c.id, "ids"),
)
_CLOSED = (
    update(ATTEMPTS)
    .where(
        ATTEMPTS.c.store_id == bindparam("store"),
        Among(ATTEMPTS.c.message_id, "ids"),
        ATTEMPTS.c.message_id.not_in(_THEIRS),
        ATTEMPTS.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("now"), outcome=bindparam("said"), error=bindparam("why"))
)
_FREE: dict[str, Any] = {"lease_token": None, "lease_until": None}
FIRST_POLL = timedelta(hours=1)
"""How long a provider's word is awaited before it is asked for, where it can be."""


def record(
    session: Session, store_id: int, token: str, *, results: Sequence[tuple[int, SendResult]], now: datetime
) -> None:
    """Write the answers of one batch of calls; each only while the message is still ours and sending."""
    ours = _ours(session, store_id, token, [message_id for message_id, _ in results])
    accepted: list[tuple[Row[Any], SendResult]] = []
    for message_id, result in sorted(results, key=lambda pair: pair[0]):
        row = ours.get(message_id)
        if row is None:
            continue
        if result.outcome is Outcome.ACCEPTED:
            accepted.append((row, result))
        else:
            _end(session, row, token, _values_after(row, result, now))
    _accept(session, store_id, accepted=accepted, now=now)
    _close_attempts(session, store_id, token, results=results, now=now)


def _ours(session: Session, store_id: int, token: str, ids: Sequence[int]) -> dict[int, Row[Any]]:
    rows = session.execute(_LOCKED, {"store": store_id, "token": token, "ids": ids}).all()
    return {row.id: row for row in rows}


def _values_after(row: Row[Any], result: SendResult, now: datetime) -> dict[str, Any]:
    """What becomes of a message that was not accepted, by the documented outcomes alone."""
    if result.outcome is Outcome.UNKNOWN:
        return {"status": UNKNOWN, "unknown_since": now, "next_at": now}
    if result.outcome is Outcome.FAILED or _is_hopeless(row, result):
        return {"status": FAILED, "reason": "refused", "sent_at": None}
    if result.outcome is Outcome.SUPPRESS:
        return {"status": FAILED, "reason": "address-refused", "sent_at": None}
    if result.outcome is Outcome.PAUSE_SENDER:
        return {"status": QUEUED, "reason": "sender-paused", "next_at": now + _SENDER_PAUSE, "sent_at": None}
    pause = min(_FIRST_RETRY * 2 ** min(row.attempts - 1, 10), _LONGEST_RETRY)
    if result.retry_after_seconds is not None:
        pause = max(pause, timedelta(seconds=result.retry_after_seconds))
    return {"status": QUEUED, "reason": "pace", "next_at": now + pause, "sent_at": None}


def _is_hopeless(row: Row[Any], result: SendResult) -> bool:
    """An address that a provider cannot reach for hours is tried three times in all, not until the end."""
    asked = result.retry_after_seconds or 0
    is_about_it = result.outcome is Outcome.RETRY and asked >= _HOURS
    return bool(is_about_it and row.attempts >= _MOST_TRIES)


def _end(session: Session, row: Row[Any], token: str, values: dict[str, Any]) -> None:
    session.execute(
        update(MESSAGES)
        .where(
            MESSAGES.c.store_id == row.store_id,
            MESSAGES.c.id == row.id,
            MESSAGES.c.status == SENDING,
            MESSAGES.c.lease_token == token,
        )
        .values(lease_token=None, lease_until=None, **values)
    )


def _accept(
    session: Session, store_id: int, *, accepted: Sequence[tuple[Row[Any], SendResult]], now: datetime
) -> None:
    if not accepted:
        return
    left: dict[str, Any] = {"store_id": store_id, "status": SENT, "next_at": now + FIRST_POLL, **_FREE}
    # In one statement: each would write the message's row anew, and all that PostgreSQL keeps in its indexes.
    said = [(row.id, answer.provider_message_id) for row, answer in accepted]
    update_rows(session, MESSAGES, [{**left, "id": id_, "provider_message_id": named} for id_, named in said])
    timeline.record(session, [sent_event(row, row.sent_at) for row, _ in accepted], now)
    standing.touch_mailed(session, store_id, [row.customer_id for row, _ in accepted])


def _close_attempts(
    session: Session, store_id: int, token: str, *, results: Sequence[tuple[int, SendResult]], now: datetime
) -> None:
    """End our attempts; those of a message that somebody else is sending by now are theirs."""
    for outcome in {result.outcome for _, result in results}:
        ids = [message_id for message_id, result in results if result.outcome is outcome]
        errors = sorted({result.error for _, result in results if result.outcome is outcome and result.error})
        closed = {"now": now, "said": outcome.value, "why": "; ".join(errors) or None}
        session.execute(_CLOSED, {"store": store_id, "token": token, "ids": ids, **closed})


def sent_event(row: Row[Any], sent_at: datetime) -> NewEvent:
    """The timeline's entry of a message that left."""
    return NewEvent(
        store_id=row.store_id,
        customer_id=row.customer_id,
        type="message.sent",
        subject=f"message:{row.id}",
        source_key=f"message.sent:{row.id}",
        occurred_at=sent_at,
        details={"flow": row.flow_key, "step": row.step, "channel": row.channel},
    )
