"""A WooCommerce store that was just connected, for the jobs that look after it."""

from collections.abc import Iterator

import pytest

from app.config import Settings
from app.db import Database
from app.mirror import pulls
from app.runtime import Runtime
from tests.conftest import NOW
from tests.jobs.jobs_seed import kit_of
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
