"""A worker is killed while it reconciles two stores at once: the next brings the rest, nothing twice."""

import multiprocessing
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from app.config import Settings
from app.db import Database
from app.mirror import pulls as rows
from app.models import CustomerEvent, Order, Store
from app.runtime import Runtime
from connectors.channels.local import LocalChannel
from connectors.sandbox.model import SHOPIFY, WOOCOMMERCE
from jobs import pulls
from jobs.kit import Kit
from tests.connectors.sandbox.sandbox_fake_world import order, small_world
from tests.jobs.jobs_shopify import Reader, Shop, connect, grown_world, running_shop
from tests.jobs.jobs_woo import Bottega, running_bottega
from tests.seeds import rows_of

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
FIRST, NEW = 6_000_000_000_000_000_000, 23
WHOLE = "SeveralOrders"
"""The call that brings ten of Shopify's orders whole; the first ten are kept by the second."""
PATIENCE_SECONDS = 60


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A shop of forty orders on Shopify."""
    with running_shop(grown_world()) as running:
        yield running


@pytest.fixture
def reader(settings: Settings, database: Database, shop: Shop) -> Reader:
    """The history of that shop was read; newer orders were not."""
    found = connect(settings, database, shop)
    found.finish()
    for number in range(NEW):
        moment = found.now + timedelta(minutes=number)
        shop.world.add_order(order(9000 + number, FIRST + number % 10, SHOPIFY, placed_at=moment))
    return found


@pytest.fixture
def bottega(settings: Settings, database: Database, reader: Reader) -> Iterator[Bottega]:
    """The same of a store on WooCommerce, in the same database."""
    with running_bottega(settings, database, small_world()) as found:
        found.mirror(found.world.now)
        for number in range(NEW):
            moment = found.world.now + timedelta(minutes=number)
            found.world.add_order(order(8000 + number, 1, WOOCOMMERCE, placed_at=moment))
        with database.write() as session:
            for store_id in (reader.store_id, found.store_id):
                rows.ensure_reconciliations(session, session.get_one(Store, store_id), reader.now)
        yield found


def test_two_stores_that_were_being_reconciled_are_whole_after_the_next_turn(
    reader: Reader, shop: Shop, bottega: Bottega
) -> None:
    now = reader.now + timedelta(hours=2)
    shop.world.now = bottega.world.now = now
    both, is_dead, turns = threading.Barrier(2, timeout=PATIENCE_SECONDS), threading.Event(), count()
    worker = multiprocessing.get_context("spawn").Process(
        target=_reconcile_alone, args=(reader.kit.runtime.settings.model_dump(), now)
    )

    def _stand_still(name: str) -> None:
        """Both shops are in the middle of an answer when it happens."""
        is_time = next(turns) == 1 if name == WHOLE else name.endswith("/orders")
        if is_time and not is_dead.is_set():
            if both.wait() == 0:
                worker.kill()
                is_dead.set()
            assert is_dead.wait(PATIENCE_SECONDS)

    shop.on_call = bottega.instead = _stand_still
    worker.start()
    worker.join(PATIENCE_SECONDS)
    half = _new_orders(reader)
    _let_leases_end(reader, bottega)
    done = pulls.run_reconciliations(reader.kit, now)

    events = rows_of(reader.database, CustomerEvent, "store_id", "subject", "type")
    told = Counter(one for one in events if one[-1].startswith("order."))
    assert worker.exitcode == -9
    assert half == {reader.store_id: 10}
    assert done["reconciled"] > 0
    assert _new_orders(reader) == {reader.store_id: NEW, bottega.store_id: NEW}
    assert max(told.values()) == 1


def _reconcile_alone(values: dict[str, Any], now: datetime) -> None:
    """The whole life of the worker."""
    kit = Kit.build(Runtime.of_operator(Settings(**values)), LocalChannel(None))
    pulls.run_reconciliations(kit, now)


def _let_leases_end(reader: Reader, bottega: Bottega) -> None:
    with reader.database.write() as session:
        for store_id in (reader.store_id, bottega.store_id):
            rows.release_own(session, store_id)


def _new_orders(reader: Reader) -> Counter[int]:
    found = rows_of(reader.database, Order, "store_id", "external_id")
    return Counter(store_id for store_id, name in found if name.startswith(("8", "9")))
