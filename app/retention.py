"""What is no longer needed goes, in small batches: raw bodies, message contents, old keys, attempts, proofs.

Each batch reads an index of what still has something to lose, or looks at a store's oldest row first, so
that a night without old rows costs next to nothing whatever the history's length.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Table, delete, or_, select, tuple_, update
from sqlalchemy.orm import Session

from app.consent import LEDGER, STATES
from app.db import table_of
from app.models import (
    AccessEntry,
    AuditEntry,
    Checkout,
    Confirmation,
    InboundEvent,
    Message,
    MessageAttempt,
    StoreWrite,
    TextCost,
)
from app.models.inbound_event import STATES as DELIVERY_STATES
from app.models.store_write import DEAD, DONE, FAILED, SKIPPED

EVENTS, MESSAGES, ATTEMPTS = table_of(InboundEvent), table_of(Message), table_of(MessageAttempt)
WRITES, CHECKOUTS, CONFIRMATIONS = table_of(StoreWrite), table_of(Checkout), table_of(Confirmation)
ACCESSES, AUDITS, COSTS = table_of(AccessEntry), table_of(AuditEntry), table_of(TextCost)
BODY = timedelta(hours=48)
KEY = timedelta(days=90)
CONTENT = timedelta(days=30)
ATTEMPT = timedelta(days=90)
WRITE = timedelta(days=90)
CHECKOUT = timedelta(days=30)
CONFIRMATION = timedelta(days=2)
ACCESS = timedelta(days=365)
AUDIT = timedelta(days=730)
TEXT_COST = timedelta(days=396)
BATCH = 2000
_PROOFS = 400


def purge_once(session: Session, store_id: int, now: datetime) -> int:
    """Remove one batch of each kind of a store; return how many rows went or were emptied. 0 means done.

    Bodies of deliveries 48 h after they were done, their keys after 90 days; the content of messages
    after 30 days, attempts after 90, and what was written back (or could not be) after 90; who was asked to
    confirm a consent after 2; checkouts 30 days after their last change, however they ended; who looked at
    whose data after a year, who changed what after two; what proves a consent 24 months after it ended;
    what a text cost after 13. Counts and figures stay.

    Source: RELIABILITY.md section 5.
    """
    return sum(purge(session, store_id, now) for purge in _PURGES)


def _bodies(session: Session, store_id: int, now: datetime) -> int:
    old = (
        select(EVENTS.c.id)
        .where(EVENTS.c.store_id == store_id, EVENTS.c.done_at < now - BODY, EVENTS.c.body.is_not(None))
        .limit(BATCH)
    )
    ids = list(session.execute(old).scalars())
    if ids:
        mine = (EVENTS.c.store_id == store_id, EVENTS.c.id.in_(ids))
        session.execute(update(EVENTS).where(*mine).values(body=None))
    return len(ids)


def _keys(session: Session, store_id: int, now: datetime) -> int:
    """The oldest deliveries of each status; one that never was done (dead, say) goes by when it came."""
    past = or_(EVENTS.c.done_at < now - KEY, EVENTS.c.received_at < now - 2 * KEY)
    gone = 0
    for status in DELIVERY_STATES:
        mine = (EVENTS.c.store_id == store_id, EVENTS.c.status == status)
        oldest = select(EVENTS.c.id).where(*mine).order_by(EVENTS.c.id)
        if session.execute(select(EVENTS.c.id).where(EVENTS.c.id.in_(oldest.limit(1)), *mine, past)).first():
            ids = list(session.execute(oldest.limit(BATCH)).scalars())
            deleted = delete(EVENTS).where(*mine, EVENTS.c.id.in_(ids), past).returning(EVENTS.c.id)
            gone += len(session.execute(deleted).all())
    return gone


def _contents(session: Session, store_id: int, now: datetime) -> int:
    old = (
        select(MESSAGES.c.id)
        .where(
            MESSAGES.c.store_id == store_id,
            MESSAGES.c.content.is_not(None),
            MESSAGES.c.sent_at < now - CONTENT,
        )
        .limit(BATCH)
    )
    ids = list(session.execute(old).scalars())
    if ids:
        mine = (MESSAGES.c.store_id == store_id, MESSAGES.c.id.in_(ids))
        session.execute(update(MESSAGES).where(*mine).values(content=None))
    return len(ids)


def _attempts(session: Session, store_id: int, now: datetime) -> int:
    old = (
        select(ATTEMPTS.c.id)
        .where(ATTEMPTS.c.store_id == store_id, ATTEMPTS.c.started_at < now - ATTEMPT)
        .order_by(ATTEMPTS.c.started_at)
        .limit(BATCH)
    )
    ids = list(session.execute(old).scalars())
    if ids:
        session.execute(delete(ATTEMPTS).where(ATTEMPTS.c.store_id == store_id, ATTEMPTS.c.id.in_(ids)))
    return len(ids)


def _writes(session: Session, store_id: int, now: datetime) -> int:
    """What waits to be written stays, however long the shop is away."""
    gone = 0
    for state in (DONE, SKIPPED, FAILED, DEAD):
        mine = (WRITES.c.store_id == store_id, WRITES.c.state == state, WRITES.c.done_at < now - WRITE)
        some = select(WRITES.c.id).where(*mine).order_by(WRITES.c.done_at).limit(BATCH)
        deleted = delete(WRITES).where(*mine, WRITES.c.id.in_(some)).returning(WRITES.c.id)
        gone += len(session.execute(deleted).all())
    return gone


def _checkouts(session: Session, store_id: int, now: datetime) -> int:
    mine = (CHECKOUTS.c.store_id == store_id, CHECKOUTS.c.source_updated_at < now - CHECKOUT)
    some = select(CHECKOUTS.c.id).where(*mine).order_by(CHECKOUTS.c.source_updated_at).limit(BATCH)
    deleted = delete(CHECKOUTS).where(*mine, CHECKOUTS.c.id.in_(some)).returning(CHECKOUTS.c.id)
    return len(session.execute(deleted).all())


def _confirmations(session: Session, store_id: int, now: datetime) -> int:
    mine = (CONFIRMATIONS.c.store_id == store_id, CONFIRMATIONS.c.asked_at < now - CONFIRMATION)
    some = select(CONFIRMATIONS.c.address_hash).where(*mine).limit(BATCH)
    deleted = delete(CONFIRMATIONS).where(*mine, CONFIRMATIONS.c.address_hash.in_(some))
    return len(session.execute(deleted.returning(CONFIRMATIONS.c.address_hash)).all())


def _accesses(session: Session, store_id: int, now: datetime) -> int:
    return _logged(session, ACCESSES, store_id, now - ACCESS)


def _audits(session: Session, store_id: int, now: datetime) -> int:
    return _logged(session, AUDITS, store_id, now - AUDIT)


def _proofs(session: Session, store_id: int, now: datetime) -> int:
    """What proved a consent that ended: address, wording and evidence; that it was said, and when, stays."""
    ended = (
        select(STATES.c.customer_id, STATES.c.channel)
        .where(STATES.c.store_id == store_id, STATES.c.proof_until < now)
        .order_by(STATES.c.proof_until)
        .limit(_PROOFS)
        .with_for_update()
    )
    places = [(row.customer_id, row.channel) for row in session.execute(ended)]
    if places:
        said = (LEDGER.c.store_id == store_id, tuple_(LEDGER.c.customer_id, LEDGER.c.channel).in_(places))
        session.execute(update(LEDGER).where(*said).values(address=None, wording=None, evidence=None))
        held = (STATES.c.store_id == store_id, tuple_(STATES.c.customer_id, STATES.c.channel).in_(places))
        session.execute(update(STATES).where(*held).values(proof_until=None))
    return len(places)


def _text_costs(session: Session, store_id: int, now: datetime) -> int:
    mine = (COSTS.c.store_id == store_id, COSTS.c.spent_on < (now - TEXT_COST).date())
    some = select(COSTS.c.subject).where(*mine).order_by(COSTS.c.spent_on).limit(BATCH)
    deleted = delete(COSTS).where(*mine, COSTS.c.subject.in_(some)).returning(COSTS.c.subject)
    return len(session.execute(deleted).all())


def _logged(session: Session, log: Table, store_id: int, before: datetime) -> int:
    """The oldest entries of a log."""
    mine = (log.c.store_id == store_id, log.c.at < before)
    some = select(log.c.id).where(*mine).order_by(log.c.at).limit(BATCH)
    return len(session.execute(delete(log).where(*mine, log.c.id.in_(some)).returning(log.c.id)).all())


_PURGES: tuple[Callable[[Session, int, datetime], int], ...] = (
    _bodies,
    _keys,
    _contents,
    _attempts,
    _writes,
    _checkouts,
    _confirmations,
    _accesses,
    _audits,
    _proofs,
    _text_costs,
)
