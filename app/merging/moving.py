"""Carrying a merge out: in one transaction everything of the merged customer becomes the kept one's.

Rows are locked in the order in which the workers lock them (messages, customers, then what hangs on them), so
that a merge waits for them instead of locking each other out. What a worker still writes under the old id,
because it read before, is found by `sweep` a little later.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, delete, or_, select, update
from sqlalchemy.orm import Session

from app import timeline, tombstones
from app.crypto import Signer
from app.customers import CUSTOMERS
from app.db import table_of
from app.merging import consents, journeys, preferences
from app.mirror import earlier, merges, petitions, sums
from app.models import (
    AccessEntry,
    Checkout,
    CustomerEvent,
    CustomerMerge,
    CustomerState,
    Decision,
    ErasedIdentity,
    Order,
    PrivacyRequest,
    Review,
    ScoreEntry,
    Store,
    StoreWrite,
    Voucher,
)
from app.stores import scopes
from app.timeline import NewEvent
from connectors.base import PrivacyKind

MERGES, ORDERS = merges.MERGES, table_of(Order)
MOVED: Mapping[Table, Mapping[str, Any]] = {
    ORDERS: {"is_attribution_due": ORDERS.c.paid_at.is_not(None)},
    table_of(CustomerEvent): {},
    table_of(Decision): {},
    table_of(Voucher): {},
    table_of(Review): {},
    table_of(Checkout): {},
    table_of(PrivacyRequest): {},
    table_of(ErasedIdentity): {},
    table_of(AccessEntry): {},
    table_of(ScoreEntry): {},
    MERGES: {},
}
"""The tables whose rows get the kept customer's id and nothing else; what changes beside it.

Consents and their states, preferences, journeys and messages, which may be there twice, have modules of their
own.
"""

DROPPED: Collection[Table] = (table_of(StoreWrite), table_of(CustomerState))
"""The tables whose rows end with the merged customer.

Whom the shop no longer has it is told nothing of; where the kept one stands is worked out with the orders.
"""


@dataclass(frozen=True, slots=True)
class _Names:
    """A merge with both of its people, by the shop's ids."""

    merge: CustomerMerge
    kept: Row[Any] | None
    merged: Row[Any] | None


def carry_out(session: Session, signer: Signer, store: Store, merge_id: int, *, now: datetime) -> bool:
    """Merge two customers, the storefront having confirmed it; False if there was nothing to merge.

    An erased person is never made known again: if the kept one was erased, the merged one asked to be
    forgotten by that, too.
    """
    names = _names(session, store.id, merge_id)
    if names is None or names.merge.merged_at is not None:
        return False
    merge, kept, merged = names.merge, names.kept, names.merged
    if _is_erased(session, signer, store.id, merge.merged_external_id):
        merges.drop(session, store.id, merge.id)
        return False
    if kept is None:
        _forget_too(session, store.id, merged, now)
        merges.drop(session, store.id, merge.id)
        return False
    merge.merged_at, merge.customer_id = now, kept.id
    if merged is not None:
        merge.merged_customer_id, merge.email, merge.phone = merged.id, merged.email, merged.phone
    session.flush()
    if merged is not None:
        _join(session, store, kept, merged, merge=merge, now=now)
    _announce(session, merge, now)
    return True


def sweep(session: Session, store: Store, merge_id: int, *, now: datetime) -> None:
    """Move what came under the merged customer's old ids while they were merged; nothing, as a rule."""
    names = _names(session, store.id, merge_id)
    if names is None or names.kept is None:
        return
    merge, kept = names.merge, names.kept
    if merge.merged_customer_id is not None:
        gone = _Gone(merge.merged_customer_id, merge.email, merge.phone)
        _move(session, store.id, kept, gone, merge=merge, now=now)
    if names.merged is not None and names.merged.id != kept.id:
        _join(session, store, kept, names.merged, merge=merge, now=now)
    _recount(session, store, kept.id)


@dataclass(frozen=True, slots=True)
class _Gone:
    """What is left to know of a customer whose row is gone."""

    id: int
    email: str | None
    phone: str | None
    birth_month: int | None = None
    birth_day: int | None = None
    birth_known_at: datetime | None = None


def _names(session: Session, store_id: int, merge_id: int) -> _Names | None:
    """The merge and both rows, locked: messages first, then customers by rising id."""
    merge = merges.find(session, store_id, merge_id)
    if merge is None:
        return None
    mine = CUSTOMERS.c.store_id == store_id
    called = [merge.merged_external_id, merges.kept_now(session, merge)]
    whom = or_(CUSTOMERS.c.external_id.in_(called), CUSTOMERS.c.id == merge.customer_id)
    ids = list(session.execute(select(CUSTOMERS.c.id).where(mine, whom)).scalars())
    journeys.lock_messages(session, store_id, ids)
    locked = select(CUSTOMERS).where(mine, CUSTOMERS.c.id.in_(ids)).order_by(CUSTOMERS.c.id)
    rows = session.execute(locked.with_for_update()).all()
    by_name = {row.external_id: row for row in rows}
    kept = next((row for row in rows if row.id == merge.customer_id), by_name.get(called[1]))
    return _Names(merge, kept, by_name.get(called[0]))


def _is_erased(session: Session, signer: Signer, store_id: int, external_id: str) -> bool:
    return bool(tombstones.find(session, signer, store_id, [f"id:{external_id}"]))


def _forget_too(session: Session, store_id: int, merged: Row[Any] | None, now: datetime) -> None:
    """Whoever is left was erased here, so nobody may be written to under the other name either."""
    if merged is not None:
        petitions.keep(session, store_id, PrivacyKind.ERASE_CUSTOMER, merged.id, source="storefront", now=now)


def _join(
    session: Session, store: Store, kept: Row[Any], merged: Row[Any], *, merge: CustomerMerge, now: datetime
) -> None:
    """Move everything, let the merged row go, and count the kept one's orders anew."""
    _move(session, store.id, kept, merged, merge=merge, now=now)
    gone = delete(CUSTOMERS).where(CUSTOMERS.c.store_id == store.id, CUSTOMERS.c.id == merged.id)
    session.execute(gone)
    _recount(session, store, kept.id)


def _move(
    session: Session, store_id: int, kept: Row[Any], gone: Any, *, merge: CustomerMerge, now: datetime
) -> None:
    for table, also in MOVED.items():
        mine = (table.c.store_id == store_id, table.c.customer_id == gone.id)
        session.execute(update(table).where(*mine).values(customer_id=kept.id, **also))
    for table in DROPPED:
        session.execute(delete(table).where(table.c.store_id == store_id, table.c.customer_id == gone.id))
    journeys.move(session, store_id, kept.id, gone.id, now=now)
    consents.move(session, store_id, kept, gone, merge_id=merge.id, now=now)
    preferences.move(session, store_id, kept.id, gone.id, now=now)
    _keep_birthday(session, store_id, kept, gone)


def _keep_birthday(session: Session, store_id: int, kept: Row[Any], gone: Any) -> None:
    """A birthday that either of the two had told is known since the earlier telling."""
    if gone.birth_known_at is None or gone.birth_month is None:
        return
    is_same = (CUSTOMERS.c.birth_month == gone.birth_month, CUSTOMERS.c.birth_day == gone.birth_day)
    mine = (CUSTOMERS.c.store_id == store_id, CUSTOMERS.c.id == kept.id)
    later = CUSTOMERS.c.birth_known_at > gone.birth_known_at
    session.execute(
        update(CUSTOMERS).where(*mine, *is_same, later).values(birth_known_at=gone.birth_known_at)
    )


def _recount(session: Session, store: Store, customer_id: int) -> None:
    sums.refresh(session, store.id, [customer_id])
    if scopes.hides_older_orders(store):
        earlier.refresh(session, store.id, [customer_id])


def _announce(session: Session, merge: CustomerMerge, now: datetime) -> None:
    event = NewEvent(
        store_id=merge.store_id,
        customer_id=merge.customer_id or 0,
        type=timeline.MERGED,
        subject=f"customer:{merge.customer_id}",
        source_key=f"{timeline.MERGED}:{merge.id}",
        occurred_at=now,
        details={"external_id": merge.merged_external_id},
    )
    timeline.record(session, [event], now)
