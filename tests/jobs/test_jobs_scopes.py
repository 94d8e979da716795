"""News of what a shop grants: taken over at once, and never a failure, whoever the shop is by then."""

from typing import Any

import pytest

from app.inbox import NOBODY
from app.models import Store
from app.runtime import Runtime
from jobs import inbox
from tests import seeds
from tests.conftest import NOW
from tests.jobs.jobs_seed import body_of, delivered, delivery, kit_of, receive

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])
GRANTED = ["read_orders", "write_discounts"]


def told(runtime: Runtime, store_id: int) -> Any:
    body = body_of("app/scopes_update", current=GRANTED)
    receive(runtime.database, [delivery(store_id, "app/scopes_update", body, "scopes")])
    inbox.run(kit_of(runtime), NOW)
    return delivered(runtime.database, "scopes").status


def test_what_a_connected_shop_grants_is_known_at_once(runtime: Runtime) -> None:
    store_id = seeds.new_store(runtime.database, platform="shopify")

    assert told(runtime, store_id) == "done"
    assert seeds.values_of(runtime.database, Store, "scopes") == [GRANTED]


def test_a_shop_that_removed_the_app_grants_nothing(runtime: Runtime) -> None:
    store_id = seeds.new_store(runtime.database, platform="shopify", state="uninstalled", scopes=[])

    assert told(runtime, store_id) == "ignored"
    assert seeds.values_of(runtime.database, Store, "scopes") == [[]]


@pytest.mark.parametrize("store_id", [NOBODY, 4711])
def test_a_shop_that_we_do_not_know_is_no_failure(runtime: Runtime, store_id: int) -> None:
    assert told(runtime, store_id) == "ignored"
