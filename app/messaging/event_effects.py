"""What providers' events mean beyond the message itself: suppressions, consents, pauses, the timeline."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from app import consent, timeline
from app.crypto import Signer
from app.db import Among, table_of, unindexed
from app.messaging import receipts, replies, reports, senders
from app.messaging.reports import Told
from app.models import DeliveryEvent, Message
from app.timeline import NewEvent
from connectors.delivery import Advice, DeliveryKind, DeliveryUpdate

MESSAGES, EVENTS = table_of(Message), table_of(DeliveryEvent)
_KNOWN = select(
    *(MESSAGES.c[name] for name in ("id", "store_id", "customer_id", "channel", "flow_key", "step")),
    MESSAGES.c.to_address,
).where(unindexed(MESSAGES.c.store_id) == bindparam("store"), Among(MESSAGES.c.id, "ids"))
"""What is told of a message; its content would only be read to be thrown away."""
_PAUSE = timedelta(hours=1)
_SOFT_WINDOW, _SOFT_DAYS = timedelta(days=14), 3
_TOLD = {
    DeliveryKind.BOUNCED: "message.bounced",
    DeliveryKind.COMPLAINED: "message.complained",
}
_PEOPLE = (DeliveryKind.REPLIED, DeliveryKind.COMPLAINED, DeliveryKind.UNSUBSCRIBED)
"""What somebody did: it speaks of more than one message."""
_SPEAKING = frozenset(kind.value for kind in (*_TOLD, *_PEOPLE))
_SOFT = (DeliveryKind.BLOCKED.value, DeliveryKind.BOUNCED.value)


class _Event(NamedTuple):
    """An event, and the message that it is about, where it is about one."""

    one: DeliveryUpdate
    row: Row[Any] | None


def follow(
    session: Session,
    signer: Signer,
    store_id: int,
    channel: str,
    *,
    told: Told,
    now: datetime,
) -> None:
    """What new events of a store say enters the timeline, and takes effect in the order of its moments."""
    speaking = _speaking(session, store_id, told)
    entries = [_entry(one, row) for one, row in speaking if row is not None and one.kind in _TOLD]
    timeline.record(session, entries, now)
    telling = [each for each in speaking if each.one.advice is not Advice.NOTHING or each.one.kind in _PEOPLE]
    for each in sorted(telling, key=lambda each: each.one.occurred_at):
        _take(session, signer, store_id, channel, told=each, now=now)


def known(session: Session, store_id: int, ids: Collection[int]) -> dict[int, Row[Any]]:
    """What is told of some messages of a store, few as they are."""
    if not ids:
        return {}
    rows: Sequence[Any] = session.execute(_KNOWN, {"store": store_id, "ids": [*ids]}).all()
    return {row.id: row for row in rows}


def _speaking(session: Session, store_id: int, told: Told) -> list[_Event]:
    """Those events of which there is more to do than to note how a message fared."""
    nothing = reports.NOTHING_TO_DO
    places = [
        place
        for place, (kind, advice) in enumerate(zip(told.kind, told.advice, strict=True))
        if kind in _SPEAKING or advice != nothing
    ]
    rows = known(session, store_id, {id_ for place in places if (id_ := told.message_id[place])})
    return [_Event(told.at(place), rows.get(told.message_id[place] or 0)) for place in places]


def _take(
    session: Session, signer: Signer, store_id: int, channel: str, *, told: _Event, now: datetime
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


def _entry(one: DeliveryUpdate, row: Row[Any]) -> NewEvent:
    """The timeline's entry of an event that has one."""
    kind = _TOLD[one.kind]
    id_, store_id, customer_id, channel, flow, step, _ = tuple(row)
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
