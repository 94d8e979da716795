"""A shop as it stands after its handshake, in a fresh database."""

from datetime import UTC, datetime

from app import migrate
from app.config import Settings
from app.runtime import Runtime
from app.stores import install
from app.stores.install import Arrival
from benchmarks.bodies import CLIENT_SECRET, SHOP
from connectors.base import StoreIdentity

ENVIRONMENT = {
    "SECRET_KEY": "benchmark",
    "ENCRYPTION_KEYS": "dGhpcnR5LXR3byBieXRlcyBvZiB0aGUgdGVzdHMgISE=",
    "SHOPIFY_CLIENT_SECRET": CLIENT_SECRET,
}


def connect(url: str, *, domain: str = SHOP, token: str = "t", **settings: object) -> Runtime:  # noqa: S107 (it opens nothing)
    """Migrate the database, register one Shopify store there (it is number 1), and open it."""
    migrate.upgrade(url)
    values = {name.lower(): value for name, value in ENVIRONMENT.items()}
    runtime = Runtime.build(Settings.model_validate({"database_url": url, **values, **settings}))
    identity = StoreIdentity(
        domain=domain,
        name="Bench",
        timezone="Europe/Rome",
        currency="EUR",
        country="IT",
        locale="it",
        home_url=f"https://{domain}",
        store_uid="",
    )
    arrival = Arrival("shopify", f"https://{domain}", identity, {"access_token": token, "is_lasting": True})
    with runtime.database.write() as session:
        install.complete(session, runtime.vault, arrival, datetime(2026, 11, 1, tzinfo=UTC))
    return runtime
