"""How checkouts end: by the order that they become, or by an hour without one."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select, union
from sqlalchemy.orm import Session

from app import timeline, timers
from app.customers import Person, baskets
from app.db import Among, table_of, update_rows
from app.mirror.checkout_people import owners_of
from app.models import Checkout, Store
from app.timeline import NewEvent
from app.timers import NewTimer
from connectors.base import OrderRecord

CHECKOUTS = table_of(Checkout)
STARTED, ABANDONED = "checkout.started", "checkout.abandoned"
TIMER_KIND = "checkout"
PATIENCE = timedelta(hours=1)
"""How long a checkout rests before it counts as abandoned. Source: the recipe "Abandoned checkout" (B8)."""
_SOUGHT = CHECKOUTS.alias()
_OF_STORE = (_SOUGHT.c.store_id == bindparam("store_id"), _SOUGHT.c.completed_at.is_(None))
_OPEN = (
    select(CHECKOUTS)
    .where(
        CHECKOUTS.c.completed_at.is_(None),
        CHECKOUTS.c.id.in_(
            union(
                select(_SOUGHT.c.id).where(*_OF_STORE, Among(_SOUGHT.c.token, "tokens")),
                select(_SOUGHT.c.id).where(*_OF_STORE, Among(_SOUGHT.c.customer_id, "people")),
                select(_SOUGHT.c.id).where(*_OF_STORE, Among(_SOUGHT.c.email, "emails")),
            )
        ),
    )
    .order_by(CHECKOUTS.c.id)
    .with_for_update()
)
_OPEN_AMONG = (
    select(CHECKOUTS)
    .where(
        CHECKOUTS.c.store_id == bindparam("store_id"),
        Among(CHECKOUTS.c.id, "checkouts"),
        CHECKOUTS.c.completed_at.is_(None),
        CHECKOUTS.c.deleted_at.is_(None),
        CHECKOUTS.c.abandoned_at.is_(None),
    )
    .order_by(CHECKOUTS.c.id)
    .with_for_update()
)


def complete(
    session: Session, store_id: int, placed: Iterable[OrderRecord], buyers: Mapping[str, Person]
) -> None:
    """End the open checkouts that orders come from: by their token, or because their person bought since.

    Args:
        placed: orders as the storefront tells them.
        buyers: who placed them, by the orders' external ids.
    """
    bought = sorted(filter(_is_bought, placed), key=lambda record: record.placed_at)
    tokens = {record.checkout_token for record in bought if record.checkout_token}
    people = [buyers[record.external_id] for record in bought if record.external_id in buyers]
    if not tokens and not people:
        return
    asked = {
        "store_id": store_id,
        "tokens": sorted(tokens),
        "people": sorted({person.id for person in people}),
        "emails": sorted({person.email for person in people if person.email}),
    }
    ends = []
    for row in session.execute(_OPEN, asked):
        record = next((one for one in bought if _comes_from(row, one, buyers.get(one.external_id))), None)
        if record is not None:
            ends.append(_ended(row, (record.placed_at, record.external_id)))
    update_rows(session, CHECKOUTS, ends)


def wait(session: Session, store: Store, rows: Iterable[Row[Any]]) -> None:
    """Set the hour of open checkouts; those begun before the install are history and wait for nothing."""
    waiting = [
        NewTimer(store.id, row.source_updated_at + PATIENCE, TIMER_KIND, row.id)
        for row in rows
        if row.completed_at is None and not timeline.is_history(row.started_at, store.installed_at)
    ]
    timers.set_timers(session, waiting)


def settle(session: Session, store: Store, checkout_ids: Sequence[int], now: datetime) -> int:
    """See what became of checkouts whose hour is over; how many were abandoned.

    One that somebody was busy with meanwhile gets another hour. One whose owner the store does not know is
    abandoned in silence.
    """
    rows = _still_open(session, store.id, checkout_ids)
    if any(row.customer_id is None for row in rows) and _give_to_owners(session, store.id, rows):
        rows = _still_open(session, store.id, checkout_ids)
    wait(session, store, [row for row in rows if _rested_at(row) > now])
    rested = [row for row in rows if _rested_at(row) <= now]
    ends = baskets.orders_since(session, store.id, rested)
    update_rows(
        session, CHECKOUTS, [_ended(row, ends[row.external_id]) for row in rested if row.external_id in ends]
    )
    left = [row for row in rested if row.external_id not in ends]
    marks = [{"store_id": row.store_id, "id": row.id, "abandoned_at": _rested_at(row)} for row in left]
    update_rows(session, CHECKOUTS, marks)
    told = [*_entries(store, STARTED, rested), *_entries(store, ABANDONED, left)]
    timeline.record(session, told, now)
    return len(left)


def mark_deleted(session: Session, store_id: int, external_id: str, now: datetime) -> None:
    """The storefront no longer has the checkout, so that nothing can be restored."""
    session.execute(
        CHECKOUTS.update()
        .where(CHECKOUTS.c.store_id == store_id, CHECKOUTS.c.external_id == external_id)
        .values(deleted_at=now, recovery_url=None)
    )


def tell(session: Session, store: Store, kind: str, rows: Iterable[Row[Any]], *, now: datetime) -> None:
    """Write into the timeline that checkouts were begun or abandoned; once each, of known customers."""
    timeline.record(session, _entries(store, kind, rows), now)


def _entries(store: Store, kind: str, rows: Iterable[Row[Any]]) -> list[NewEvent]:
    return [
        NewEvent(
            store_id=store.id,
            customer_id=row.customer_id,
            type=kind,
            subject=f"checkout:{row.external_id}",
            source_key=f"{kind}:{row.external_id}",
            occurred_at=row.started_at if kind == STARTED else _rested_at(row),
            details={"checkout_id": row.id, "total_minor": row.total_minor, "currency": row.currency},
            is_history=timeline.is_history(row.started_at, store.installed_at),
        )
        for row in rows
        if row.customer_id is not None
    ]


def _is_bought(record: OrderRecord) -> bool:
    return record.financial_status != baskets.UNBOUGHT and not record.is_test


def _comes_from(row: Row[Any], record: OrderRecord, buyer: Person | None) -> bool:
    if row.token is not None and row.token == record.checkout_token:
        return True
    is_theirs = buyer is not None and (
        row.customer_id == buyer.id or (row.email is not None and row.email == buyer.email)
    )
    return is_theirs and record.placed_at >= row.started_at


def _ended(row: Row[Any], end: baskets.End) -> dict[str, Any]:
    placed_at, order_id = end
    ended = {"completed_at": placed_at, "order_external_id": order_id, "recovery_url": None}
    return {"store_id": row.store_id, "id": row.id, **ended}


def _rested_at(row: Row[Any]) -> datetime:
    moment: datetime = row.source_updated_at + PATIENCE
    return moment


def _still_open(session: Session, store_id: int, checkout_ids: Sequence[int]) -> Sequence[Row[Any]]:
    return session.execute(_OPEN_AMONG, {"store_id": store_id, "checkouts": checkout_ids}).all()


def _give_to_owners(session: Session, store_id: int, rows: Iterable[Row[Any]]) -> int:
    """The customer may have come later than the checkout; of how many."""
    strangers = [row for row in rows if row.customer_id is None]
    owners = owners_of(session, store_id, strangers)
    found = [
        {"store_id": store_id, "id": row.id, "customer_id": owner}
        for row in strangers
        if (owner := owners.of(row)) is not None
    ]
    update_rows(session, CHECKOUTS, found)
    return len(found)
