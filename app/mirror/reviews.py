"""ReviewRecords become reviews, and entries in the timelines of those who wrote them.

Who wrote a review is known by the e-mail alone. It may come before its writer does (a guest whose order
is read later), so the writers of earlier ones are looked for again with each pull. Reviewers who are
nobody's customers stay without one: a review makes no customer.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from app import timeline, tombstones
from app.crypto import Signer
from app.customers import CUSTOMERS, normalise_email
from app.db import is_among, table_of, update_rows, upsert
from app.models import Review, Store
from app.models.review import APPROVED, HIDDEN, LOW, PENDING, PRODUCT, WRITTEN
from app.stores import notices
from app.timeline import NewEvent
from app.tombstones import Tombstone
from connectors.base import ReviewRecord

REVIEWS = table_of(Review)
RECEIVED = "review.received"
_KEY = ("store_id", "source", "external_id")
_TOLD = ("product_external_id", "email", "rating", "text", "status", "is_verified", "written_at")


def upsert_reviews(
    session: Session, signer: Signer, store: Store, records: Sequence[ReviewRecord], *, now: datetime
) -> None:
    """Mirror reviews. WooCommerce tells no moment of a change: what is told last counts.

    Those from before the install are history, whichever way they come.
    """
    if not records:
        return
    told = {record.external_id: record for record in records}
    emails = {f"email:{email}" for record in records if (email := normalise_email(record.email))}
    stones = tombstones.find(session, signer, store.id, emails)
    rows = [_row(store, record, stones) for record in told.values()]
    fallen = _new_low_ones(session, store, rows)
    upsert(session, REVIEWS, rows, key=_KEY, update=_TOLD)
    _forget_again(session, store.id)
    find_writers(session, store, now)
    _announce(session, store, is_among(session, REVIEWS.c.external_id, list(told)), now)
    if fallen:
        notices.raise_again(session, store.id, notices.LOW_RATING, n=fallen, now=now)


def find_writers(session: Session, store: Store, now: datetime) -> None:
    """Give the reviews without a writer to the customers who have come meanwhile."""
    linked = _link(session, store.id)
    if linked:
        _announce(session, store, is_among(session, REVIEWS.c.id, linked), now)


_STATE = {"approved": APPROVED, "held": PENDING}
"""What a review begins as here, by the platform's word for it; later words do not undo the merchant's."""


def _row(store: Store, record: ReviewRecord, stones: Mapping[str, Tombstone]) -> dict[str, Any]:
    """The review's row; of somebody who was erased since they wrote it only what names nobody."""
    email = normalise_email(record.email)
    stone = stones.get(f"email:{email}")
    is_erased = stone is not None and record.written_at <= stone.erased_at
    return {
        "store_id": store.id,
        "source": store.platform,
        "external_id": record.external_id,
        "object": PRODUCT,
        "product_external_id": record.product_external_id,
        "customer_id": None,
        "email": None if is_erased else email,
        "rating": record.rating,
        "text": None if is_erased else record.text,
        "status": record.status[:20],
        "state": _STATE.get(record.status, HIDDEN),
        "is_verified": record.is_verified,
        "written_at": record.written_at,
    }


def _new_low_ones(session: Session, store: Store, rows: Sequence[Mapping[str, Any]]) -> int:
    """How many unhappy reviews are news: written since the install, and not mirrored before."""
    low = [
        row["external_id"]
        for row in rows
        if row["rating"] in LOW
        and row["status"] in WRITTEN
        and not timeline.is_history(row["written_at"], store.installed_at)
    ]
    if not low:
        return 0
    known = select(REVIEWS.c.external_id).where(
        REVIEWS.c.store_id == store.id,
        REVIEWS.c.source == store.platform,
        is_among(session, REVIEWS.c.external_id, low),
    )
    return len(set(low) - set(session.execute(known).scalars()))


def _forget_again(session: Session, store_id: int) -> None:
    """What came anew of somebody who was erased, under an address of theirs that no tombstone knows."""
    theirs = (REVIEWS.c.store_id == store_id, REVIEWS.c.customer_id.in_(_erased(store_id)))
    told = or_(REVIEWS.c.email.is_not(None), REVIEWS.c.text.is_not(None))
    session.execute(REVIEWS.update().where(*theirs, told).values(email=None, text=None))


def _erased(store_id: int) -> Select[Any]:
    return select(CUSTOMERS.c.id).where(CUSTOMERS.c.store_id == store_id, CUSTOMERS.c.erased_at.is_not(None))


def _link(session: Session, store_id: int) -> list[int]:
    """Find the writers of reviews that have none yet, accounts before guests; the reviews found."""
    statement = (
        select(REVIEWS.c.id, CUSTOMERS.c.id.label("customer_id"))
        .join(
            CUSTOMERS, (CUSTOMERS.c.store_id == REVIEWS.c.store_id) & (CUSTOMERS.c.email == REVIEWS.c.email)
        )
        .where(
            REVIEWS.c.store_id == store_id, REVIEWS.c.customer_id.is_(None), CUSTOMERS.c.erased_at.is_(None)
        )
        .order_by(CUSTOMERS.c.external_id.is_not(None), CUSTOMERS.c.id.desc())
    )
    found = {row.id: row.customer_id for row in session.execute(statement)}
    rows = [{"store_id": store_id, "id": key, "customer_id": found[key]} for key in sorted(found)]
    update_rows(session, REVIEWS, rows)
    return sorted(found)


def _announce(session: Session, store: Store, which: ColumnElement[bool], now: datetime) -> None:
    statement = select(REVIEWS).where(
        REVIEWS.c.store_id == store.id,
        REVIEWS.c.source == store.platform,
        REVIEWS.c.customer_id.is_not(None),
        REVIEWS.c.customer_id.not_in(_erased(store.id)),
        REVIEWS.c.status.in_(WRITTEN),
        which,
    )
    events = [
        NewEvent(
            store_id=store.id,
            customer_id=row.customer_id,
            type=RECEIVED,
            subject=f"product:{row.product_external_id}",
            source_key=f"{RECEIVED}:{row.external_id}",
            occurred_at=row.written_at,
            details={"rating": row.rating, "object": row.object},
            is_history=timeline.is_history(row.written_at, store.installed_at),
        )
        for row in session.execute(statement.order_by(REVIEWS.c.id))
    ]
    timeline.record(session, events, now)
