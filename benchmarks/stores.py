"""A shop as it stands after its handshake, in a fresh database."""

import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime

import psycopg

from app.config import Settings
from app.runtime import Runtime
from app.stores import install
from app.stores.install import Arrival
from benchmarks import machine
from benchmarks.bodies import CLIENT_SECRET, SHOP, WOO_KEY, WOO_SECRET
from connectors.base import StoreIdentity
from connectors.sandbox.model import CURRENCY, WOO_HOME

ENVIRONMENT = {
    "SECRET_KEY": "benchmark",
    "ENCRYPTION_KEYS": "dGhpcnR5LXR3byBieXRlcyBvZiB0aGUgdGVzdHMgISE=",
    "SHOPIFY_CLIENT_SECRET": CLIENT_SECRET,
}


def connect(url: str, *, domain: str = SHOP, token: str = "t", **settings: object) -> Runtime:  # noqa: S107 (it opens nothing)
    """Migrate the database, register one Shopify store there (it is number 1), and open it."""
    identity = _identity(domain, f"https://{domain}", "EUR")
    arrival = Arrival("shopify", f"https://{domain}", identity, {"access_token": token, "is_lasting": True})
    return _arrived(url, arrival, settings)


def connect_woocommerce(url: str, shop_url: str) -> Runtime:
    """The same with a WooCommerce store that is called at `shop_url` and signs for the sandbox's home."""
    access = {"key": WOO_KEY, "secret": WOO_SECRET, "mode": "oauth-home", "signing_url": WOO_HOME}
    identity = _identity(WOO_HOME.partition("://")[2], WOO_HOME, CURRENCY)
    arrival = Arrival("woocommerce", shop_url, identity, access)
    return _arrived(url, arrival, {"allow_private_stores": True})


def opened(url: str) -> Runtime:
    """A database that was filled before."""
    values = {name.lower(): value for name, value in ENVIRONMENT.items()}
    return Runtime.of_operator(Settings.model_validate({"database_url": url, **values}))


def take_stock(runtime: Runtime) -> None:
    """Have the database look at how its rows are spread, as it does by itself where a shop has lived a day.

    PostgreSQL tidies up after what was put in, too. By a connection of its own: ours begin transactions of
    themselves, in which there is no `VACUUM`.
    """
    runtime.database.take_stock()
    if not runtime.database.is_sqlite:
        place = runtime.database.engine.url.set(drivername="postgresql")
        with psycopg.connect(place.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")


def _migrate(url: str) -> None:
    """In a process of its own, as a release does it: what it needs is no part of a worker's memory."""
    environment = {**os.environ, **ENVIRONMENT, "DATABASE_URL": url, "PYTHONPATH": str(machine.ROOT)}
    command = machine.python("-m", "app.cli.entry", "migrate")
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def _identity(domain: str, home_url: str, currency: str) -> StoreIdentity:
    return StoreIdentity(
        domain=domain,
        name="Bench",
        timezone="Europe/Rome",
        currency=currency,
        country="IT",
        locale="it",
        home_url=home_url,
        store_uid="",
    )


def _arrived(url: str, arrival: Arrival, settings: Mapping[str, object]) -> Runtime:
    _migrate(url)
    values = {name.lower(): value for name, value in ENVIRONMENT.items()}
    runtime = Runtime.of_operator(Settings.model_validate({"database_url": url, **values, **settings}))
    with runtime.database.write() as session:
        install.complete(session, runtime.vault, arrival, datetime(2026, 11, 1, tzinfo=UTC))
    return runtime
