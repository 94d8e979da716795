"""The mutation fields of Shopify's Admin API: discounts, consents, tags."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from graphql import GraphQLResolveInfo

from connectors.sandbox.consents import ConsentState, write_consent
from connectors.sandbox.model import WorldView
from connectors.sandbox.shopify_discounts import create_basic, create_free_shipping
from connectors.sandbox.shopify_nodes import Node, customer_node, tags_of
from connectors.sandbox.shopify_queries import require_scope
from connectors.sandbox.shopify_resources import find_customer

WRITABLE_STATES = frozenset({"SUBSCRIBED", "UNSUBSCRIBED", "PENDING"})
Arguments = Mapping[str, Any]


def _create_discount(info: GraphQLResolveInfo, **arguments: Any) -> Node:
    require_scope(info, "write_discounts")
    return create_basic(info.context.world, arguments["basicCodeDiscount"])


def _create_free_shipping(info: GraphQLResolveInfo, **arguments: Any) -> Node:
    require_scope(info, "write_discounts")
    return create_free_shipping(info.context.world, arguments["freeShippingCodeDiscount"])


def _email_consent(info: GraphQLResolveInfo, **arguments: Any) -> Node:
    asked = arguments["input"]
    return _consent(info, "email", asked["customerId"], asked["emailMarketingConsent"])


def _sms_consent(info: GraphQLResolveInfo, **arguments: Any) -> Node:
    asked = arguments["input"]
    return _consent(info, "sms", asked["customerId"], asked["smsMarketingConsent"])


def _consent(info: GraphQLResolveInfo, channel: str, customer_id: str, asked: Arguments) -> Node:
    require_scope(info, "write_customers")
    world: WorldView = info.context.world
    state = asked["marketingState"]
    shopper = find_customer(world, customer_id)
    if shopper is None:
        return _refused("customerId", "INVALID", "Customer not found")
    if state not in WRITABLE_STATES:
        field = f"{channel}MarketingConsent"
        return _refused(field, "INCLUSION", f"Cannot specify {state} as a marketing state input")
    if channel == "sms" and not shopper.phone:
        message = "A phone number is required to set the SMS consent state."
        return _refused("customerId", "INVALID", message)
    updated_at = asked.get("consentUpdatedAt")
    moment = datetime.fromisoformat(updated_at) if updated_at else world.now
    level = asked.get("marketingOptInLevel")
    write_consent(world, shopper.household, channel, ConsentState(state, level, moment))
    return {"customer": customer_node(world, shopper), "userErrors": []}


def _refused(field: str, code: str, message: str) -> Node:
    return {"customer": None, "userErrors": [{"field": ["input", field], "code": code, "message": message}]}


def _add_tags(info: GraphQLResolveInfo, **arguments: Any) -> Node:
    return _change_tags(info, arguments, lambda old, new: old + [tag for tag in new if tag not in old])


def _remove_tags(info: GraphQLResolveInfo, **arguments: Any) -> Node:
    return _change_tags(info, arguments, lambda old, new: [tag for tag in old if tag not in new])


def _change_tags(
    info: GraphQLResolveInfo, arguments: Arguments, change: Callable[[list[str], list[str]], list[str]]
) -> Node:
    require_scope(info, "write_customers")
    world: WorldView = info.context.world
    shopper = find_customer(world, arguments["id"])
    if shopper is None:
        error = {"field": ["id"], "message": f"Invalid id: {arguments['id']}"}
        return {"node": None, "userErrors": [error]}
    tags = change(tags_of(world, shopper.household), arguments["tags"])
    world.remember("shopify_tags", {"household": shopper.household, "tags": tags})
    return {"node": customer_node(world, shopper), "userErrors": []}


MUTATION_FIELDS: Mapping[str, Callable[..., Node]] = {
    "customerEmailMarketingConsentUpdate": _email_consent,
    "customerSmsMarketingConsentUpdate": _sms_consent,
    "discountCodeBasicCreate": _create_discount,
    "discountCodeFreeShippingCreate": _create_free_shipping,
    "tagsAdd": _add_tags,
    "tagsRemove": _remove_tags,
}
