"""News of parcels and refunds that arrive apart from their order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, select
from sqlalchemy.orm import Session

from app import timeline
from app.db import Among, table_of, update_rows, upsert
from app.mirror import sums
from app.mirror.order_rows import PARTLY_SENT, is_counted, minor
from app.models import Fulfillment, Order, Refund
from app.timeline import NewEvent
from connectors.base import FulfillmentUpdate, RefundUpdate

ORDERS, PARCELS, REFUNDS = table_of(Order), table_of(Fulfillment), table_of(Refund)
_KEY = ("store_id", "order_id", "external_id")
_TOLD_OF = (
    select(ORDERS)
    .where(ORDERS.c.store_id == bindparam("store"), Among(ORDERS.c.external_id, "names"))
    .order_by(ORDERS.c.id)
    .with_for_update()
)
_PARCELS_OF = select(
    PARCELS.c.order_id, PARCELS.c.status, PARCELS.c.fulfilled_at, PARCELS.c.delivered_at
).where(PARCELS.c.store_id == bindparam("store"), Among(PARCELS.c.order_id, "ids"))
_REFUNDS_OF = (
    select(
        REFUNDS.c.order_id,
        func.sum(REFUNDS.c.amount_minor).label("minor"),
        func.max(REFUNDS.c.refunded_at).label("at"),
    )
    .where(REFUNDS.c.store_id == bindparam("store"), Among(REFUNDS.c.order_id, "ids"))
    .group_by(REFUNDS.c.order_id)
)
LOST = frozenset({"cancelled", "failure"})
"""A parcel's `status` when it will never arrive."""


class OrderNotMirrored(Exception):
    """The news is about an order that has not arrived yet; try again later."""


def apply_updates(
    session: Session, store_id: int, updates: Sequence[FulfillmentUpdate | RefundUpdate], now: datetime
) -> None:
    """Write parcels and refunds, then the order's own moments and sums.

    Raises:
        OrderNotMirrored: an order is unknown; nothing of the batch may be committed.
    """
    if not updates:
        return
    orders = _orders(session, store_id, {news.order_external_id for news in updates})
    _write_parcels(session, store_id, orders, updates)
    _write_refunds(session, store_id, orders, updates)
    events = _settle(session, store_id, orders)
    timeline.record(session, events, now)
    refunded = {news.order_external_id for news in updates if isinstance(news, RefundUpdate)}
    sums.refresh(session, store_id, [orders[external_id].customer_id for external_id in sorted(refunded)])


def _orders(session: Session, store_id: int, external_ids: set[str]) -> dict[str, Row[Any]]:
    rows = session.execute(_TOLD_OF, {"store": store_id, "names": sorted(external_ids)})
    found = {row.external_id: row for row in rows}
    missing = external_ids - found.keys()
    if missing:
        raise OrderNotMirrored(f"order {min(missing)} has not arrived yet")
    return found


def _write_parcels(
    session: Session,
    store_id: int,
    orders: dict[str, Row[Any]],
    updates: Sequence[FulfillmentUpdate | RefundUpdate],
) -> None:
    newest: dict[tuple[int, str], dict[str, Any]] = {}
    for news in sorted(updates, key=lambda item: item.updated_at):
        if isinstance(news, FulfillmentUpdate):
            parcel, order_id = news.fulfillment, orders[news.order_external_id].id
            newest[(order_id, parcel.external_id)] = {
                "store_id": store_id,
                "order_id": order_id,
                "external_id": parcel.external_id,
                "status": parcel.status,
                "fulfilled_at": parcel.fulfilled_at,
                "delivered_at": parcel.delivered_at,
                "source_updated_at": news.updated_at,
            }
    names = ("status", "delivered_at", "source_updated_at")
    for is_told, columns in ((True, (*names, "fulfilled_at")), (False, names)):
        # News of an arrival do not say when the parcel left.
        rows = [row for row in newest.values() if (row["fulfilled_at"] is not None) == is_told]
        upsert(session, PARCELS, rows, key=_KEY, update=columns, newer_by="source_updated_at")


def _write_refunds(
    session: Session,
    store_id: int,
    orders: dict[str, Row[Any]],
    updates: Sequence[FulfillmentUpdate | RefundUpdate],
) -> None:
    rows = {
        (orders[news.order_external_id].id, news.refund.external_id): {
            "store_id": store_id,
            "order_id": orders[news.order_external_id].id,
            "external_id": news.refund.external_id,
            "amount_minor": minor(news.refund.amount),
            "refunded_at": news.refund.refunded_at,
        }
        for news in updates
        if isinstance(news, RefundUpdate)
    }
    upsert(session, REFUNDS, list(rows.values()), key=_KEY, update=("amount_minor", "refunded_at"))


def _settle(session: Session, store_id: int, orders: dict[str, Row[Any]]) -> list[NewEvent]:
    """Carry the parts' news to the orders' rows; return what the timeline must learn."""
    ids = sorted(order.id for order in orders.values())
    asked = {"store": store_id, "ids": ids}
    parcels: dict[int, list[Any]] = {}
    for parcel in session.execute(_PARCELS_OF, asked):
        parcels.setdefault(parcel.order_id, []).append(parcel)
    refunds = {row.order_id: row for row in session.execute(_REFUNDS_OF, asked)}
    events: list[NewEvent] = []
    rows: list[dict[str, Any]] = []
    for order in sorted(orders.values(), key=lambda order: order.id):
        refund = refunds.get(order.id)
        values = _values(order, parcels.get(order.id, []), int(refund.minor) if refund else 0)
        rows.append({"store_id": store_id, "id": order.id, **values})
        events += _events(store_id, order, values, refund.at if refund else None)
    update_rows(session, ORDERS, rows)
    return events


def _values(order: Row[Any], parcels: Sequence[Any], refunded: int) -> dict[str, Any]:
    fulfilled_at, delivered_at = _moments(order, parcels)
    values: dict[str, Any] = {
        "fulfilled_at": order.fulfilled_at or fulfilled_at,
        "delivered_at": order.delivered_at or delivered_at,
        "refunded_minor": max(order.refunded_minor, refunded),
    }
    values["is_counted"] = is_counted({**order._mapping, **values})
    values["is_attribution_due"] = _is_due(order, values)
    return values


def _moments(order: Row[Any], parcels: Sequence[Any]) -> tuple[datetime | None, datetime | None]:
    """When the last parcel left and arrived; an order that is sent in part has parcels to come."""
    if order.fulfillment_status == PARTLY_SENT:
        return None, None
    coming = [parcel for parcel in parcels if parcel.status not in LOST]
    left = [parcel.fulfilled_at for parcel in coming if parcel.fulfilled_at]
    arrived = [parcel.delivered_at for parcel in coming if parcel.delivered_at]
    has_arrived = len(arrived) == len(coming)
    return max(left, default=None), max(arrived, default=None) if has_arrived else None


def _is_due(order: Row[Any], values: dict[str, Any]) -> bool:
    is_changed = values["refunded_minor"] != order.refunded_minor
    return bool(order.is_attribution_due or (is_changed and order.paid_at is not None))


def _events(
    store_id: int, order: Row[Any], values: dict[str, Any], refunded_at: datetime | None
) -> list[NewEvent]:
    if order.customer_id is None or order.is_test:
        return []
    told: list[tuple[str, datetime, str]] = []
    for kind, name in (("order.fulfilled", "fulfilled_at"), ("order.delivered", "delivered_at")):
        if values[name] is not None and order._mapping[name] is None:
            told.append((kind, values[name], ""))
    if values["refunded_minor"] > order.refunded_minor and refunded_at is not None:
        told.append(("order.refunded", refunded_at, f":{values['refunded_minor']}"))
    return [
        NewEvent(
            store_id=store_id,
            customer_id=order.customer_id,
            type=kind,
            subject=f"order:{order.external_id}",
            source_key=f"{kind}:{order.external_id}{suffix}",
            occurred_at=moment,
            details={"order_id": order.id, "total_minor": order.total_minor},
        )
        for kind, moment, suffix in told
    ]
