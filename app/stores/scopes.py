"""What a store's grant lets us see."""

from app.models import Store
from app.stores.platforms import SHOPIFY

LACKING = "no-scope"
"""Why something was not written."""
RECENT_DAYS = 60
"""How far back Shopify shows orders without `read_all_orders`. Source: shopify.dev, access scopes."""


def hides_older_orders(store: Store) -> bool:
    """Whether orders older than `RECENT_DAYS` stay hidden; a grant that was never told hides nothing."""
    return store.platform == SHOPIFY and bool(store.scopes) and "read_all_orders" not in store.scopes


def lacks(store: Store, scope: str) -> bool:
    """Whether the merchant has not granted this; a grant that was never told lacks nothing."""
    return store.platform == SHOPIFY and bool(store.scopes) and scope not in store.scopes
