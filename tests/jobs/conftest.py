"""A shop of each platform to be connected, and an operator who writes to merchants."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.config import Settings
from app.db import Database
from app.mirror import pulls
from app.runtime import Runtime
from tests.conftest import NOW
from tests.connectors.sandbox.sandbox_providers import KNOWN, Pair, open_pair
from tests.connectors.sandbox.sandbox_providers import serving as on_a_socket
from tests.jobs.jobs_providers import FROM
from tests.jobs.jobs_seed import kit_of
from tests.jobs.jobs_shopify import Shop, grown_world, running_shop
from tests.jobs.jobs_woo import Watched
from tests.stores.stores_seed import arrive, woo_arrival
from tests.stores.stores_wire import FakePlatforms, serve


@pytest.fixture
def platforms() -> Iterator[FakePlatforms]:
    """WooCommerce on a real socket."""
    fake = FakePlatforms()
    server = serve(fake)
    yield fake
    server.shutdown()
    server.server_close()


@pytest.fixture
def watched(platforms: FakePlatforms, settings: Settings, database: Database) -> Watched:
    """A store that arrived, whose webhooks a first check registered and whose pulls are up to date."""
    runtime = Runtime.build(settings.model_copy(update={"allow_private_stores": True}), database)
    store = arrive(runtime, woo_arrival(platforms), NOW)
    with database.write() as session:
        pulls.ensure_reconciliations(session, store, NOW)
    found = Watched(platforms, runtime, kit_of(runtime), store.id)
    assert found.check(NOW) == 1
    return found


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A shop on Shopify: forty orders of ten customers."""
    with running_shop(grown_world()) as running:
        yield running


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """The emulated providers."""
    with open_pair(tmp_path) as opened, on_a_socket(opened) as found:
        yield found


@pytest.fixture
def operator(runtime: Runtime, pair: Pair) -> Runtime:
    """An operator with an account of its own."""
    given = {
        "sendgrid_api_key": KNOWN.sendgrid_api_key,
        "sendgrid_api_url": f"{pair.url}/sendgrid",
        "notice_from": FROM,
    }
    return replace(runtime, settings=Settings.model_validate(runtime.settings.model_dump() | given))
