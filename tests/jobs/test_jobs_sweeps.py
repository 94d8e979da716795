"""What WooCommerce deletes without a word is found at night, and nothing looks deleted that is not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.config import Settings
from app.db import Database
from app.mirror import pulls as rows
from app.models import Chore, Order, Product, Store
from connectors.sandbox.model import WOOCOMMERCE
from jobs import lookups, pulls, sweeps
from tests import seeds
from tests.connectors.sandbox.sandbox_fake_world import NOW as WORLD_NOW
from tests.connectors.sandbox.sandbox_fake_world import order, small_world
from tests.jobs.jobs_woo import Bottega, running_bottega

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NIGHT = WORLD_NOW + DAY


@pytest.fixture
def bottega(settings: Settings, database: Database) -> Iterator[Bottega]:
    """A store of 250 more orders, mirrored as a whole."""
    world = small_world()
    for number in range(250):
        world.add_order(order(5000 + number, 1, WOOCOMMERCE))
    with running_bottega(settings, database, world) as found:
        found.mirror(world.now)
        with database.write() as session:
            rows.ensure_reconciliations(session, session.get_one(Store, found.store_id), world.now)
        found.asked.clear()
        yield found


def _sweep(bottega: Bottega, now: datetime) -> int:
    """One night: all rounds of the sweep, then the look-ups; how many ids were asked for."""
    count = 0
    while swept := sweeps.run(bottega.kit, now)["swept"]:
        count += swept
    while lookups.run(bottega.kit, now)["looked up"]:
        pass
    return count


def _all_ids(bottega: Bottega) -> int:
    return sum(len(seeds.values_of(bottega.database, model, "id")) for model in (Order, Product))


def test_what_is_deleted_for_good_is_found_at_night(bottega: Bottega) -> None:
    bottega.remove("orders", 5000, 5123, 5249, is_forced=True)
    bottega.remove("products", 601, is_forced=True)

    asked = _sweep(bottega, NIGHT)

    assert asked == _all_ids(bottega)
    assert bottega.deleted(Order) == {"5000", "5123", "5249"}
    assert bottega.deleted(Product) == {"601"}


def test_what_is_still_there_is_not_even_looked_up(bottega: Bottega) -> None:
    _sweep(bottega, NIGHT)

    assert bottega.deleted(Order) | bottega.deleted(Product) == set()
    assert {path.rpartition("/")[2] for path in bottega.asked} == {"orders", "products"}


def test_the_next_sweep_is_at_three_in_the_morning_of_the_store(bottega: Bottega) -> None:
    _sweep(bottega, NIGHT)

    with bottega.database.read() as session:
        store = session.get_one(Store, bottega.store_id)
    assert bottega.chore("sweep.orders").next_at == sweeps.next_night(store, NIGHT)
    assert sweeps.next_night(store, datetime.fromisoformat("2026-07-01T00:59:00+00:00")).hour == 3
    assert sweeps.next_night(store, datetime.fromisoformat("2026-07-01T00:59:00+00:00")).day == 1
    assert sweeps.next_night(store, datetime.fromisoformat("2026-07-01T01:01:00+00:00")).day == 2


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Europe", ""])
def test_where_nobody_knows_the_stores_zone_the_night_is_greenwichs(bottega: Bottega, zone: str) -> None:
    with bottega.database.write() as session:
        store = session.get_one(Store, bottega.store_id)
        store.timezone = zone

    assert sweeps.next_night(store, NIGHT) == datetime.combine(NIGHT.date(), sweeps.NIGHT, UTC) + DAY


@pytest.mark.parametrize("status", [500, 403, 302, 200])
def test_a_page_that_fails_makes_nothing_look_deleted(bottega: Bottega, status: int) -> None:
    bottega.refuse = lambda path: status if path.endswith(("/orders", "/products")) else None

    _sweep(bottega, NIGHT)

    chore = bottega.chore("sweep.orders")
    assert bottega.deleted(Order) == set()
    assert (chore.attempts, chore.next_at, chore.position) == (1, NIGHT + timedelta(seconds=30), None)


def test_a_page_cut_short_is_doubted_and_proven_wrong(
    bottega: Bottega, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter of a plugin hides orders from lists; each is asked for alone and is there."""
    listed = bottega.world.order_ids

    def cut_short(*asked: Any, **more: Any) -> list[int]:
        return [number for number in listed(*asked, **more) if number not in range(5000, 5050)]

    monkeypatch.setattr(bottega.world, "order_ids", cut_short)

    _sweep(bottega, NIGHT)

    assert bottega.deleted(Order) == set()
    assert "/woo/wp-json/wc/v3/orders/5049" in bottega.asked


def test_a_sweep_goes_on_where_it_was_put_off(bottega: Bottega) -> None:
    pages = iter([None, None, 500])
    bottega.refuse = lambda path: next(pages, None) if path.endswith("/orders") else None
    bottega.remove("orders", 5000, 5249, is_forced=True)

    first = sweeps.run(bottega.kit, NIGHT)["swept"]
    position = bottega.chore("sweep.orders").position
    bottega.asked.clear()
    _sweep(bottega, NIGHT + HOUR)

    assert (first, position) == (2, "5196")
    assert [path.rpartition("/")[2] for path in bottega.asked].count("orders") == 1
    assert bottega.deleted(Order) == {"5000", "5249"}


def test_more_than_a_nights_look_ups_wait_for_the_next_night(
    bottega: Bottega, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "MOST_DOUBTS", 100)
    bottega.remove("orders", *range(5000, 5250), is_forced=True)

    with capture_logs() as logs:
        _sweep(bottega, NIGHT)
    first = len(bottega.deleted(Order))
    for night in range(1, 4):
        _sweep(bottega, NIGHT + night * DAY)

    said = [(line["sweep"], line["is_whole"]) for line in logs if line["event"] == "sweep ended"]
    assert ("sweep.orders", False) in said
    assert 100 <= first < 250
    assert len(bottega.deleted(Order)) == 250


def test_an_order_in_the_trash_whose_webhook_was_lost_is_found_by_the_next_reconciliation(
    bottega: Bottega,
) -> None:
    bottega.world.now += HOUR
    bottega.remove("orders", 5007, is_forced=False)

    pulls.run_reconciliations(bottega.kit, bottega.world.now + HOUR)
    doubted = [path for path in bottega.asked if path.endswith("/5007")]
    lookups.run(bottega.kit, bottega.world.now + HOUR)

    assert doubted == []
    assert bottega.deleted(Order) == {"5007"}


def test_what_lay_in_the_trash_before_is_not_looked_up_again(bottega: Bottega) -> None:
    bottega.world.now += HOUR
    bottega.remove("orders", 5007, is_forced=False)
    pulls.run_reconciliations(bottega.kit, bottega.world.now)
    lookups.run(bottega.kit, bottega.world.now)
    bottega.asked.clear()

    pulls.run_reconciliations(bottega.kit, bottega.world.now + HOUR)
    lookups.run(bottega.kit, bottega.world.now + HOUR)

    assert [path for path in bottega.asked if path.endswith("/5007")] == []


@pytest.mark.parametrize("engine", ["sqlite"])
def test_shopify_is_not_swept(settings: Settings, database: Database) -> None:
    seeds.new_store(database, platform="shopify")

    assert seeds.values_of(database, Chore, "name") == []


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_merchant_may_have_it_done_less_often(bottega: Bottega) -> None:
    with bottega.database.write() as session:
        store = session.get_one(Store, bottega.store_id)
        store.settings = {**store.settings, "reconcile.sweep_days": "30"}

    _sweep(bottega, NIGHT)

    assert bottega.chore("sweep.orders").next_at == sweeps.next_night(store, NIGHT + 29 * DAY)
