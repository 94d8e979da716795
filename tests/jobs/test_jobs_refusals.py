"""A WooCommerce that turns us away now and then is not lost: only a row of refusals over an hour is."""

import json
from datetime import datetime, timedelta

import pytest
import responses
from requests import PreparedRequest
from sqlalchemy import update

from app.models import Product, Store
from app.runtime import Runtime
from app.stores import backfills, credentials, refusals
from app.stores.credentials import Credentials
from jobs import pulls
from tests import seeds
from tests.conftest import NOW
from tests.connectors.woocommerce.woo_wire import answer as captured
from tests.jobs.jobs_seed import kit_of
from tests.jobs.jobs_woo import Watched
from tests.stores.stores_seed import arrive, woo_arrival
from tests.stores.stores_wire import WOO_KEY, WOO_SECRET

API = "https://bottega.example/wp-json/wc/v3"
ACCESS = {"key": "ck_1", "secret": "cs_1", "mode": "basic", "signing_url": "https://bottega.example"}
QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)


def _counted(watched: Watched) -> tuple[str, int, str]:
    store = watched.store()
    return store.state, store.refusals, store.refusal


def _refuse(watched: Watched) -> None:
    watched.platforms.woo_keys.clear()


def _accept(watched: Watched) -> None:
    watched.platforms.woo_keys[WOO_KEY] = WOO_SECRET


def _check_until(watched: Watched, begin: datetime, end: datetime) -> list[datetime]:
    """Check whenever one is due; the moments."""
    moments, at = [], begin
    while at < end and watched.store().state == "connected":
        watched.check(at)
        moments.append(at)
        at = watched.chore().next_at
    return moments


def test_refusals_of_less_than_an_hour_change_nothing(watched: Watched) -> None:
    _refuse(watched)

    moments = _check_until(watched, NOW + QUARTER, NOW + QUARTER + HOUR - timedelta(seconds=1))

    assert _counted(watched) == ("connected", len(moments), "key")
    assert len(moments) > refusals.ENOUGH


def test_refusals_in_a_row_over_an_hour_ask_for_a_new_connection(watched: Watched) -> None:
    _refuse(watched)

    moments = _check_until(watched, NOW + QUARTER, NOW + timedelta(days=1))

    assert _counted(watched) == ("needs_reconnect", len(moments), "key")
    assert HOUR <= moments[-1] - moments[0] <= 2 * HOUR


def test_two_refusals_are_not_enough_however_far_apart(watched: Watched) -> None:
    _refuse(watched)
    watched.check(NOW + QUARTER)

    watched.check(NOW + 5 * HOUR)

    assert _counted(watched) == ("connected", 2, "key")


def test_an_accepted_call_begins_the_count_anew(watched: Watched) -> None:
    _refuse(watched)
    _check_until(watched, NOW + QUARTER, NOW + QUARTER + HOUR / 2)
    _accept(watched)
    watched.check(NOW + HOUR)
    accepted = _counted(watched)

    _refuse(watched)
    watched.check(NOW + 2 * HOUR)

    assert accepted == ("connected", 0, "")
    assert _counted(watched) == ("connected", 1, "key")


def test_a_store_that_is_connected_again_begins_the_count_anew(watched: Watched) -> None:
    _refuse(watched)
    _check_until(watched, NOW + QUARTER, NOW + timedelta(days=1))

    arrive(watched.runtime, woo_arrival(watched.platforms), NOW + timedelta(days=1))

    assert _counted(watched) == ("connected", 0, "")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_page_that_arrived_before_the_next_was_refused_begins_the_count_anew(runtime: Runtime) -> None:
    sealed = credentials.seal(runtime.vault, Credentials(dict(ACCESS)))
    store_id = seeds.new_store(runtime.database, credentials=sealed)
    with runtime.database.write() as session:
        for _ in range(5):
            refusals.note(session, session.get_one(Store, store_id), "key", NOW - 2 * HOUR)
        session.execute(update(Store).values(state="connected"))
        backfills.plan(session, store_id, NOW)

    with responses.RequestsMock() as shop:
        shop.add_callback(responses.GET, f"{API}/products", callback=_one_page_of_two)
        pulls.run_backfills(kit_of(runtime), NOW)

    assert seeds.rows_of(runtime.database, Store, "state", "refusals") == [("connected", 1)]
    assert len(seeds.values_of(runtime.database, Product, "id")) == 100


def _one_page_of_two(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
    if "&page=2&" in str(request.url):
        return 401, {}, json.dumps({"code": "woocommerce_rest_cannot_view", "message": "Sorry"})
    product = captured("rest_products_modified_after")[0]
    rows = [{**product, "id": number} for number in range(1, 101)]
    return 200, {"X-WP-Total": "200", "X-WP-TotalPages": "2"}, json.dumps(rows)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_shopify_says_it_once(runtime: Runtime) -> None:
    store_id = seeds.new_store(runtime.database, platform="shopify")

    with runtime.database.write() as session:
        said = refusals.note(session, session.get_one(Store, store_id), "", NOW)

    assert said
    assert seeds.values_of(runtime.database, Store, "state") == ["needs_reconnect"]
