"""A database of its own, both platforms on the loopback, and shops that are connected already."""

from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient

from app import clock
from app.config import Settings
from app.models import Store
from app.runtime import Runtime
from tests.conftest import Opened
from tests.engines import SQLITE
from tests.sites import app_over
from tests.stores.stores_browser import sign_in
from tests.stores.stores_seed import arrive, shopify_arrival, woo_arrival
from tests.stores.stores_wire import CLIENT_ID, CLIENT_SECRET, FakePlatforms, serve


@pytest.fixture
def platforms() -> Iterator[FakePlatforms]:
    """Shopify and WooCommerce on a real socket."""
    fake = FakePlatforms()
    server = serve(fake)
    yield fake
    server.shutdown()
    server.server_close()


@pytest.fixture
def engine() -> str:
    """SQLite; parametrise `engine` in a test to have the other, or both."""
    return SQLITE


@pytest.fixture
def runtime(database_url: str, opened: Opened, platforms: FakePlatforms) -> Iterator[Runtime]:
    """A fresh process over an empty database."""
    settings = Settings(
        database_url=database_url,
        secret_key="signing-key-of-the-tests",
        encryption_keys=Fernet.generate_key().decode(),
        public_url="http://app.test",
        shopify_client_id=CLIENT_ID,
        shopify_client_secret=CLIENT_SECRET,
        shopify_admin_url=f"{platforms.base}/shopify/{{shop}}",
        allow_private_stores=True,
    )
    built = Runtime.build(settings, opened(settings.database).over_all_stores())
    yield built
    built.database.dispose()


@pytest.fixture
def shopify_store(runtime: Runtime, platforms: FakePlatforms) -> Store:
    """A connected Shopify shop whose access token ended long ago."""
    platforms.refresh_tokens.append("refresh-0")
    access = {"access_token": "access-old", "expires_at": 1.0, "refresh_token": "refresh-0"}
    return arrive(runtime, shopify_arrival(access))


@pytest.fixture
def woo_store(runtime: Runtime, platforms: FakePlatforms) -> Store:
    """A connected WooCommerce store that signs for its home URL."""
    return arrive(runtime, woo_arrival(platforms))


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The web side as a process serves it."""
    return app_over(runtime)


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    """A merchant's browser, not signed in."""
    return app.test_client()


@pytest.fixture
def member(app: Flask, runtime: Runtime) -> FlaskClient:
    """A browser that a member signed in with."""
    return sign_in(app, runtime)


@pytest.fixture(autouse=True)
def _clean_clock() -> Iterator[None]:
    yield
    clock.travel_to(None)
