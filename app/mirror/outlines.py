"""Which orders of a listing the mirror does not hold as they are: only those are worth reading whole."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.orm import Session

from app.db import table_of
from app.mirror.order_rows import minor
from app.models import Order
from connectors.base import OrderOutline

ORDERS = table_of(Order)
_COMPARED: Sequence[ColumnElement[Any]] = (
    ORDERS.c.external_id,
    ORDERS.c.source_updated_at,
    ORDERS.c.status,
    ORDERS.c.financial_status,
    ORDERS.c.fulfillment_status,
    ORDERS.c.currency,
    ORDERS.c.total_minor,
    ORDERS.c.refunded_minor,
    ORDERS.c.deleted_at,
)


def unmirrored(session: Session, store_id: int, outlines: Sequence[OrderOutline]) -> list[str]:
    """The external ids of those that are missing, older than listed, or of the same second but not the same.

    An open checkout (draft) is no order yet, so the mirror never holds one.
    """
    placed = [outline for outline in outlines if outline.status != "draft"]
    statement = select(*_COMPARED).where(
        ORDERS.c.store_id == store_id, ORDERS.c.external_id.in_([outline.external_id for outline in placed])
    )
    held = {row.external_id: row for row in session.execute(statement)}
    return [one.external_id for one in placed if not _is_mirrored(held.get(one.external_id), one)]


def _is_mirrored(row: Row[Any] | None, outline: OrderOutline) -> bool:
    if row is None or row.deleted_at is not None or row.source_updated_at < outline.updated_at:
        return False
    return row.source_updated_at > outline.updated_at or _is_same(row, outline)


def _is_same(row: Row[Any], outline: OrderOutline) -> bool:
    """Whether what the platform says agrees with the row; what it does not say is not compared."""
    told = (
        (row.status, outline.status),
        (row.financial_status, outline.financial_status),
        (row.fulfillment_status, outline.fulfillment_status),
        (row.currency, outline.total.currency),
        (row.total_minor, minor(outline.total)),
        (row.refunded_minor, minor(outline.refunded_total) if outline.refunded_total else None),
    )
    return all(ours == theirs for ours, theirs in told if theirs is not None)
