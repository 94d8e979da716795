"""Checkouts from either shop to the timeline: pulled, settled by the clock, ended by their order."""

from datetime import timedelta
from typing import Any

import pytest

from app.config import Settings
from app.db import Database
from app.mirror import pulls as rows
from app.models import Checkout, CustomerEvent, Store
from connectors.sandbox.model import SHOPIFY, WOOCOMMERCE
from jobs import checkouts, pulls
from jobs.kit import Kit
from tests.connectors.sandbox.sandbox_fake_world import NOW, FakeWorld, checkout, order, small_world
from tests.jobs.jobs_shopify import connect, running_shop
from tests.jobs.jobs_woo import running_bottega
from tests.seeds import rows_of

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BEGUN = NOW + 10 * MINUTE


def live(kit: Kit, store_id: int, world: FakeWorld, platform: str, household: int) -> list[Any]:
    """Two checkouts of one person, an hour, an order; what was told and how the rows stand after each."""
    for number in (771, 772):
        world.checkouts[number] = checkout(number, household, platform, started_at=BEGUN)
    seen = [pull(kit, store_id, world, NOW + 20 * MINUTE)]
    checkouts.run(kit, NOW + 2 * HOUR)
    seen.append(told(kit))
    bought = order(9_000, household, platform, placed_at=NOW + 3 * HOUR)
    world.add_order(bought)
    pull(kit, store_id, world, NOW + 4 * HOUR)
    ended = rows_of(kit.runtime.database, Checkout, "external_id", "order_external_id", "recovery_url")
    return [*seen, sorted(ended)]


def pull(kit: Kit, store_id: int, world: FakeWorld, now: Any) -> list[Any]:
    """One reconciliation of everything; the checkouts that there are then."""
    world.now = now
    with kit.runtime.database.write() as session:
        store = session.get_one(Store, store_id)
        rows.ensure_reconciliations(session, store, now)
        mine = rows.RECONCILIATIONS.c.store_id == store_id
        session.execute(rows.RECONCILIATIONS.update().where(mine).values(next_at=now, pulled_to=NOW))
    pulls.run_reconciliations(kit, now)
    return sorted(rows_of(kit.runtime.database, Checkout, "external_id", "total_minor", "customer_id"))


def told(kit: Kit) -> list[str]:
    kinds = [row[0] for row in rows_of(kit.runtime.database, CustomerEvent, "type")]
    return sorted(kind for kind in kinds if kind.startswith("checkout."))


TWICE = ["checkout.abandoned", "checkout.abandoned", "checkout.started", "checkout.started"]
ENDED = [("771", "9000", None), ("772", "9000", None)]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_shopifys_checkouts_are_pulled_and_ended(settings: Settings, database: Database) -> None:
    world = small_world()
    with running_shop(world) as shop:
        reader = connect(settings, database, shop)
        reader.finish()
        first, events, ended = live(reader.kit, reader.store_id, world, SHOPIFY, 2)

    assert [row[:2] for row in first] == [("771", 900), ("772", 900)]
    assert all(row[2] for row in first)
    assert (events, ended) == (TWICE, ENDED)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_woocommerces_drafts_are_pulled_and_ended(settings: Settings, database: Database) -> None:
    world = small_world()
    with running_bottega(settings, database, world) as bottega:
        bottega.mirror(NOW)
        first, events, ended = live(bottega.kit, bottega.store_id, world, WOOCOMMERCE, 1)

    assert [row[:2] for row in first] == [("771", 900), ("772", 900)]
    assert all(row[2] for row in first)
    assert (events, ended) == (TWICE, ENDED)
    assert [row[0] for row in rows_of(database, Checkout, "currency")] == ["USD", "USD"]
