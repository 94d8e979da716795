"""What providers say of messages after they took them: statuses, suppressions, consents, the timeline.

Every event counts once, in whatever order they come: what is new is what the table of events did not hold,
and a status only moves up. Facts of each provider's codes lie in its connector; here are their effects.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, bindparam, func, literal, or_, select, update
from sqlalchemy.orm import Session

from app import consent, timeline
from app.crypto import Signer
from app.db import Among, UtcDateTime, insert_new_columns, table_of
from app.messaging import receipts, replies, senders, settling
from app.messaging.send import sent_event
from app.models import DeliveryEvent, Message
from app.models.message import BOUNCED, DELIVERED, FAILED, HELD, PREPARING, QUEUED, SENDING, SENT, UNKNOWN
from app.timeline import NewEvent
from connectors.delivery import Advice, DeliveryKind, DeliveryUpdate, number_of

MESSAGES, EVENTS = table_of(Message), table_of(DeliveryEvent)
_KNOWN = tuple(
    MESSAGES.c[name]
    for name in (
        *("id", "store_id", "customer_id", "channel", "flow_key", "step"),
        *("status", "attempts", "to_address"),
    )
)
"""What an event is judged by; the content of a message would only be read to be thrown away."""
_OURS = (MESSAGES.c.store_id == bindparam("store"), Among(MESSAGES.c.id, "ids"))
_LOCKED = select(*_KNOWN).where(*_OURS).order_by(MESSAGES.c.id).with_for_update()
_UNPROVEN = (QUEUED, PREPARING, SENDING, UNKNOWN)
_DOUBTFUL = (*_UNPROVEN, HELD)
_PAUSE = timedelta(hours=1)
_SOFT_WINDOW, _SOFT_DAYS = timedelta(days=14), 3
_ENDS = {
    DeliveryKind.FAILED: (FAILED, (SENT,), "refused"),
    DeliveryKind.DELIVERED: (DELIVERED, (SENT,), None),
    DeliveryKind.BOUNCED: (BOUNCED, (SENT, DELIVERED), "bounced"),
}
"""The status that an event leads to, those that it may follow, and the reason that is kept."""
_MOVES = {
    kind: update(MESSAGES).where(*_OURS, MESSAGES.c.status.in_(after)).values(status=status, reason=reason)
    for kind, (status, after, reason) in _ENDS.items()
}
_COUNTERS = {
    DeliveryKind.DELIVERED: "delivered",
    DeliveryKind.BOUNCED: "bounced",
    DeliveryKind.BLOCKED: "blocked",
    DeliveryKind.COMPLAINED: "complained",
    DeliveryKind.UNSUBSCRIBED: "unsubscribed",
}
_TOLD = {
    DeliveryKind.DELIVERED: "message.delivered",
    DeliveryKind.BOUNCED: "message.bounced",
    DeliveryKind.COMPLAINED: "message.complained",
}
_PEOPLE = (DeliveryKind.REPLIED, DeliveryKind.COMPLAINED, DeliveryKind.UNSUBSCRIBED)
"""What somebody did: it speaks of more than one message."""
_UNSAYING = {DeliveryKind.ACCOUNT, DeliveryKind.REPLIED}
"""What says nothing of whether the provider took the message."""
_NAMES = {kind: kind.value for kind in DeliveryKind}
"""Plain texts: a driver takes half as long for one as for a word of an enumeration."""
_SOFT = (DeliveryKind.BLOCKED.value, DeliveryKind.BOUNCED.value)


class _Told(NamedTuple):
    """An event, and the message that it is about, where it is about one."""

    one: DeliveryUpdate
    row: Row[Any] | None


_ByKind = Mapping[DeliveryKind, Sequence[_Told]]


def apply(
    session: Session,
    signer: Signer,
    store_id: int,
    channel: str,
    *,
    updates: Sequence[DeliveryUpdate],
    now: datetime,
) -> int:
    """Let the events of one store and channel take effect; how many were new."""
    numbers = [number_of(one.message_id) or 0 for one in updates]
    messages = _messages(session, store_id, [*set(numbers)])
    told = _new(session, store_id, _ours(updates, [*map(messages.get, numbers)]))
    by_kind = _by_kind(told)
    _prove(session, store_id, by_kind, messages=messages, now=now)
    _end(session, store_id, by_kind)
    entries = [_entry(one, row) for kind in _TOLD for one, row in by_kind.get(kind, ()) if row is not None]
    timeline.record(session, entries, now)
    telling = [each for each in told if each.one.advice is not Advice.NOTHING or each.one.kind in _PEOPLE]
    for each in sorted(telling, key=lambda each: each.one.occurred_at):
        _take(session, signer, store_id, channel, told=each, now=now)
    _count(session, store_id, channel, by_kind)
    return len(told)


def _by_kind(told: Sequence[_Told]) -> _ByKind:
    by_kind: dict[DeliveryKind, list[_Told]] = {}
    for each in told:
        by_kind.setdefault(each.one.kind, []).append(each)
    return by_kind


def _ours(updates: Sequence[DeliveryUpdate], rows: Sequence[Row[Any] | None]) -> dict[str, _Told]:
    """The events by their keys; one that names a message of somebody else is none of ours."""
    found = zip(updates, rows, strict=True)
    return {one.key: _Told(one, row) for one, row in found if row is not None or one.message_id is None}


def _messages(session: Session, store_id: int, ids: Sequence[int]) -> dict[int, Row[Any]]:
    """The store's messages of these numbers, locked."""
    rows = session.execute(_LOCKED, {"store": store_id, "ids": ids}).all()
    return {row[0]: row for row in rows}


def _new(session: Session, store_id: int, ours: Mapping[str, _Told]) -> list[_Told]:
    """Those that were not told before."""
    if not ours:
        return []
    # Turned by the interpreter itself: field by field it would take as long as reading the events.
    updates, rows = zip(*ours.values(), strict=True)
    by_field = dict(zip(DeliveryUpdate._fields, zip(*updates, strict=True), strict=True))
    columns: dict[str, Sequence[Any]] = {
        "store_id": [store_id] * len(ours),
        "message_id": [row[0] if row is not None else 0 for row in rows],
        "type": [_NAMES[kind] for kind in by_field["kind"]],
        "occurred_at": by_field["occurred_at"],
        "event_key": list(ours),
        "is_human": [not is_machine for is_machine in by_field["is_machine"]],
        "url": [url or None for url in by_field["url"]],
        "reason": [reason or None for reason in by_field["reason"]],
    }
    return [ours[key] for (key,) in insert_new_columns(session, EVENTS, columns, EVENTS.c.event_key)]


def _prove(
    session: Session, store_id: int, by_kind: _ByKind, *, messages: Mapping[int, Row[Any]], now: datetime
) -> None:
    """A message whose answer was lost, that waits to be tried again or is held was taken after all.

    Each event shows it that is about a message.
    """
    doubtful = {id_: row for id_, row in messages.items() if _is_doubtful(row)}
    if doubtful:
        spoken_of = {row[0] for kind in by_kind.keys() - _UNSAYING for _, row in by_kind[kind] if row}
        doubtful = {id_: row for id_, row in doubtful.items() if id_ in spoken_of}
    if not doubtful:
        return
    changed = session.execute(
        update(MESSAGES)
        .where(
            MESSAGES.c.store_id == store_id,
            MESSAGES.c.id.in_(doubtful),
            or_(
                MESSAGES.c.status == HELD,
                and_(MESSAGES.c.status.in_(_UNPROVEN), MESSAGES.c.attempts > 0),
            ),
        )
        .values(
            status=SENT,
            reason=None,
            sent_at=func.coalesce(MESSAGES.c.sent_at, literal(now, UtcDateTime())),
            unknown_since=None,
            lease_token=None,
            lease_until=None,
        )
        .returning(MESSAGES.c.id, MESSAGES.c.sent_at)
    ).all()
    for proven in changed:
        settling.close_attempt(session, doubtful[proven.id], settling.ARRIVED, now)
    timeline.record(session, [sent_event(doubtful[one.id], one.sent_at) for one in changed], now)


def _is_doubtful(row: Row[Any]) -> bool:
    return row.status in _DOUBTFUL and (row.status == HELD or row.attempts > 0)


def _take(
    session: Session, signer: Signer, store_id: int, channel: str, *, told: _Told, now: datetime
) -> None:
    """What one new event means beyond its own message."""
    one, row = told
    if one.kind is DeliveryKind.REPLIED:
        replies.take(session, signer, store_id, reply=one, now=now)
        return
    if one.advice is Advice.PAUSE_SENDER:
        why = f"the provider refuses the account: {one.reason}"
        senders.pause(session, store_id, channel, why=why, until=now + _PAUSE)
    reason = _suppression(session, row, one, now)
    address = one.address or (row.to_address if row is not None else None)
    if reason is None or not address:
        return
    receipts.suppress(
        session, signer, store_id, channel=channel, address=address, reason=reason, now=one.occurred_at
    )
    if row is not None and one.kind in (DeliveryKind.COMPLAINED, DeliveryKind.UNSUBSCRIBED):
        consent.withdraw(
            session,
            store_id,
            row.customer_id,
            channel,
            source=f"provider:{one.kind.value}",
            now=one.occurred_at,
        )


def _end(session: Session, store_id: int, by_kind: _ByKind) -> None:
    """Move the statuses up, all that end alike in one statement; a bounce has the last word."""
    for kind, move in _MOVES.items():
        ids = [row[0] for _, row in by_kind.get(kind, ()) if row is not None]
        if ids:
            session.execute(move, {"store": store_id, "ids": ids})


def _entry(one: DeliveryUpdate, row: Row[Any]) -> NewEvent:
    """The timeline's entry of an event that has one."""
    kind = _TOLD[one.kind]
    id_, store_id, customer_id, channel, flow, step, *_ = tuple(row)
    details = {"flow": flow, "step": step, "channel": channel, "reason": one.reason}
    return NewEvent(store_id, customer_id, kind, f"message:{id_}", f"{kind}:{id_}", one.occurred_at, details)


def _suppression(session: Session, row: Row[Any] | None, one: DeliveryUpdate, now: datetime) -> str | None:
    """Why the address is not to be written to any more, or None."""
    if one.kind is DeliveryKind.COMPLAINED:
        return "complaint"
    if one.kind is DeliveryKind.UNSUBSCRIBED:
        return "unsubscribe"
    if one.advice is Advice.SUPPRESS:
        return "bounce"
    is_soft = one.advice is Advice.COUNT and row is not None
    return "bounce" if is_soft and row is not None and _soft_days(session, row, now) >= _SOFT_DAYS else None


def _soft_days(session: Session, row: Row[Any], now: datetime) -> int:
    """On how many days of the last fortnight the person's address was not reached."""
    statement = (
        select(EVENTS.c.occurred_at)
        .join(MESSAGES, (MESSAGES.c.store_id == EVENTS.c.store_id) & (MESSAGES.c.id == EVENTS.c.message_id))
        .where(
            EVENTS.c.store_id == row.store_id,
            EVENTS.c.type.in_(_SOFT),
            EVENTS.c.occurred_at > now - _SOFT_WINDOW,
            MESSAGES.c.customer_id == row.customer_id,
            MESSAGES.c.channel == row.channel,
            MESSAGES.c.to_address == row.to_address,
        )
    )
    return len({moment.date() for moment in session.execute(statement).scalars()})


def _count(session: Session, store_id: int, channel: str, by_kind: _ByKind) -> None:
    by_day: dict[date, dict[str, int]] = {}
    for kind, name in _COUNTERS.items():
        days = Counter([one.occurred_at.date() for one, _ in by_kind.get(kind, ())])
        for day, number in days.items():
            by_day.setdefault(day, {})[name] = number
    for day, counts in sorted(by_day.items()):
        senders.count(session, store_id, channel, day=day, counts=counts)
