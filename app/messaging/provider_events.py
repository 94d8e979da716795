"""What providers say of messages after they took them: each event once, and how its message fared.

Every event counts once, in whatever order they come: what is new is what the table of events did not hold,
and a status only moves up. Facts of each provider's codes lie in its connector, and what follows beyond the
message itself in `event_effects.py`.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from app import timeline
from app.crypto import Signer
from app.db import Among, UtcDateTime, insert_new_columns, table_of, unindexed
from app.messaging import event_effects, reports, senders, settling, tallies
from app.messaging.reports import Told
from app.messaging.send import sent_event
from app.models import DeliveryEvent, Message
from app.models.message import BOUNCED, DELIVERED, FAILED, HELD, PREPARING, QUEUED, SENDING, SENT, UNKNOWN
from connectors.delivery import DeliveryKind

MESSAGES, EVENTS = table_of(Message), table_of(DeliveryEvent)
_OURS, _SPOKEN_OF = unindexed(MESSAGES.c.store_id) == bindparam("store"), Among(MESSAGES.c.id, "ids")
_STANDING = (MESSAGES.c.id, MESSAGES.c.status, MESSAGES.c.attempts, MESSAGES.c.is_tallied)
"""What an event is judged by that says no more than how its message fared."""
_LOCKED = select(*_STANDING).where(_OURS, _SPOKEN_OF).order_by(MESSAGES.c.id).with_for_update()
_ARRIVED = select(EVENTS.c.message_id).where(
    EVENTS.c.store_id == bindparam("store"), Among(EVENTS.c.message_id, "ids"), unindexed(EVENTS.c.is_entry)
)
_ARRIVAL = DeliveryKind.DELIVERED.value
_UNPROVEN = (QUEUED, PREPARING, SENDING, UNKNOWN)
_DOUBTFUL = (*_UNPROVEN, HELD)
_ENDS = {
    DeliveryKind.FAILED: (FAILED, (SENT,), "refused"),
    DeliveryKind.DELIVERED: (DELIVERED, (SENT,), None),
    DeliveryKind.BOUNCED: (BOUNCED, (SENT, DELIVERED), "bounced"),
}
"""The status that an event leads to, those that it may follow, and the reason that is kept."""
_MOVES = {
    kind.value: update(MESSAGES)
    .where(
        unindexed(MESSAGES.c.store_id) == bindparam("store"),
        _SPOKEN_OF,
        unindexed(MESSAGES.c.status).in_(after),
    )
    .values(status=status, reason=reason)
    for kind, (status, after, reason) in _ENDS.items()
}
_PROVEN = (
    update(MESSAGES)
    .where(
        unindexed(MESSAGES.c.store_id) == bindparam("store"),
        _SPOKEN_OF,
        or_(
            MESSAGES.c.status == HELD,
            and_(MESSAGES.c.status.in_(_UNPROVEN), MESSAGES.c.attempts > 0),
        ),
    )
    .values(
        status=SENT,
        reason=None,
        sent_at=func.coalesce(MESSAGES.c.sent_at, bindparam("now", type_=UtcDateTime())),
        unknown_since=None,
        lease_token=None,
        lease_until=None,
    )
    .returning(MESSAGES.c.id, MESSAGES.c.sent_at)
)
_COUNTERS = ("delivered", "bounced", "blocked", "complained", "unsubscribed")
"""The kinds of which a day's number is kept, each under its own name."""
_UNSAYING = {DeliveryKind.ACCOUNT.value, DeliveryKind.REPLIED.value}
"""What says nothing of whether the provider took the message."""
_Messages = Mapping[int, Any]
"""The messages that are spoken of, by id: rows of _STANDING."""
_ByKind = Mapping[str, Sequence[int]]
"""Where among some events those of each kind are."""


def apply(session: Session, signer: Signer, store_id: int, channel: str, *, told: Told, now: datetime) -> int:
    """Let the events of one store and channel take effect; how many were new."""
    messages = _messages(session, store_id, {id_ for id_ in told.message_id if id_})
    tallies.take_back(session, store_id, [row[0] for row in messages.values() if row[-1]])
    # One that names a message of somebody else is none of ours.
    ours = [place for place, id_ in enumerate(told.message_id) if id_ is None or id_ in messages]
    new = _new(session, store_id, told.some(ours), messages)
    by_kind = _by_kind(new)
    _prove(session, store_id, new, by_kind, messages=messages, now=now)
    _end(session, store_id, new, by_kind)
    event_effects.follow(session, signer, store_id, channel, told=new, now=now)
    _count(session, store_id, channel, told=new, by_kind=by_kind)
    return new.number


def _by_kind(told: Told) -> _ByKind:
    by_kind: dict[str, list[int]] = {}
    for place, kind in enumerate(told.kind):
        by_kind.setdefault(kind, []).append(place)
    return by_kind


def _messages(session: Session, store_id: int, ids: Collection[int]) -> dict[int, Any]:
    """The store's messages of these numbers, locked."""
    rows: Sequence[Any] = session.execute(_LOCKED, {"store": store_id, "ids": [*ids]}).all()
    return {row[0]: row for row in rows}


def _new(session: Session, store_id: int, told: Told, messages: _Messages) -> Told:
    """Those that were not told before."""
    if not told.number:
        return told
    columns: dict[str, Sequence[Any]] = {
        "store_id": [store_id] * told.number,
        "message_id": [id_ or reports.NOBODYS for id_ in told.message_id],
        "type": told.kind,
        "occurred_at": told.occurred_at,
        "event_key": told.key,
        "is_human": [not is_machine for is_machine in told.is_machine],
        "url": [url or None for url in told.url],
        "reason": [reason or None for reason in told.reason],
        "is_entry": _are_entries(session, store_id, told, messages),
        **timeline.numbers(session, told.number),
    }
    new = insert_new_columns(session, EVENTS, columns, EVENTS.c.event_key)
    if len(new) == told.number:
        return told
    places = {key: place for place, key in reversed([*enumerate(told.key)])}
    return told.some(sorted(places[key] for (key,) in new))


def _are_entries(session: Session, store_id: int, told: Told, messages: _Messages) -> list[bool]:
    """Which events stand in the timeline: of each message that left, the first that says it arrived."""
    first: dict[int, int] = {}
    for place, kind in enumerate(told.kind):
        if kind == _ARRIVAL and (id_ := told.message_id[place]):
            first.setdefault(id_, place)
    # Of one that rests as sent none was told: that would have moved it on.
    others = [id_ for id_ in first if messages[id_][1] != SENT]
    if others:
        known = set(session.execute(_ARRIVED, {"store": store_id, "ids": others}).scalars())
        for id_ in others:
            if id_ in known or not _has_left(messages[id_]):
                del first[id_]
    entries = [False] * told.number
    for place in first.values():
        entries[place] = True
    return entries


def _has_left(row: Row[Any]) -> bool:
    return row.status not in _UNPROVEN or row.attempts > 0


def _prove(
    session: Session,
    store_id: int,
    told: Told,
    by_kind: _ByKind,
    *,
    messages: _Messages,
    now: datetime,
) -> None:
    """A message whose answer was lost, that waits to be tried again or is held was taken after all.

    Each event shows it that is about a message.
    """
    in_doubt = {row[0] for row in messages.values() if _is_doubtful(row[1], row[2])}
    if in_doubt:
        saying = (place for kind in by_kind.keys() - _UNSAYING for place in by_kind[kind])
        in_doubt.intersection_update(told.message_id[place] for place in saying)
    if not in_doubt:
        return
    doubtful = event_effects.known(session, store_id, in_doubt)
    asked = {"store": store_id, "ids": [*doubtful], "now": now}
    changed = session.execute(_PROVEN, asked).all()
    for proven in changed:
        settling.close_attempt(session, doubtful[proven.id], settling.ARRIVED, now)
    timeline.record(session, [sent_event(doubtful[one.id], one.sent_at) for one in changed], now)


def _is_doubtful(status: str, attempts: int) -> bool:
    return status in _DOUBTFUL and (status == HELD or attempts > 0)


def _end(session: Session, store_id: int, told: Told, by_kind: _ByKind) -> None:
    """Move the statuses up, all that end alike in one statement; a bounce has the last word."""
    for kind, move in _MOVES.items():
        ids = {id_ for place in by_kind.get(kind, ()) if (id_ := told.message_id[place])}
        if ids:
            session.execute(move, {"store": store_id, "ids": [*ids]})


def _count(session: Session, store_id: int, channel: str, *, told: Told, by_kind: _ByKind) -> None:
    by_day: dict[date, dict[str, int]] = {}
    for kind in _COUNTERS:
        days = Counter([told.occurred_at[place] for place in by_kind.get(kind, ())])
        for moment, number in days.items():
            counts = by_day.setdefault(moment.date(), {})
            counts[kind] = counts.get(kind, 0) + number
    for day, counts in sorted(by_day.items()):
        senders.count(session, store_id, channel, day=day, counts=counts)
