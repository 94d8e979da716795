"""Shops as they arrive at the end of a handshake."""

from datetime import UTC, datetime

from app.models import Store
from app.runtime import Runtime
from app.stores import install
from app.stores.install import Arrival
from connectors.base import StoreIdentity
from tests.stores.stores_wire import SHOP, WOO_KEY, WOO_SECRET, FakePlatforms

INSTALLED_AT = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


def arrive(runtime: Runtime, arrival: Arrival, now: datetime = INSTALLED_AT) -> Store:
    """Save a shop as the end of a handshake does."""
    with runtime.database.write() as session:
        return install.complete(session, runtime.vault, arrival, now)


def shopify_arrival(access: dict[str, object]) -> Arrival:
    """A Shopify shop that was just proven."""
    return Arrival("shopify", f"https://{SHOP}", _identity(SHOP), access, scopes=("read_orders",))


def woo_arrival(platforms: FakePlatforms) -> Arrival:
    """A WooCommerce store that was just proven."""
    access = {
        "key": WOO_KEY,
        "secret": WOO_SECRET,
        "mode": "oauth-home",
        "signing_url": platforms.woo_home,
    }
    identity = _identity("bottega.example", uid="uid-1")
    return Arrival("woocommerce", f"{platforms.base}/woo", identity, access)


def _identity(domain: str, uid: str = "") -> StoreIdentity:
    return StoreIdentity(
        domain=domain,
        name="The shop",
        timezone="Europe/Rome",
        currency="EUR",
        country="IT",
        locale="it",
        home_url=f"https://{domain}",
        store_uid=uid,
    )
