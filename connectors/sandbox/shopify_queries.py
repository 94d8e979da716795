"""The query fields of Shopify's Admin API: lists, single objects, counts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

from connectors.sandbox.forms import gid, gid_number, zulu
from connectors.sandbox.model import CURRENCY, SHOPIFY, SHOPIFY_SHOP, TIMEZONE
from connectors.sandbox.shopify_bulk_fields import bulk_operation
from connectors.sandbox.shopify_checkout_node import checkout_node, checkouts, find_checkout
from connectors.sandbox.shopify_discounts import discount_node, discount_node_by_code
from connectors.sandbox.shopify_nodes import Node, connection_of, customer_node, product_node
from connectors.sandbox.shopify_order_node import order_node
from connectors.sandbox.shopify_resources import (
    RECENT_DAYS,
    Caller,
    customers,
    find_customer,
    find_order,
    find_product,
    listed,
    orders,
    products,
)
from connectors.sandbox.shopify_search import (
    MAX_PAGE,
    BadArgumentError,
    ListArguments,
    Resource,
    count,
    search,
)
from connectors.sandbox.shopify_shop import SHOP_EMAIL, SHOP_ID, SHOP_NAME

SCOPES_URL = "https://shopify.dev/api/usage/access-scopes"


def require_scope(info: GraphQLResolveInfo, scope: str) -> None:
    """Refuse a field whose scope the token lacks; a write scope includes the read scope.

    Raises:
        GraphQLError: code ACCESS_DENIED.
    """
    granted = info.context.scopes
    if scope in granted or scope.replace("read_", "write_") in granted:
        return
    needed = f"`{scope}` access scope."
    raise GraphQLError(
        f"Access denied for {info.field_name} field. Required access: {needed}",
        extensions={"code": "ACCESS_DENIED", "documentation": SCOPES_URL, "requiredAccess": needed},
    )


def _customer_of(caller: Caller, number: int) -> Node:
    return customer_node(caller.world, listed(caller.world.shopper(number)))


def _order_of(caller: Caller, number: int) -> Node:
    return order_node(caller.world, listed(caller.world.order(number)))


def _product_of(caller: Caller, number: int) -> Node:
    return product_node(listed(caller.world.product(number)))


def _checkout_of(caller: Caller, number: int) -> Node:
    return checkout_node(caller.world, listed(caller.world.checkout(number)))


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    scope: str
    resource: Callable[[Caller], Resource]
    node: Callable[[Caller, int], Node]


_KINDS = (
    _Kind("customers", "read_customers", customers, _customer_of),
    _Kind("orders", "read_orders", orders, _order_of),
    _Kind("products", "read_products", products, _product_of),
    _Kind("abandonedCheckouts", "read_orders", checkouts, _checkout_of),
)


def _visible(kind: _Kind, caller: Caller, query: str | None) -> str | None:
    """The search, narrowed to the orders that the token may see."""
    if kind.name != "orders" or "read_all_orders" in caller.scopes:
        return query
    return f"{query or ''} created_at:>='{zulu(caller.world.now - timedelta(days=RECENT_DAYS))}'"


def _list(kind: _Kind, info: GraphQLResolveInfo, **arguments: Any) -> Node:
    require_scope(info, kind.scope)
    caller: Caller = info.context
    if caller.page is not None:
        # In bulk Shopify reads all, in the order of the ids, whatever page is asked for.
        arguments |= {"first": MAX_PAGE, "after": caller.page.after, "reverse": False, "sortKey": "ID"}
    query = _visible(kind, caller, arguments.get("query"))
    asked = ListArguments(
        first=arguments.get("first"),
        after=arguments.get("after"),
        query=query,
        reverse=bool(arguments.get("reverse")),
        sort_key=str(arguments.get("sortKey", "ID")),
    )
    try:
        page = search(kind.resource(caller), asked)
    except BadArgumentError as error:
        raise GraphQLError(str(error), extensions={"code": "BAD_REQUEST"}) from error
    if caller.page is not None:
        caller.page.after = page.cursors[-1] if page.cursors else None
        caller.page.is_last = not page.has_next
    caller.world.log_read(SHOPIFY, kind.name, page.ids, page.updated_from)
    nodes = [kind.node(caller, number) for number in page.ids]
    return {
        "nodes": nodes,
        "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(page.cursors, nodes, strict=True)],
        "pageInfo": {
            "hasNextPage": page.has_next,
            "hasPreviousPage": page.has_previous,
            "startCursor": page.cursors[0] if page.cursors else None,
            "endCursor": page.cursors[-1] if page.cursors else None,
        },
    }


def _count(
    kind: _Kind, info: GraphQLResolveInfo, *, limit: int | None = None, query: str | None = None
) -> Mapping[str, object]:
    require_scope(info, kind.scope)
    total = count(kind.resource(info.context), _visible(kind, info.context, query))
    if limit is not None and total > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": total, "precision": "EXACT"}


def _customer(info: GraphQLResolveInfo, **arguments: str) -> Node | None:
    require_scope(info, "read_customers")
    caller: Caller = info.context
    shopper = find_customer(caller.world, arguments["id"])
    if shopper is None:
        return None
    caller.world.log_read(SHOPIFY, "customers", [shopper.household], None)
    return customer_node(caller.world, shopper)


def _order(info: GraphQLResolveInfo, **arguments: str) -> Node | None:
    require_scope(info, "read_orders")
    caller: Caller = info.context
    order = find_order(caller, arguments["id"])
    if order is None:
        return None
    caller.world.log_read(SHOPIFY, "orders", [order.basket], None)
    return order_node(caller.world, order)


def _product(info: GraphQLResolveInfo, **arguments: str) -> Node | None:
    require_scope(info, "read_products")
    caller: Caller = info.context
    product = find_product(caller.world, arguments["id"])
    if product is None:
        return None
    caller.world.log_read(SHOPIFY, "products", [product.product_id], None)
    return product_node(product)


def _checkout(info: GraphQLResolveInfo, **arguments: str) -> Node | None:
    require_scope(info, "read_orders")
    checkout = find_checkout(info.context.world, arguments["id"])
    return None if checkout is None else checkout_node(info.context.world, checkout)


def _discount(info: GraphQLResolveInfo, **arguments: str) -> Node | None:
    require_scope(info, "read_discounts")
    number = gid_number(arguments["id"], "DiscountCodeNode")
    return None if number is None else discount_node(info.context.world, number)


def _discount_by_code(info: GraphQLResolveInfo, code: str) -> Node | None:
    require_scope(info, "read_discounts")
    return discount_node_by_code(info.context.world, code)


_BY_KIND: Mapping[str, Callable[..., Node | None]] = {
    "AbandonedCheckout": _checkout,
    "BulkOperation": bulk_operation,
    "Customer": _customer,
    "Order": _order,
    "Product": _product,
    "DiscountCodeNode": _discount,
}


def _node(info: GraphQLResolveInfo, **arguments: str) -> Node | None:
    parts = arguments["id"].removeprefix("gid://shopify/").split("/")
    find = _BY_KIND.get(parts[0])
    return find(info, id=arguments["id"]) if find else None


def _nodes(info: GraphQLResolveInfo, ids: list[str]) -> list[Node | None]:
    return [_node(info, id=external_id) for external_id in ids]


def _shop(_info: GraphQLResolveInfo) -> Node:
    return {
        "id": gid("Shop", SHOP_ID),
        "name": SHOP_NAME,
        "email": SHOP_EMAIL,
        "contactEmail": SHOP_EMAIL,
        "myshopifyDomain": SHOPIFY_SHOP,
        "url": "https://sandbox-aurora.example",
        "primaryDomain": {
            "id": gid("Domain", 1),
            "host": "sandbox-aurora.example",
            "url": "https://sandbox-aurora.example",
            "sslEnabled": True,
        },
        "shopAddress": {
            "id": gid("ShopAddress", 1),
            "address1": "Via Garibaldi 10",
            "city": "Torino",
            "zip": "10122",
            "provinceCode": "TO",
            "country": "Italy",
            "countryCodeV2": "IT",
        },
        "ianaTimezone": TIMEZONE,
        "currencyCode": CURRENCY,
        "createdAt": "2020-01-01T00:00:00Z",
        "plan": {"publicDisplayName": "Plus", "partnerDevelopment": False, "shopifyPlus": True},
    }


def _installation(info: GraphQLResolveInfo) -> Node:
    scopes = sorted(info.context.scopes)
    return {
        "id": gid("AppInstallation", 1),
        "app": {"id": gid("App", 1), "apiKey": info.context.client_id},
        "accessScopes": [{"handle": scope, "description": scope.replace("_", " ")} for scope in scopes],
    }


QUERY_FIELDS: Mapping[str, Callable[..., Any]] = {
    **{kind.name: partial(_list, kind) for kind in _KINDS},
    **{f"{kind.name}Count": partial(_count, kind) for kind in _KINDS},
    "bulkOperation": bulk_operation,
    "customer": _customer,
    "order": _order,
    "product": _product,
    "codeDiscountNodeByCode": _discount_by_code,
    "currentAppInstallation": _installation,
    "node": _node,
    "nodes": _nodes,
    "shop": _shop,
    # The sandbox's subscriptions are app-specific ones; Shopify lists only shop-specific ones here.
    "webhookSubscriptions": connection_of([]),
}
