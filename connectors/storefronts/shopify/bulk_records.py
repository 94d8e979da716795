"""The objects of a bulk file → Records, equal to what pages give for the same shop."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from connectors.base import Record, UnreadablePayload
from connectors.storefronts.shopify import bulk, documents, fields, order_nodes
from connectors.storefronts.shopify.admin import Admin
from connectors.storefronts.shopify.bulk_file import Group, children_of
from connectors.storefronts.shopify.customers import customer_node
from connectors.storefronts.shopify.order_nodes import OrderParts
from connectors.storefronts.shopify.products import product_node

Read = list[Record | UnreadablePayload]
T = TypeVar("T")


def customers(_admin: Admin, groups: list[Group]) -> Read:
    """Customers, who have no children."""
    return [_attempt(lambda group: customer_node(group.node), group) for group in groups]


def orders(admin: Admin, groups: list[Group]) -> Read:
    """Orders with their lines; what went back is asked for, ten orders a call."""
    asked = [group.node["id"] for group in groups if _attempt(_has_refund, group) is True]
    refunds = bulk.refunds_of(admin, asked)

    def read(group: Group) -> Record:
        refunded = order_nodes.has_refund(group.node)
        if refunded and group.node["id"] not in refunds:
            raise UnreadablePayload("the order went away while it was read")
        parts = OrderParts(
            lines=children_of(group, "LineItem"),
            parcels=fields.children(group.node, "fulfillments"),
            refunds=refunds[group.node["id"]] if refunded else (),
        )
        return order_nodes.order(group.node, parts)

    return [_attempt(read, group) for group in groups]


def products(admin: Admin, groups: list[Group]) -> Read:
    """Products with their variants and the collections they are in, priced in the shop's currency."""
    shop = fields.required_child(admin.run(documents.IDENTITY), "shop")
    return [
        _attempt(partial(_product, fields.required_text(shop, "currencyCode")), group) for group in groups
    ]


def _has_refund(group: Group) -> bool:
    return bool(fields.required_text(group.node, "id")) and order_nodes.has_refund(group.node)


def _product(currency: str, group: Group) -> Record:
    node = {**group.node, "collections": {"nodes": children_of(group, "Collection")}}
    return product_node(node, children_of(group, "ProductVariant"), currency)


def _attempt(read: Callable[[Group], T], group: Group) -> T | UnreadablePayload:
    """What a reader makes of a group, or what it found wrong, so that one object stops only itself."""
    try:
        return read(group)
    except UnreadablePayload as error:
        return error
