"""Every topic that Ritorno reads, and its reader."""

from collections.abc import Callable
from datetime import datetime

from connectors.base import JsonObject, Record
from connectors.storefronts.shopify import checkouts, customers, orders, parcels, products, refunds, stores

Reader = Callable[[JsonObject, datetime | None], list[Record]]

READERS: dict[str, Reader] = {
    "app/scopes_update": stores.scopes_changed,
    "app/uninstalled": stores.uninstalled,
    "checkouts/create": checkouts.changed,
    "checkouts/delete": checkouts.deleted,
    "checkouts/update": checkouts.changed,
    "customer.tags_added": customers.tags_changed,
    "customer.tags_removed": customers.tags_changed,
    "customers/create": customers.changed,
    "customers/data_request": stores.access_requested,
    "customers/delete": customers.deleted,
    "customers/merge": customers.merged,
    "customers/redact": stores.customer_erasure_requested,
    "customers/update": customers.changed,
    "customers_email_marketing_consent/update": customers.email_consent_changed,
    "customers_marketing_consent/update": customers.sms_consent_changed,
    "fulfillment_events/create": parcels.event_happened,
    "fulfillments/create": parcels.changed,
    "fulfillments/update": parcels.changed,
    "orders/cancelled": orders.changed,
    "orders/create": orders.changed,
    "orders/delete": orders.deleted,
    "orders/fulfilled": orders.changed,
    "orders/paid": orders.paid,
    "orders/partially_fulfilled": orders.changed,
    "orders/updated": orders.changed,
    "products/create": products.changed,
    "products/delete": products.deleted,
    "products/update": products.changed,
    "refunds/create": refunds.created,
    "shop/redact": stores.shop_erasure_requested,
    "shop/update": stores.changed,
}

KIND_BY_FAMILY = {
    "customers": "Customer",
    "fulfillment_events": "FulfillmentEvent",
    "fulfillments": "Fulfillment",
    "orders": "Order",
    "products": "Product",
    "refunds": "Refund",
}
"""What a body's own GID must be of, by the topic's part before the slash: nothing signs the topic."""


def family_of(topic: str) -> str | None:
    """What a topic's bodies are about, if the number that they begin with names one thing all over Shopify.

    None if not: that of changed scopes, for instance, may be the app's own.
    """
    family = topic.partition("/")[0]
    family = "customers" if family.startswith("customers_") else family
    return family if family in KIND_BY_FAMILY else None


_UNDERSCORES = str.maketrans("/.", "__")
TOPIC_BY_ENUM = {topic.upper().translate(_UNDERSCORES): topic for topic in READERS}
"""GraphQL's spelling, for example ORDERS_CREATE, to the header's."""
