"""What people answer to a text message: STOP ends it, START takes back what STOP ended, the rest is told."""

import re
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app import consent, timeline
from app.consent import NewConsent
from app.crypto import Signer
from app.db import table_of
from app.messaging import addresses, receipts
from app.models import Customer, Suppression
from app.timeline import NewEvent
from connectors.delivery import DeliveryUpdate, Word

CUSTOMERS, SUPPRESSIONS = table_of(Customer), table_of(Suppression)
_CHANNEL = "sms"
_STOP = "stop"
_SOURCE = "sms-reply"
_LONGEST_WORDING = 500
_SPACES = re.compile(r"\s+")


def take(session: Session, signer: Signer, store_id: int, *, reply: DeliveryUpdate, now: datetime) -> None:
    """Let a reply take effect for everybody of the store who has that number."""
    people = _people(session, store_id, reply.address)
    if reply.word is Word.STOP:
        _stop(session, signer, store_id, reply, people=people)
    elif reply.word is Word.START:
        _start(session, signer, store_id, reply, people=people, now=now)
    timeline.record(session, [_event(store_id, customer_id, reply) for customer_id in people], now)


def _people(session: Session, store_id: int, number: str) -> list[int]:
    statement = (
        select(CUSTOMERS.c.id)
        .where(CUSTOMERS.c.store_id == store_id, CUSTOMERS.c.phone == number, CUSTOMERS.c.erased_at.is_(None))
        .order_by(CUSTOMERS.c.id)
    )
    return list(session.execute(statement).scalars())


def _stop(
    session: Session, signer: Signer, store_id: int, reply: DeliveryUpdate, *, people: list[int]
) -> None:
    receipts.suppress(
        session,
        signer,
        store_id,
        channel=_CHANNEL,
        address=reply.address,
        reason=_STOP,
        now=reply.occurred_at,
    )
    for customer_id in people:
        consent.withdraw(session, store_id, customer_id, _CHANNEL, source=_SOURCE, now=reply.occurred_at)


def _start(
    session: Session,
    signer: Signer,
    store_id: int,
    reply: DeliveryUpdate,
    *,
    people: list[int],
    now: datetime,
) -> None:
    """Only what a STOP took comes back, as a new consent in the words that were written."""
    hashed = addresses.suppression_hash(signer, _CHANNEL, reply.address)
    lifted = session.execute(
        delete(SUPPRESSIONS)
        .where(
            SUPPRESSIONS.c.store_id == store_id,
            SUPPRESSIONS.c.channel == _CHANNEL,
            SUPPRESSIONS.c.address_hash == hashed,
            SUPPRESSIONS.c.reason == _STOP,
        )
        .returning(SUPPRESSIONS.c.address_hash)
    ).all()
    if not lifted:
        return
    said = [
        NewConsent(
            store_id=store_id,
            customer_id=customer_id,
            channel=_CHANNEL,
            state="subscribed",
            basis="consent",
            occurred_at=reply.occurred_at,
            source=_SOURCE,
            address=reply.address,
            wording=_SPACES.sub(" ", reply.text).strip()[:_LONGEST_WORDING],
            is_own=True,
        )
        for customer_id in people
    ]
    consent.record(session, said, now)


def _event(store_id: int, customer_id: int, reply: DeliveryUpdate) -> NewEvent:
    return NewEvent(
        store_id=store_id,
        customer_id=customer_id,
        type="message.replied",
        subject=f"customer:{customer_id}",
        source_key=f"message.replied:{customer_id}:{reply.key}",
        occurred_at=reply.occurred_at,
        details={"channel": _CHANNEL, "word": reply.word.value if reply.word else "", "text": reply.text},
    )
