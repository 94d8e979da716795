"""OrderRecords become orders with lines, refunds and parcels, and entries of the timeline."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app import timeline
from app.customers import Person
from app.db import Among, table_of, upsert
from app.mirror import order_parts, order_rows, redemptions, sums
from app.mirror.order_rows import Held, MirroredOrder
from app.models import Order
from app.timeline import NewEvent
from connectors.base import OrderRecord

ORDERS = table_of(Order)
_KEY = ("store_id", "external_id")
_UPDATED = tuple(column.name for column in ORDERS.columns if column.name not in order_rows.KEPT)
_NAMED = (ORDERS.c.store_id == bindparam("store_id"), Among(ORDERS.c.external_id, "external_ids"))
_HELD = select(ORDERS).where(*_NAMED).order_by(ORDERS.c.id).with_for_update()
_IDS = select(ORDERS.c.external_id, ORDERS.c.id).where(*_NAMED)
_COMPARED = tuple(name for name in _UPDATED if name != "is_attribution_due")


def upsert_orders(
    session: Session,
    store_id: int,
    records: Sequence[OrderRecord],
    *,
    buyers: Mapping[str, Person],
    now: datetime,
    history_until: datetime | None = None,
) -> int:
    """Mirror orders and return how many were new or changed; news older than the row is ignored.

    Args:
        records: real orders; drafts (an open checkout) are none yet.
        buyers: who placed them, mirrored before, by the orders' external ids.
    """
    newest = order_rows.newest_by_id(records)
    if not newest:
        return 0
    held = _held(session, store_id, list(newest))
    rows = _rows(store_id, newest, held, buyers)
    written = upsert(
        session,
        ORDERS,
        list(rows.values()),
        key=_KEY,
        update=_UPDATED,
        newer_by="source_updated_at",
        returning=(ORDERS.c.external_id, ORDERS.c.id),
    )
    ids = {row.external_id: row.id for row in written}
    mirrored = _mirrored(session, store_id, rows, held=held, newest=newest, ids=ids)
    order_parts.write(session, store_id, mirrored)
    _tell(session, store_id, mirrored, now, history_until=history_until)
    redemptions.mark(session, store_id, mirrored, now, history_until=history_until)
    sums.refresh(session, store_id, [person for order in mirrored for person in _whose_sums(order)])
    return len(mirrored)


def _held(session: Session, store_id: int, external_ids: list[str]) -> dict[str, Held]:
    """The rows that exist, locked against other workers."""
    names = ORDERS.columns.keys()
    found = session.execute(_HELD, {"store_id": store_id, "external_ids": external_ids}).all()
    return {row.external_id: dict(zip(names, row, strict=True)) for row in found}


def _rows(
    store_id: int,
    newest: dict[str, OrderRecord],
    held: dict[str, Held],
    buyers: Mapping[str, Person],
) -> dict[str, dict[str, Any]]:
    rows = {}
    for external_id, record in newest.items():
        old = held.get(external_id)
        if old is not None and old["source_updated_at"] > record.updated_at:
            late = order_rows.with_late_payment(record, old)
            if late is not None:
                rows[external_id] = _row(store_id, external_id, old, late)
            continue
        person = buyers.get(external_id)
        values = order_rows.values(record, old, person.id if person else None)
        if old is None or any(values[name] != old[name] for name in _COMPARED):
            rows[external_id] = _row(store_id, external_id, old, values)
    return rows


def _row(store_id: int, external_id: str, old: Held | None, values: dict[str, Any]) -> dict[str, Any]:
    is_paired = False if old is None else old["is_paired"]
    return {"store_id": store_id, "external_id": external_id, "is_paired": is_paired, **values}


def _mirrored(
    session: Session,
    store_id: int,
    rows: dict[str, dict[str, Any]],
    *,
    held: dict[str, Held],
    newest: dict[str, OrderRecord],
    ids: Mapping[str, int],
) -> list[MirroredOrder]:
    """What was written; with the ids of rows that another worker wrote meanwhile, and with later news."""
    known = {**{external_id: row["id"] for external_id, row in held.items()}, **ids}
    lacking = [external_id for external_id in rows if external_id not in known]
    if lacking:
        found = session.execute(_IDS, {"store_id": store_id, "external_ids": lacking})
        known |= {row.external_id: row.id for row in found}
    return [
        MirroredOrder(
            id=known[external_id],
            external_id=external_id,
            customer_id=values["customer_id"],
            old=held.get(external_id),
            values=values,
            record=newest[external_id],
        )
        for external_id, values in sorted(rows.items())
    ]


_SUMMED = ("is_counted", "total_minor", "refunded_minor", "is_discounted", "paid_at", "customer_id")


def _whose_sums(order: MirroredOrder) -> list[int]:
    """The customers whose sums an order changed: its own, and the one it belonged to before."""
    if order.old is not None and all(order.values[name] == order.old[name] for name in _SUMMED):
        return []
    before = order.old["customer_id"] if order.old is not None else None
    return [person for person in {order.customer_id, before} if person is not None]


_MOMENTS = (
    ("order.placed", "placed_at"),
    ("order.paid", "paid_at"),
    ("order.fulfilled", "fulfilled_at"),
    ("order.delivered", "delivered_at"),
    ("order.cancelled", "cancelled_at"),
)


def _tell(
    session: Session,
    store_id: int,
    mirrored: Sequence[MirroredOrder],
    now: datetime,
    *,
    history_until: datetime | None,
) -> None:
    """Timeline entries for each moment of an order's life that became known now."""
    events = []
    for order in mirrored:
        if order.customer_id is None or order.record.is_test:
            continue
        for kind, name in _MOMENTS:
            moment = order.values[name]
            if moment is not None and (order.old is None or order.old[name] is None):
                events.append(event_of(store_id, order, kind, moment, history_until=history_until))
        refunded = order.values["refunded_minor"]
        if refunded > (order.old["refunded_minor"] if order.old else 0):
            moment = order_rows.refunded_at(order.record)
            events.append(event_of(store_id, order, "order.refunded", moment, history_until=history_until))
    timeline.record(session, events, now)


def event_of(
    store_id: int, order: MirroredOrder, kind: str, occurred_at: datetime, *, history_until: datetime | None
) -> NewEvent:
    """One timeline entry about an order; refunds are told once per refunded sum."""
    suffix = f":{order.values['refunded_minor']}" if kind == "order.refunded" else ""
    return NewEvent(
        store_id=store_id,
        customer_id=order.customer_id or 0,
        type=kind,
        subject=f"order:{order.external_id}",
        source_key=f"{kind}:{order.external_id}{suffix}",
        occurred_at=occurred_at,
        details={"order_id": order.id, "total_minor": order.values["total_minor"]},
        is_history=timeline.is_history(occurred_at, history_until),
    )
