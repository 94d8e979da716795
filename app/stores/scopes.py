"""What a store's grant lets us see and do."""

from app.models import Store
from app.stores.platforms import SHOPIFY

NEEDED = (
    "read_orders",
    "read_customers",
    "read_products",
    "read_fulfillments",
    "write_discounts",
    "read_discounts",
    "write_customers",
    "read_customer_merge",
    "write_marketing_events",
)
"""What the app asks for in shopify.app.toml, the most missed first; a test holds the two together."""
LACKING = "no-scope"
"""Why something was not written."""
RECENT_DAYS = 60
"""How far back Shopify shows orders without `read_all_orders`. Source: shopify.dev, access scopes."""


def missing(store: Store) -> list[str]:
    """What a shop does not grant, or no longer; a grant that was never told lacks nothing.

    Whoever may write may read, and Shopify then names the writing alone. Source: shopify.dev, access scopes.
    """
    if store.platform != SHOPIFY or not store.scopes:
        return []
    granted = {*store.scopes, *(scope.replace("write_", "read_", 1) for scope in store.scopes)}
    return [scope for scope in NEEDED if scope not in granted]


def grant_url(store: Store, client_id: str) -> str:
    """Where a merchant grants again: Shopify asks for what lacks when the app is opened in the admin.

    Source: shopify.dev, manage access scopes (managed installation); the app's address in the admin is
    `https://{host}/apps/{client id}`.
    """
    admin = f"https://{store.domain}/admin"
    return f"{admin}/apps/{client_id}" if client_id else f"{admin}/settings/apps"


def hides_older_orders(store: Store) -> bool:
    """Whether orders older than `RECENT_DAYS` stay hidden; a grant that was never told hides nothing."""
    return store.platform == SHOPIFY and bool(store.scopes) and "read_all_orders" not in store.scopes


def lacks(store: Store, scope: str) -> bool:
    """Whether the merchant has not granted one of NEEDED."""
    return scope in missing(store)
