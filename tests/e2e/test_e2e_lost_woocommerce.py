"""Ten thousand changes of a WooCommerce, a tenth never delivered: one reconciliation makes it equal."""

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from app.config import Settings
from app.db import Database
from app.mirror import pulls as rows
from app.models import Order, Store
from connectors.sandbox.model import WOOCOMMERCE
from connectors.sandbox.woo_payloads import webhook
from jobs import inbox, lookups, pulls
from tests import seeds
from tests.connectors.sandbox.sandbox_fake_world import NOW, PLACED, FakeWorld, order, small_world
from tests.jobs.jobs_seed import delivery, receive
from tests.jobs.jobs_woo import Bottega, running_bottega

pytestmark = pytest.mark.oracle

CHANGES, LOST, FIRST = 10_000, 0.1, 10_000
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
LATER = NOW + DAY
TOLD = ("external_id", "financial_status", "total_minor", "refunded_minor")


@pytest.fixture
def bottega(settings: Settings, database: Database) -> Iterator[Bottega]:
    """A store of five thousand paid orders, mirrored as a whole."""
    world = small_world()
    for number in range(CHANGES // 2):
        world.add_order(order(FIRST + number, 1, WOOCOMMERCE, placed_at=PLACED + number * SECOND))
    with running_bottega(settings, database, world) as found:
        found.mirror(NOW)
        with database.write() as session:
            rows.ensure_reconciliations(session, session.get_one(Store, found.store_id), NOW)
        yield found


def _change(world: FakeWorld, number: int, at: datetime) -> int:
    """Half of the changes are new orders, the other half gives an old one back in part."""
    basket = FIRST + number
    if number >= CHANGES // 2:
        world.add_order(order(basket, 1, WOOCOMMERCE, placed_at=at, paid_at=at, fulfilled_at=None))
        return basket
    placed = world.orders[basket]
    lines = (placed.lines[0].line_id,)
    world.add_order(replace(placed, refunded_at=at, refunded_minor=100, refunded_lines=lines))
    return basket


def _mirrored(database: Database) -> set[tuple[object, ...]]:
    return {tuple(row) for row in seeds.rows_of(database, Order, *TOLD)}


def _true(world: FakeWorld) -> set[tuple[object, ...]]:
    """What the shop knows of its orders, in the mirror's words."""
    orders = (found for found in world.orders.values() if found.platform == WOOCOMMERCE)
    return {
        (str(one.basket), _money_state(one.refunded_minor), one.total_minor, one.refunded_minor)
        for one in orders
    }


def _money_state(refunded_minor: int) -> str:
    return "partially_refunded" if refunded_minor else "paid"


def test_a_tenth_of_ten_thousand_changes_lost_is_made_good_by_one_reconciliation(
    bottega: Bottega, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn, lost, bodies = random.Random(7), 0, []
    for number in range(CHANGES):
        at = NOW + (number + 1) * SECOND
        bottega.world.now = at
        basket = _change(bottega.world, number, at)
        if drawn.random() < LOST:
            lost += 1
            continue
        body = json.dumps(webhook("order.updated", bottega.world, basket, at)).encode()
        bodies.append(delivery(bottega.store_id, "order.updated", body, str(number), source="woocommerce"))
    bottega.world.now = LATER
    receive(bottega.database, bodies)
    while inbox.run(bottega.kit, LATER + 365 * DAY)["received"]:
        pass
    by_webhooks = _mirrored(bottega.database)

    bottega.asked.clear()
    pulls.run_reconciliations(bottega.kit, LATER)
    lookups.run(bottega.kit, LATER)

    behind = len(_true(bottega.world) - by_webhooks)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{CHANGES} changes, {lost} lost, {behind} orders behind; {len(bottega.asked)} calls\n"
        )
    assert behind == lost
    assert _mirrored(bottega.database) == _true(bottega.world)
