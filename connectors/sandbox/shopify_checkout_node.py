"""Shopify's GraphQL checkout as a plain dict, as of now.

Source: AbandonedCheckout of the Admin schema 2026-10.
"""

from functools import partial

from connectors.sandbox.forms import gid, gid_number, zulu
from connectors.sandbox.model import SHOPIFY, Checkout, Line, WorldView
from connectors.sandbox.shopify_checkouts import recovery_url
from connectors.sandbox.shopify_nodes import Node, connection_of
from connectors.sandbox.shopify_order_node import bag
from connectors.sandbox.shopify_resources import Caller, listed
from connectors.sandbox.shopify_search import Resource


def checkout_node(world: WorldView, checkout: Checkout) -> Node:
    """A checkout as GraphQL answers it, as of now; `household` leads the schema to the customer."""
    completed = checkout.completed_at
    return {
        "__typename": "AbandonedCheckout",
        "id": gid("AbandonedCheckout", checkout.number),
        "name": f"#{checkout.number}",
        "household": checkout.household,
        "abandonedCheckoutUrl": recovery_url(checkout),
        "completedAt": zulu(completed) if completed is not None and completed <= world.now else None,
        "createdAt": zulu(checkout.started_at),
        "updatedAt": zulu(checkout.updated_at(world.now)),
        "discountCodes": [],
        "note": "",
        "taxesIncluded": False,
        "subtotalPriceSet": bag(checkout.total_minor),
        "totalPriceSet": bag(checkout.total_minor),
        "lineItems": connection_of(checkout.lines, partial(_line_node, world)),
    }


def find_checkout(world: WorldView, external_id: str) -> Checkout | None:
    """The checkout of a global id."""
    number = gid_number(external_id, "AbandonedCheckout")
    checkout = world.checkout(number) if number is not None else None
    return checkout if checkout is not None and checkout.platform == SHOPIFY else None


def checkouts(caller: Caller) -> Resource:
    """The checkouts in which somebody left an address, those that became orders among them."""
    world = caller.world

    def checkout(number: int) -> Checkout:
        return listed(world.checkout(number))

    return Resource(
        ids=partial(world.checkout_ids, SHOPIFY),
        values={
            "id": lambda number: number,
            "updated_at": lambda number: checkout(number).updated_at(world.now),
            "created_at": lambda number: checkout(number).started_at,
        },
    )


def _line_node(world: WorldView, line: Line) -> Node:
    product = world.product(line.product_id)
    return {
        "__typename": "AbandonedCheckoutLineItem",
        "id": gid("AbandonedCheckoutLineItem", line.line_id),
        "product_id": line.product_id,
        "title": product.title if product else f"Product {line.product_id}",
        "quantity": line.quantity,
        "sku": f"SKU-{line.product_id}",
        "variantTitle": None,
        "discountedTotalPriceSet": bag(line.total_minor),
        "originalTotalPriceSet": bag(line.total_minor + line.discount_minor),
    }
