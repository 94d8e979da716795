"""Shopify's GraphQL objects as plain dicts; what is dear to build is a callable that the executor calls."""

import json
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial
from typing import Any

from graphql import GraphQLResolveInfo

from connectors.sandbox.consents import ConsentState, email_consent, sms_consent
from connectors.sandbox.customer_orders import orders_of
from connectors.sandbox.forms import COUNTRY_NAMES, birth_text, gid, money, zulu
from connectors.sandbox.lifecycle import state_of
from connectors.sandbox.model import CURRENCY, SHOPIFY, Order, Product, Shopper, WorldView
from connectors.sandbox.shopify_payloads import handle_of
from connectors.sandbox.written import written

Node = dict[str, Any]
BIRTH_DATE = ("facts", "birth_date")
RECOMMENDATIONS = ("shopify--discovery--product_recommendation", "complementary_products")


def customer_node(world: WorldView, shopper: Shopper) -> Node:
    """A customer as of now; `orders_of_customer` leads the schema to the last order."""
    household = shopper.household
    orders = cache(partial(orders_of, world, SHOPIFY, household))
    return {
        "__typename": "Customer",
        "id": gid("Customer", household),
        "legacyResourceId": str(household),
        "firstName": shopper.first_name,
        "lastName": shopper.last_name,
        "displayName": f"{shopper.first_name} {shopper.last_name}",
        "locale": shopper.locale,
        "state": "DISABLED",
        "note": None,
        "taxExempt": False,
        "verifiedEmail": True,
        "dataSaleOptOut": False,
        "tags": lambda _info: tags_of(world, household),
        "createdAt": zulu(shopper.registered_at),
        "updatedAt": zulu(world.customer_updated_at(shopper)),
        "numberOfOrders": str(world.orders_count(household)),
        "amountSpent": lambda _info: _amount_spent(world, orders()),
        "defaultEmailAddress": lambda _info: _email_address(world, shopper),
        "defaultPhoneNumber": lambda _info: _phone_number(world, shopper),
        "defaultAddress": lambda _info: address_node(shopper, household * 10 + 1),
        "orders_of_customer": orders,
        "metafield": _birth_metafield(shopper),
    }


@lru_cache(maxsize=4096)
def product_node(product: Product) -> Node:
    """A product with its single variant."""
    created = zulu(product.created_at)
    handle = handle_of(product)
    return {
        "__typename": "Product",
        "id": gid("Product", product.product_id),
        "legacyResourceId": str(product.product_id),
        "handle": handle,
        "title": product.title,
        "description": product.title,
        "productType": product.department,
        "vendor": product.brand,
        "status": "ACTIVE",
        "tags": [product.category],
        "onlineStoreUrl": f"https://sandbox-aurora.example/products/{handle}",
        "createdAt": created,
        "updatedAt": created,
        "publishedAt": created,
        "totalInventory": 100,
        "featuredMedia": None,
        "variants": connection_of([variant_node(product)]),
        "collections": connection_of([_collection(product, created)]),
        "metafield": _recommendations_metafield(product),
    }


@lru_cache(maxsize=4096)
def variant_node(product: Product) -> Node:
    """The only variant."""
    created = zulu(product.created_at)
    return {
        "__typename": "ProductVariant",
        "id": gid("ProductVariant", product.variant_id),
        "legacyResourceId": str(product.variant_id),
        "sku": f"SKU-{product.product_id}",
        "title": "Default Title",
        "displayName": f"{product.title} - Default Title",
        "price": money(product.price_minor),
        "compareAtPrice": None,
        "barcode": None,
        "position": 1,
        "inventoryQuantity": 100,
        "availableForSale": True,
        "createdAt": created,
        "updatedAt": created,
    }


def address_node(shopper: Shopper, address_id: int) -> Node:
    """A mailing address."""
    return {
        "__typename": "MailingAddress",
        "id": gid("MailingAddress", address_id),
        "firstName": shopper.first_name,
        "lastName": shopper.last_name,
        "name": f"{shopper.first_name} {shopper.last_name}",
        "company": None,
        "address1": shopper.address,
        "address2": None,
        "city": shopper.city,
        "zip": shopper.postcode,
        "province": shopper.region or None,
        "provinceCode": shopper.region or None,
        "country": COUNTRY_NAMES.get(shopper.country, shopper.country),
        "countryCodeV2": shopper.country,
        "phone": shopper.phone or None,
    }


def tags_of(world: WorldView, household: int) -> list[str]:
    """The tags that the app has put on a customer."""
    fact = written(world, "shopify_tags", "household").last_of(household)
    tags = fact["tags"] if fact else ()
    return [str(tag) for tag in tags] if isinstance(tags, list | tuple) else []


def connection_of(
    items: Sequence[Any], node_of: Callable[[Any], Node] = lambda node: node
) -> Callable[..., Node]:
    """A small nested connection; its cursors are positions, and only the page's nodes are built."""

    def resolve(_info: GraphQLResolveInfo, first: int | None = None, after: str | None = None) -> Node:
        start = int(after) + 1 if after is not None and after.isascii() and after.isdigit() else 0
        end = len(items) if first is None else min(start + first, len(items))
        page = [node_of(item) for item in items[start:end]]
        return {
            "nodes": page,
            "edges": [{"cursor": str(start + place), "node": node} for place, node in enumerate(page)],
            "pageInfo": {
                "hasNextPage": end < len(items),
                "hasPreviousPage": start > 0,
                "startCursor": str(start) if page else None,
                "endCursor": str(end - 1) if page else None,
            },
        }

    return resolve


def _amount_spent(world: WorldView, orders: Sequence[Order]) -> Node:
    spent = 0
    for order in orders:
        state = state_of(order, world.now)
        if state.paid_at and not state.cancelled_at:
            spent += order.total_minor - state.refunded_minor
    return {"amount": money(spent), "currencyCode": CURRENCY}


def _email_address(world: WorldView, shopper: Shopper) -> Node:
    consent = email_consent(world, shopper, world.now)
    return {
        "emailAddress": shopper.email,
        "marketingState": consent.state,
        "marketingOptInLevel": consent.level,
        "marketingUpdatedAt": _changed_at(consent),
        "validFormat": True,
    }


def _phone_number(world: WorldView, shopper: Shopper) -> Node | None:
    if not shopper.phone:
        return None
    consent = sms_consent(world, shopper, world.now)
    state = "NEVER_SUBSCRIBED" if consent.changed_at is None else consent.state
    return {
        "phoneNumber": shopper.phone,
        "smsMarketingConsent": {
            "state": state,
            "optInLevel": consent.level,
            "updatedAt": _changed_at(consent),
            "collectedFrom": "OTHER",
        },
    }


def _changed_at(consent: ConsentState) -> str | None:
    return None if consent.changed_at is None else zulu(consent.changed_at)


def _birth_metafield(shopper: Shopper) -> Callable[..., Node | None]:
    def resolve(_info: GraphQLResolveInfo, key: str, namespace: str | None = None) -> Node | None:
        if shopper.birth is None or (namespace, key) != BIRTH_DATE:
            return None
        kind = "single_line_text_field" if shopper.birth.year is None else "date"
        text = birth_text(shopper.birth)
        moment = zulu(shopper.registered_at)
        return _metafield(shopper.household * 10 + 5, BIRTH_DATE, (kind, text, text), moment)

    return resolve


def _recommendations_metafield(product: Product) -> Callable[..., Node | None]:
    def resolve(_info: GraphQLResolveInfo, key: str, namespace: str | None = None) -> Node | None:
        if not product.cross_sell_ids or (namespace, key) != RECOMMENDATIONS:
            return None
        gids = [gid("Product", other) for other in product.cross_sell_ids]
        value = ("list.product_reference", json.dumps(gids), gids)
        return _metafield(product.product_id * 10 + 5, RECOMMENDATIONS, value, zulu(product.created_at))

    return resolve


def _metafield(number: int, name: tuple[str, str], value: tuple[str, str, object], moment: str) -> Node:
    return {
        "__typename": "Metafield",
        "id": gid("Metafield", number),
        "namespace": name[0],
        "key": name[1],
        "type": value[0],
        "value": value[1],
        "jsonValue": value[2],
        "createdAt": moment,
        "updatedAt": moment,
    }


def _collection(product: Product, created: str) -> Node:
    number = sum(ord(sign) * (place + 1) for place, sign in enumerate(product.category)) + 1000
    return {
        "__typename": "Collection",
        "id": gid("Collection", number),
        "handle": product.category.lower().replace(" ", "-"),
        "title": product.category,
        "updatedAt": created,
    }
