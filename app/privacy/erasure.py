"""Forgetting a person: what names them goes, what the store counts by stays.

One transaction of the caller's. Rows are locked in the order in which the workers lock them (deliveries,
messages, customers), so that an erasure waits for them instead of locking each other out. Whatever a worker
still writes of what it read before meets the tombstones, the gate (`erased`) and `customer.erased`.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app import timeline, tombstones
from app.consent import STATES
from app.crypto import Signer
from app.customers import CUSTOMERS
from app.errors import NotFound
from app.messaging import addresses, receipts
from app.privacy import deliveries, traces
from app.privacy.deliveries import Scan
from app.privacy.marks import Marks, marks_of, merges_of
from app.timeline import NewEvent

_EMPTIED = (
    "external_id",
    "email",
    "phone",
    "first_name",
    "last_name",
    "locale",
    "region",
    "city",
    "timezone",
    "birth_year",
    "birth_month",
    "birth_day",
    "birth_known_at",
    "own_words",
)
"""The country stays, as coarse as the figures need it; so do counts and sums."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did, counted by kind: the proof, which names nobody."""

    customer_id: int
    erased_at: datetime
    counts: dict[str, int]


def erase_customer(
    session: Session,
    signer: Signer,
    store_id: int,
    customer_id: int,
    *,
    now: datetime,
    scanned: Scan | None = None,
) -> Erased:
    """Erase a person; again for one who was erased, which changes nothing but what came since.

    Args:
        scanned: what `deliveries.scan` found in a transaction before, so that this one is short.

    Raises:
        NotFound: the store has no such customer.
    """
    counts: Counter[str] = Counter()
    marks = marks_of(session, store_id, customer_id)
    counts["deliveries"] = deliveries.empty(session, store_id, marks, before=scanned or Scan(), now=now)
    counts += traces.erase_messages(session, store_id, customer_id)
    customer = _locked(session, store_id, customer_id)
    counts["refusals_kept"] = _keep_refusals(session, signer, store_id, customer=customer, now=now)
    counts["tombstones"] = tombstones.add(
        session,
        signer,
        store_id,
        identities=_identities(customer) | _former_identities(session, store_id, customer_id),
        customer_id=customer_id,
        erased_at=now,
    )
    counts += traces.end_journeys(session, store_id, customer, now)
    counts += _rest(session, store_id, customer_id, marks)
    _empty(session, store_id, customer, now)
    _announce(session, store_id, customer_id, now)
    return Erased(customer_id, customer.erased_at or now, dict(+counts))


def _rest(session: Session, store_id: int, customer_id: int, marks: Marks) -> Counter[str]:
    """What others, and the person's own acts, left of them."""
    counts = traces.erase_words(session, store_id, customer_id)
    counts += traces.erase_merges(session, store_id, customer_id)
    counts += traces.erase_reviews(session, store_id, customer_id, marks.addresses)
    counts += traces.drop_checkouts(session, store_id, customer_id, marks)
    counts += traces.drop_writes(session, store_id, customer_id)
    counts += traces.drop_state(session, store_id, customer_id)
    counts += traces.drop_scores(session, store_id, customer_id)
    return counts + traces.drop_preferences(session, store_id, customer_id)


def _locked(session: Session, store_id: int, customer_id: int) -> Row[Any]:
    statement = (
        select(CUSTOMERS)
        .where(CUSTOMERS.c.store_id == store_id, CUSTOMERS.c.id == customer_id)
        .with_for_update()
    )
    row = session.execute(statement).one_or_none()
    if row is None:
        raise NotFound("there is no such customer in this store")
    return row


def _identities(customer: Row[Any]) -> set[str]:
    """Everything under which the shop may tell of the person again; nothing once they were erased."""
    names = {customer.identity} if customer.erased_at is None else set()
    if customer.external_id:
        names.add(f"id:{customer.external_id}")
    if customer.email:
        names.add(f"email:{customer.email}")
    return names


def _former_identities(session: Session, store_id: int, customer_id: int) -> set[str]:
    """Under which names the customers were known who were merged into this one."""
    merges = merges_of(session, store_id, customer_id)
    emails = {f"email:{merge.email}" for merge in merges if merge.email}
    return {f"id:{merge.merged_external_id}" for merge in merges} | emails


def _keep_refusals(
    session: Session, signer: Signer, store_id: int, *, customer: Row[Any], now: datetime
) -> int:
    """A refusal outlives the address as its keyed hash, wherever it was said; how many."""
    refused = select(STATES.c.channel).where(
        STATES.c.store_id == store_id, STATES.c.customer_id == customer.id, STATES.c.state == "unsubscribed"
    )
    kept = 0
    for channel in session.execute(refused.where(STATES.c.channel.in_(("email", "sms")))).scalars():
        address = addresses.address_of(customer, channel)
        if address:
            receipts.suppress(
                session, signer, store_id, channel=channel, address=address, reason="unsubscribe", now=now
            )
            kept += 1
    return kept


def _empty(session: Session, store_id: int, customer: Row[Any], now: datetime) -> None:
    session.execute(
        CUSTOMERS.update()
        .where(CUSTOMERS.c.store_id == store_id, CUSTOMERS.c.id == customer.id)
        .values(
            **dict.fromkeys(_EMPTIED),
            identity=f"erased:{customer.id}",
            tags=[],
            erased_at=customer.erased_at or now,
        )
    )


def _announce(session: Session, store_id: int, customer_id: int, now: datetime) -> None:
    """For whoever reads the timeline, and for journeys that began while this was done: it ends them."""
    event = NewEvent(
        store_id=store_id,
        customer_id=customer_id,
        type=timeline.ERASED,
        subject=f"customer:{customer_id}",
        source_key=f"{timeline.ERASED}:{customer_id}",
        occurred_at=now,
    )
    timeline.record(session, [event], now)
