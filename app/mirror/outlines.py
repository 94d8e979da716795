"""Which orders of a listing the mirror does not hold as they are: only those are worth reading whole."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, case, func, select
from sqlalchemy.orm import Session

from app.db import Among, table_of
from app.mirror.order_rows import minor
from app.models import Fulfillment, Order
from connectors.base import OrderOutline

ORDERS, PARCELS = table_of(Order), table_of(Fulfillment)
# News of an arrival do not say when the parcel left: the order's own news of that may have been lost.
_ARE_PARCELS_WHOLE = func.count() == func.count(PARCELS.c.fulfilled_at)
_PARCELS_AT = (
    select(case((_ARE_PARCELS_WHOLE, func.max(PARCELS.c.source_updated_at))))
    .where(PARCELS.c.store_id == ORDERS.c.store_id, PARCELS.c.order_id == ORDERS.c.id)
    .scalar_subquery()
)
_HELD = select(
    ORDERS.c.external_id,
    ORDERS.c.source_updated_at,
    ORDERS.c.status,
    ORDERS.c.financial_status,
    ORDERS.c.fulfillment_status,
    ORDERS.c.currency,
    ORDERS.c.total_minor,
    ORDERS.c.refunded_minor,
    ORDERS.c.deleted_at,
    _PARCELS_AT.label("parcels_at"),
).where(ORDERS.c.store_id == bindparam("store"), Among(ORDERS.c.external_id, "listed"))


def unmirrored(session: Session, store_id: int, outlines: Sequence[OrderOutline]) -> list[str]:
    """The external ids of those that are missing, older than listed, or of the same second but not the same.

    News of a parcel move the last change of its order and come alone: what changed last is held with them.
    An open checkout (draft) is no order yet, so the mirror never holds one.
    """
    placed = [outline for outline in outlines if outline.status != "draft"]
    values = {"store": store_id, "listed": [outline.external_id for outline in placed]}
    held: dict[str, Any] = {row.external_id: row for row in session.execute(_HELD, values)}
    return [one.external_id for one in placed if not _is_mirrored(held.get(one.external_id), one)]


def _is_mirrored(row: Row[Any] | None, outline: OrderOutline) -> bool:
    if row is None or row.deleted_at is not None:
        return False
    if row.source_updated_at > outline.updated_at:
        return True
    return outline.updated_at in (row.source_updated_at, row.parcels_at) and _is_same(row, outline)


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
