"""Lines, refunds and parcels of mirrored orders."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete
from sqlalchemy.orm import Session

from app.db import Among, insert_rows, table_of, upsert
from app.mirror.order_rows import MirroredOrder, minor
from app.models import Fulfillment, OrderLine, Refund

LINES, REFUNDS, PARCELS = table_of(OrderLine), table_of(Refund), table_of(Fulfillment)
_KEY = ("store_id", "order_id", "external_id")
_WITHOUT_LINES = delete(LINES).where(LINES.c.store_id == bindparam("store"), Among(LINES.c.order_id, "ids"))


def write(session: Session, store_id: int, mirrored: Sequence[MirroredOrder]) -> None:
    """Write the parts that the payloads carried; parts that they did not carry stay as they are."""
    mirrored = [order for order in mirrored if not order.is_late]
    changed = [order for order in mirrored if order.record.lines is not None and _has_new_lines(order)]
    _replace_lines(session, store_id, changed)
    refunds = [row for order in mirrored for row in _refunds(store_id, order)]
    upsert(session, REFUNDS, refunds, key=_KEY, update=("amount_minor", "refunded_at"))
    parcels = [row for order in mirrored for row in _parcels(store_id, order)]
    upsert(
        session,
        PARCELS,
        parcels,
        key=_KEY,
        update=("status", "fulfilled_at", "delivered_at", "source_updated_at"),
        newer_by="source_updated_at",
    )


def _has_new_lines(order: MirroredOrder) -> bool:
    return order.old is None or order.old["lines_digest"] != order.values["lines_digest"]


def _replace_lines(session: Session, store_id: int, changed: Sequence[MirroredOrder]) -> None:
    existing = [order.id for order in changed if order.old is not None]
    if existing:
        session.execute(_WITHOUT_LINES, {"store": store_id, "ids": existing})
    rows = [row for order in changed for row in _lines(store_id, order)]
    insert_rows(session, LINES, rows)


def _lines(store_id: int, order: MirroredOrder) -> list[dict[str, Any]]:
    by_id = {line.external_id: line for line in order.record.lines or ()}
    return [
        {
            "store_id": store_id,
            "order_id": order.id,
            "external_id": line.external_id,
            "product_external_id": line.product_external_id,
            "variant_external_id": line.variant_external_id,
            "title": line.title[:500],
            "quantity": line.quantity,
            "current_quantity": line.quantity if line.current_quantity is None else line.current_quantity,
            "total_minor": minor(line.total),
        }
        for line in by_id.values()
    ]


def _refunds(store_id: int, order: MirroredOrder) -> list[dict[str, Any]]:
    return [
        {
            "store_id": store_id,
            "order_id": order.id,
            "external_id": refund.external_id,
            "amount_minor": minor(refund.amount),
            "refunded_at": refund.refunded_at,
        }
        for refund in order.record.refunds or ()
    ]


def _parcels(store_id: int, order: MirroredOrder) -> list[dict[str, Any]]:
    return [
        {
            "store_id": store_id,
            "order_id": order.id,
            "external_id": parcel.external_id,
            "status": parcel.status,
            "fulfilled_at": parcel.fulfilled_at,
            "delivered_at": parcel.delivered_at,
            "source_updated_at": order.record.updated_at,
        }
        for parcel in order.record.fulfillments or ()
    ]
