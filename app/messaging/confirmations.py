"""Double opt-in: whose yes waits gets one mail with a link, and the button behind it makes the yes count.

Source: Garante, provv. 330 of 4 June 2025: double opt-in is the least proof of consent, and the mail that
asks carries no promotion and measures nobody.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, func, select
from sqlalchemy.orm import Session

from app import consent, timers
from app.consent import NewConsent
from app.crypto import Signer
from app.db import table_of, upsert
from app.messaging import addresses, links, outbox, terms
from app.messaging.gate import TRANSACTIONAL
from app.messaging.links import ConfirmToken
from app.messaging.outbox import NewMessage
from app.models import Confirmation, Consent, ConsentState, Customer, Message, Store
from app.stores import settings
from app.timers import NewTimer

CONFIRMATIONS, CUSTOMERS, STATES = table_of(Confirmation), table_of(Customer), table_of(ConsentState)
FLOW, STEP = "consent", "DOI"
CHANNEL = "email"
_SOURCE = "confirmation"
_ONE_A, _COUNTED = timedelta(days=1), timedelta(hours=1)
_AGAIN, _WORTH = timedelta(minutes=5), timedelta(days=2)
_MARK = 16
_KEY = ("store_id", "channel", "address_hash")


def ask(session: Session, signer: Signer, store: Store, people: Sequence[int], *, now: datetime) -> None:
    """Queue a confirmation mail for everybody of these who waits for one.

    An address gets one a day at the most, and the store sends so many an hour: the rest waits. So do all
    while the merchant has not said who sends: a mail that the gate stops would be the one of its day.
    """
    waiting = _waiting(session, store, people)
    hashes = {row.id: addresses.suppression_hash(signer, CHANNEL, row.email) for row in waiting}
    asked = _asked_lately(session, store.id, sorted(set(hashes.values())), now)
    room = _room(session, store, now)
    chosen: dict[str, Row[Any]] = {}
    late: list[int] = []
    for row in waiting:
        if hashes[row.id] in asked or hashes[row.id] in chosen:
            continue
        if len(chosen) < room:
            chosen[hashes[row.id]] = row
        else:
            late.append(row.id)
    _queue(session, store.id, chosen, now)
    timers.set_timers(
        session, [NewTimer(store.id, now + _AGAIN, consent.CONFIRMATION, person) for person in late]
    )


def confirm(
    session: Session, signer: Signer, named: ConfirmToken, *, now: datetime, seen: dict[str, str]
) -> bool:
    """Make a pending yes count; whether the person is subscribed now. Again changes nothing.

    It holds for the address that the mail went to, and not against a no that was said since.

    Args:
        seen: what else is known of the one who pressed the button (ip, user agent); kept as evidence.
    """
    asked = _asking(session, named)
    if asked is None:
        return False
    message, customer = asked
    address = addresses.address_of(customer, message.channel) or ""
    if links.address_mark(signer, message.channel, address) != named.address_mark:
        return False
    held = consent.state_of(session, named.store_id, customer.id, message.channel)
    if held is None or held.state != "pending":
        return held is not None and held.state == "subscribed"
    given = _last_said(session, named.store_id, customer.id, message.channel)
    confirmed = NewConsent(
        store_id=named.store_id,
        customer_id=customer.id,
        channel=message.channel,
        state="subscribed",
        basis="double_opt_in",
        occurred_at=max(now, held.occurred_at),
        source=_SOURCE,
        source_key=f"{_SOURCE}:{message.id}:{int(held.occurred_at.timestamp())}",
        address=address,
        wording=given.wording if given else None,
        is_own=True,
        evidence=_evidence(message, given, now) | seen,
    )
    consent.record(session, [confirmed], now)
    return True


def _waiting(session: Session, store: Store, people: Sequence[int]) -> list[Row[Any]]:
    """Who of these still waits to be asked, by rising id: their id, e-mail and when they said yes."""
    if not people or not settings.is_on(store, "consent.double_opt_in"):
        return []
    theirs = (STATES.c.store_id == store.id, STATES.c.customer_id == CUSTOMERS.c.id)
    statement = (
        select(CUSTOMERS.c.id, CUSTOMERS.c.email, STATES.c.occurred_at)
        .join(STATES, and_(*theirs))
        .where(
            STATES.c.channel == CHANNEL,
            CUSTOMERS.c.store_id == store.id,
            CUSTOMERS.c.id.in_(people),
            CUSTOMERS.c.erased_at.is_(None),
            CUSTOMERS.c.email.is_not(None),
            STATES.c.state == "pending",
        )
        .order_by(CUSTOMERS.c.id)
    )
    return [*session.execute(statement)]


def _asked_lately(session: Session, store_id: int, hashes: Sequence[str], now: datetime) -> set[str]:
    statement = select(CONFIRMATIONS.c.address_hash).where(
        CONFIRMATIONS.c.store_id == store_id,
        CONFIRMATIONS.c.channel == CHANNEL,
        CONFIRMATIONS.c.address_hash.in_(hashes),
        CONFIRMATIONS.c.asked_at > now - _ONE_A,
    )
    return set(session.execute(statement).scalars()) if hashes else set()


def _room(session: Session, store: Store, now: datetime) -> int:
    """How many more may be asked in this hour."""
    if terms.sender_problem(store, CHANNEL) is not None:
        return 0
    lately = (CONFIRMATIONS.c.store_id == store.id, CONFIRMATIONS.c.asked_at > now - _COUNTED)
    count = session.execute(select(func.count()).where(*lately)).scalar_one()
    return settings.number(store, "consent.confirmations_per_hour") - count


def _queue(session: Session, store_id: int, chosen: Mapping[str, Row[Any]], now: datetime) -> None:
    rows = [
        {"store_id": store_id, "channel": CHANNEL, "address_hash": hashed, "asked_at": now}
        for hashed in chosen
    ]
    upsert(session, CONFIRMATIONS, rows, key=_KEY, update=("asked_at",))
    messages = [
        NewMessage(
            store_id=store_id,
            customer_id=row.id,
            enrollment_id=None,
            flow_key=FLOW,
            version_id=None,
            step=STEP,
            occurrence=f"{hashed[:_MARK]}-{int(row.occurred_at.timestamp())}",
            channel=CHANNEL,
            purpose=TRANSACTIONAL,
            priority=1,
            due_at=now,
            expires_at=now + _WORTH,
            context={"content": f"{FLOW}/{STEP}", "only_if": ["consent-pending"]},
            moments=(row.occurred_at,),
        )
        for hashed, row in chosen.items()
    ]
    outbox.enqueue(session, messages, now)


def _asking(session: Session, named: ConfirmToken) -> tuple[Message, Customer] | None:
    """The confirmation mail and its reader, whose row is locked; None for any other or an erased one."""
    mail = select(Message).where(Message.store_id == named.store_id, Message.id == named.message_id)
    message = session.execute(mail).scalar_one_or_none()
    if message is None or message.purpose != TRANSACTIONAL:
        return None
    who = select(Customer).where(Customer.store_id == named.store_id, Customer.id == message.customer_id)
    customer = session.execute(who.with_for_update()).scalar_one_or_none()
    if customer is None or customer.erased_at is not None:
        return None
    return message, customer


def _last_said(session: Session, store_id: int, customer_id: int, channel: str) -> Consent | None:
    """The yes that waited: its words are those that were agreed to."""
    statement = (
        select(Consent)
        .where(
            Consent.store_id == store_id,
            Consent.customer_id == customer_id,
            Consent.channel == channel,
            Consent.state == "pending",
            # What the shop echoes of it has none.
            Consent.basis.is_not(None),
        )
        .order_by(Consent.occurred_at.desc(), Consent.id.desc())
        .limit(1)
    )
    return session.execute(statement).scalar_one_or_none()


def _evidence(message: Message, given: Consent | None, now: datetime) -> dict[str, str]:
    """When it was said, sent and clicked, as text."""
    moments = {
        "said_at": given.occurred_at if given else None,
        "sent_at": message.sent_at,
        "confirmed_at": now,
    }
    told = {name: moment.isoformat() for name, moment in moments.items() if moment is not None}
    return told | {"message": str(message.id)} | ({"said_to": given.source} if given else {})
