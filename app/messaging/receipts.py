"""What ends writing to somebody: unsubscribing, and addresses that nobody may write to again."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent
from app.crypto import Signer
from app.db import insert_new, table_of
from app.messaging import addresses
from app.models import Customer, Message, Suppression

SUPPRESSIONS = table_of(Suppression)


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
