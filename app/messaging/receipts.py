"""What comes back after a message left: clicks and unsubscribes; provider events join with their issue."""

import hashlib
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import consent, timeline
from app.crypto import Signer
from app.db import insert_new, table_of
from app.messaging import addresses
from app.models import Customer, DeliveryEvent, Message, Suppression
from app.models.message import SENDING, SENT, UNKNOWN
from app.timeline import NewEvent

MESSAGES, EVENTS, SUPPRESSIONS = table_of(Message), table_of(DeliveryEvent), table_of(Suppression)


def record_click(
    session: Session, *, store_id: int, message_id: int, url: str, occurred_at: datetime, is_human: bool
) -> None:
    """Keep a click; a human one reaches the message and the timeline, a scanner's counts for nothing."""
    message = _message(session, store_id, message_id)
    if message is None:
        return
    kind = "clicked" if is_human else "scanned"
    link = hashlib.blake2s(url.encode(), digest_size=8).hexdigest()
    key = f"{kind}:{message_id}:{int(occurred_at.timestamp())}:{link}"
    row = {
        "store_id": store_id,
        "message_id": message_id,
        "type": kind,
        "occurred_at": occurred_at,
        "event_key": key,
        "is_human": is_human,
        "url": url,
    }
    if not insert_new(session, EVENTS, [row], EVENTS.c.id) or not is_human:
        return
    session.execute(
        update(MESSAGES)
        .where(MESSAGES.c.store_id == store_id, MESSAGES.c.id == message_id, MESSAGES.c.clicked_at.is_(None))
        .values(clicked_at=occurred_at)
    )
    _prove_sent(session, store_id, message_id)
    event = NewEvent(
        store_id=store_id,
        customer_id=message.customer_id,
        type="message.clicked",
        subject=f"message:{message_id}",
        source_key=f"message.{key}",
        occurred_at=occurred_at,
        details={"flow": message.flow_key, "step": message.step, "url": url},
    )
    timeline.record(session, [event], occurred_at)


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


def _message(session: Session, store_id: int, message_id: int) -> Message | None:
    statement = select(Message).where(Message.store_id == store_id, Message.id == message_id)
    return session.execute(statement).scalar_one_or_none()


def _prove_sent(session: Session, store_id: int, message_id: int) -> None:
    """Whoever clicks has the message: an unknown one is settled by that."""
    session.execute(
        update(MESSAGES)
        .where(
            MESSAGES.c.store_id == store_id,
            MESSAGES.c.id == message_id,
            MESSAGES.c.status.in_((UNKNOWN, SENDING)),
        )
        .values(status=SENT, unknown_since=None, lease_token=None, lease_until=None)
    )
