"""Parcels (Shopify's fulfillments) → Records, and what all parcels together say of their order."""

from collections.abc import Sequence
from datetime import datetime

from connectors.base import FulfillmentRecord, FulfillmentUpdate, JsonObject, Record
from connectors.storefronts.shopify import fields


def changed(body: JsonObject, _triggered_at: datetime | None) -> list[Record]:
    """Read fulfillments/create and fulfillments/update."""
    return [
        FulfillmentUpdate(
            order_external_id=fields.external_id(body, "order_id"),
            fulfillment=parcel(body),
            updated_at=fields.required_moment(body, "updated_at"),
        )
    ]


def event_happened(body: JsonObject, _triggered_at: datetime | None) -> list[Record]:
    """Read fulfillment_events/create; only the arrival is news, the rest is on its way."""
    if fields.required_text(body, "status") != _DELIVERED:
        return []
    happened_at = fields.required_moment(body, "happened_at")
    arrived = FulfillmentRecord(
        external_id=fields.external_id(body, "fulfillment_id"),
        status=_DELIVERED,
        fulfilled_at=None,
        delivered_at=happened_at,
    )
    return [
        FulfillmentUpdate(
            order_external_id=fields.external_id(body, "order_id"),
            fulfillment=arrived,
            updated_at=fields.moment(body, "updated_at") or happened_at,
        )
    ]


def parcel(source: JsonObject) -> FulfillmentRecord:
    """A parcel as a webhook writes it; its last change is the arrival once it is delivered."""
    status = (fields.text(source, "shipment_status") or fields.text(source, "status") or "").lower()
    lost = (fields.text(source, "status") or "").lower()
    if lost in _LOST:
        status = lost
    return FulfillmentRecord(
        external_id=fields.external_id(source, "id"),
        status=_SAME.get(status, status),
        fulfilled_at=fields.moment(source, "created_at"),
        delivered_at=fields.moment(source, "updated_at") if status == _DELIVERED else None,
    )


def parcel_node(node: JsonObject) -> FulfillmentRecord:
    """A parcel as GraphQL answers it."""
    status = (fields.text(node, "displayStatus") or "").lower()
    return FulfillmentRecord(
        external_id=fields.external_id(node, "id"),
        status=_SAME.get(status, status),
        fulfilled_at=fields.moment(node, "createdAt"),
        delivered_at=fields.moment(node, "deliveredAt"),
    )


def last_fulfilled_at(parcels: Sequence[FulfillmentRecord]) -> datetime | None:
    """When the last parcel left, or None without a parcel."""
    moments = [one.fulfilled_at for one in _on_their_way(parcels) if one.fulfilled_at is not None]
    return max(moments, default=None)


def last_delivered_at(parcels: Sequence[FulfillmentRecord]) -> datetime | None:
    """When the last parcel arrived, or None while one has not."""
    moments = [one.delivered_at for one in _on_their_way(parcels)]
    known = [arrived_at for arrived_at in moments if arrived_at is not None]
    return max(known) if known and len(known) == len(moments) else None


_DELIVERED = "delivered"
_LOST = frozenset({"cancelled", "canceled", "error", "failure"})
# GraphQL and REST spell one thing in two ways; "fulfilled" is REST's "success".
_SAME = {"canceled": "cancelled", "error": "failure", "fulfilled": "success"}


def _on_their_way(parcels: Sequence[FulfillmentRecord]) -> list[FulfillmentRecord]:
    return [one for one in parcels if one.status not in _LOST]
