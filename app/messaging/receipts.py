"""What comes back after a message left: clicks and unsubscribes; provider events join with their issue."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, func, or_, select, update
from sqlalchemy.orm import Session

from app import consent, timeline
from app.crypto import Signer
from app.db import UtcDateTime, insert_new, table_of
from app.messaging import addresses, scanners
from app.models import Customer, DeliveryEvent, Message, Store, Suppression
from app.models.message import SENDING, SENT, UNKNOWN
from app.timeline import NewEvent

MESSAGES, EVENTS, SUPPRESSIONS = table_of(Message), table_of(DeliveryEvent), table_of(Suppression)
STORES = table_of(Store)
CLICKED, SCANNED = "clicked", "scanned"
BURST = "burst"
"""Why a visit that called itself a browser's is taken for a program's."""
_MINE = (MESSAGES.c.store_id == bindparam("store"), MESSAGES.c.id == bindparam("message"))
_LATELY = (
    EVENTS.c.store_id == bindparam("store"),
    EVENTS.c.message_id == bindparam("message"),
    # A gateway that says what it is tells nothing of who else opens the mail at that moment.
    or_(EVENTS.c.type == CLICKED, EVENTS.c.reason == BURST),
    EVENTS.c.occurred_at >= bindparam("since", type_=UtcDateTime),
)
# Built once, and no more than a click needs: putting a statement together costs more than running it.
_CLICKED = (
    select(
        *(MESSAGES.c[name] for name in ("id", "store_id", "customer_id", "flow_key", "step", "status")),
        *(MESSAGES.c.clicked_at, MESSAGES.c.sent_at, MESSAGES.c.content, STORES.c.url, STORES.c.domain),
        exists().where(*_LATELY).label("is_clicked_lately"),
    )
    .join(STORES, STORES.c.id == MESSAGES.c.store_id)
    .where(*_MINE)
)
_CLICKED_LOCKED = _CLICKED.with_for_update(of=MESSAGES)
_LATE_CLICKS = select(
    EVENTS.c.id, EVENTS.c.type, EVENTS.c.event_key, EVENTS.c.occurred_at, EVENTS.c.url
).where(*_LATELY)
_FIRST_CLICK = update(MESSAGES).where(*_MINE).values(clicked_at=bindparam("at", type_=UtcDateTime))
_HAS_IT = (
    update(MESSAGES).where(*_MINE).values(status=SENT, unknown_since=None, lease_token=None, lease_until=None)
)


def clicked_message(
    session: Session, store_id: int, message_id: int, *, now: datetime, is_locked: bool
) -> Any | None:
    """What a click needs of its message and of the shop; locked, clicks of one moment see each other."""
    statement = _CLICKED_LOCKED if is_locked else _CLICKED
    return session.connection().execute(statement, _whose(store_id, message_id, now)).one_or_none()


def record_click(
    session: Session, *, store_id: int, message_id: int, url: str, occurred_at: datetime, is_human: bool
) -> None:
    """Keep a click of a message that is looked up first; see `keep_click`."""
    message = clicked_message(session, store_id, message_id, now=occurred_at, is_locked=True)
    if message is not None:
        keep_click(session, message, url=url, occurred_at=occurred_at, is_human=is_human)


def keep_click(session: Session, message: Any, *, url: str, occurred_at: datetime, is_human: bool) -> None:
    """Keep a click; a human one reaches the message and the timeline, a scanner's counts for nothing.

    Whether many links at once were a program's is only seen at the second: what counted before is taken back.

    Args:
        message: from `clicked_message`, locked.
    """
    store_id, message_id = message.store_id, message.id
    whose = _whose(store_id, message_id, occurred_at)
    is_alone = not is_human or not message.is_clicked_lately
    earlier = [] if is_alone else session.connection().execute(_LATE_CLICKS, whose).all()
    since = scanners.burst_since(url, occurred_at, [(row.url, row.occurred_at) for row in earlier])
    if since is not None:
        hasty = [row for row in earlier if row.type == CLICKED and row.occurred_at >= since]
        _take_back(session, store_id, message_id, hasty)
    kind = CLICKED if is_human and since is None else SCANNED
    link = hashlib.blake2s(url.encode(), digest_size=8).hexdigest()
    key = f"{kind}:{message_id}:{int(occurred_at.timestamp())}:{link}"
    row = {
        "store_id": store_id,
        "message_id": message_id,
        "type": kind,
        "occurred_at": occurred_at,
        "event_key": key,
        "is_human": kind == CLICKED,
        "url": url,
        "reason": BURST if since is not None else None,
    }
    if insert_new(session, EVENTS, [row], EVENTS.c.id) and kind == CLICKED:
        _note_click(session, message, key=key, url=url, occurred_at=occurred_at)


def record_unsubscribe(
    session: Session,
    signer: Signer,
    *,
    store_id: int,
    message_id: int,
    occurred_at: datetime,
    source: str,
) -> None:
    """The customer does not want this channel any more: consent, suppression, timeline, at once."""
    message = _message(session, store_id, message_id)
    if message is None:
        return
    consent.withdraw(session, store_id, message.customer_id, message.channel, source=source, now=occurred_at)
    who = select(Customer).where(Customer.store_id == store_id, Customer.id == message.customer_id)
    address = addresses.address_of(session.execute(who).scalar_one_or_none(), message.channel)
    if address:
        suppress(
            session,
            signer,
            store_id,
            channel=message.channel,
            address=address,
            reason="unsubscribe",
            now=occurred_at,
        )


def suppress(
    session: Session,
    signer: Signer,
    store_id: int,
    *,
    channel: str,
    address: str,
    reason: str,
    now: datetime,
) -> None:
    """Never write to this address again, until its owner asks for it."""
    row = {
        "store_id": store_id,
        "channel": channel,
        "address_hash": addresses.suppression_hash(signer, channel, address),
        "reason": reason,
        "created_at": now,
    }
    insert_new(session, SUPPRESSIONS, [row])


def _take_back(session: Session, store_id: int, message_id: int, clicks: Sequence[Any]) -> None:
    """These clicks were a program's after all."""
    if not clicks:
        return
    ids = [row.id for row in clicks]
    session.execute(
        update(EVENTS)
        .where(EVENTS.c.store_id == store_id, EVENTS.c.id.in_(ids))
        .values(type=SCANNED, is_human=False, reason=BURST)
    )
    timeline.retract(session, store_id, [f"message.{row.event_key}" for row in clicks])
    first = select(func.min(EVENTS.c.occurred_at)).where(
        EVENTS.c.store_id == store_id, EVENTS.c.message_id == message_id, EVENTS.c.type == CLICKED
    )
    session.execute(
        update(MESSAGES)
        .where(MESSAGES.c.store_id == store_id, MESSAGES.c.id == message_id)
        .values(clicked_at=first.scalar_subquery())
    )


def _whose(store_id: int, message_id: int, now: datetime) -> dict[str, Any]:
    return {"store": store_id, "message": message_id, "since": now - scanners.LONGEST_BURST}


def _note_click(session: Session, message: Any, *, key: str, url: str, occurred_at: datetime) -> None:
    """A person's click reaches the message, which surely left, and the timeline."""
    whose = {"store": message.store_id, "message": message.id}
    if message.clicked_at is None:
        session.connection().execute(_FIRST_CLICK, whose | {"at": occurred_at})
    if message.status in (UNKNOWN, SENDING):
        session.connection().execute(_HAS_IT, whose)
    event = NewEvent(
        store_id=message.store_id,
        customer_id=message.customer_id,
        type="message.clicked",
        subject=f"message:{message.id}",
        source_key=f"message.{key}",
        occurred_at=occurred_at,
        details={"flow": message.flow_key, "step": message.step, "url": url},
    )
    timeline.record(session, [event], occurred_at)


def _message(session: Session, store_id: int, message_id: int) -> Message | None:
    statement = select(Message).where(Message.store_id == store_id, Message.id == message_id)
    return session.execute(statement).scalar_one_or_none()
