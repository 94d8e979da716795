"""Orders asked of the Admin API: whole, some at a time, or many in outline.

Source: Admin GraphQL schema 2026-10. An order in outline costs five points, a whole one some seventy.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from connectors.base import JsonObject, OrderOutline, OutlinePage, Record
from connectors.storefronts.shopify import bulk, documents, fields, order_nodes, orders
from connectors.storefronts.shopify.admin import Admin
from connectors.storefronts.shopify.listing import changed_since, next_cursor, owner_of, page_of, whole
from connectors.storefronts.shopify.order_nodes import OrderParts

_ORDERS_A_CALL = 10
_PARCELS_LISTED = 3


def outlines(
    admin: Admin, cursor: str | None, updated_since: datetime, answer: JsonObject | None = None
) -> OutlinePage:
    """One page of what changed, the longest unchanged first.

    Args:
        answer: the page, where it was asked for before.
    """
    variables = {"after": cursor, "query": changed_since(updated_since)}
    page = page_of(answer or admin.run(documents.ORDER_OUTLINES, variables))
    return OutlinePage(
        outlines=tuple(_outline(node) for node in fields.children(page, "nodes")),
        cursor=next_cursor(page),
    )


def several(admin: Admin, external_ids: Sequence[str]) -> Iterator[tuple[Record, ...]]:
    """Orders by their ids, ten a call; what is gone, or no order any more, is left out."""
    for begin in range(0, len(external_ids), _ORDERS_A_CALL):
        asked = [f"gid://shopify/Order/{one}" for one in external_ids[begin : begin + _ORDERS_A_CALL]]
        listed = admin.run(documents.SEVERAL_ORDERS, {"ids": asked}).get("orders") or []
        nodes = {fields.required_text(node, "id"): node for node in listed if node}
        refunded = [order_id for order_id, node in nodes.items() if order_nodes.has_refund(node)]
        refunds = bulk.refunds_of(admin, refunded)
        # One that went away between the two calls is gone like the others.
        gone = set(refunded) - refunds.keys()
        yield tuple(
            _order(admin, node, refunds.get(order_id, ()))
            for order_id, node in nodes.items()
            if order_id not in gone
        )


def read(admin: Admin, node: JsonObject, _answer: JsonObject) -> Record:
    """The order in a node, with the lists that its answer shows in part."""
    order_id = {"id": fields.required_text(node, "id")}
    return _order(admin, node, _all_refunds(admin, order_id) if order_nodes.has_refund(node) else ())


def _order(admin: Admin, node: JsonObject, refunds: Sequence[JsonObject]) -> Record:
    order_id = {"id": fields.required_text(node, "id")}
    parts = OrderParts(
        lines=whole(admin, fields.required_child(node, "lineItems"), documents.ORDER_LINES, order_id),
        parcels=_all_parcels(admin, node, order_id),
        refunds=refunds,
    )
    return order_nodes.order(node, parts)


def _all_parcels(admin: Admin, node: JsonObject, order_id: dict[str, str]) -> list[JsonObject]:
    """The list has no page after it, so a full one is asked for again, larger."""
    listed = fields.children(node, "fulfillments")
    if len(listed) < _PARCELS_LISTED:
        return listed
    return fields.children(owner_of(admin.run(documents.ORDER_PARCELS, order_id)), "fulfillments")


def _all_refunds(admin: Admin, order_id: dict[str, str]) -> list[JsonObject]:
    return fields.children(owner_of(admin.run(documents.ORDER_REFUNDS, order_id)), "refunds")


def _outline(node: JsonObject) -> OrderOutline:
    currency = fields.required_text(node, "currencyCode")
    return OrderOutline(
        external_id=fields.external_id(node, "id"),
        updated_at=fields.required_moment(node, "updatedAt"),
        financial_status=order_nodes.financial_status(node),
        total=fields.shop_money(node, "totalPriceSet", currency),
        refunded_total=fields.shop_money(node, "totalRefundedSet", currency),
        status=orders.status(fields.moment(node, "cancelledAt"), fields.moment(node, "closedAt")),
        fulfillment_status=orders.fulfillment_status(fields.text(node, "displayFulfillmentStatus")),
    )
