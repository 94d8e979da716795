"""Pulls that something comes between: they outlast a lease, are taken over, or their shop is gone."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select

from app.config import Settings
from app.db import Database, table_of
from app.mirror import pulls as rows
from app.models import Customer, Order, Reconciliation, Store
from app.stores import install
from connectors.base import Resource
from connectors.sandbox.model import SHOPIFY
from connectors.storefronts.shopify import bulk_history
from jobs import pulls
from tests.connectors.sandbox.sandbox_fake_world import order
from tests.jobs.jobs_shopify import Reader, Shop, connect
from tests.seeds import values_of

FIRST = 6_000_000_000_000_000_000
WHOLE = "SeveralOrders"
"""The call that brings ten orders whole; twenty-three new ones take three."""
NEW = 23
RECONCILIATIONS = table_of(Reconciliation)


@pytest.fixture
def newcomer(settings: Settings, database: Database, shop: Shop) -> Reader:
    """A worker that has read nothing yet."""
    return connect(settings, database, shop)


@pytest.fixture
def reader(newcomer: Reader, shop: Shop) -> Reader:
    """A worker that has read the history, and does not know of the newest orders."""
    newcomer.finish()
    with newcomer.database.write() as session:
        rows.ensure_reconciliations(session, session.get_one(Store, newcomer.store_id), newcomer.now)
    for number in range(NEW):
        moment = newcomer.now + timedelta(minutes=number)
        shop.world.add_order(order(9000 + number, FIRST + number % 10, SHOPIFY, placed_at=moment))
    shop.asked.clear()
    return newcomer


def test_a_pull_is_held_anew_with_all_that_it_brings(reader: Reader, shop: Shop) -> None:
    held_until: list[datetime] = []
    shop.on_call = _at(WHOLE, lambda _turn: held_until.append(_held_until(reader)))

    _reconcile(reader, shop)

    assert len(held_until) == 3
    assert held_until == sorted(set(held_until))
    assert _new_orders(reader) == NEW


def test_who_lost_a_pull_brings_no_more_of_it_and_the_next_brings_the_rest(
    reader: Reader, shop: Shop
) -> None:
    def _lose(turn: int) -> None:
        if turn == 1:
            with reader.database.write() as session:
                since = reader.now - timedelta(days=1)
                rows.catch_up(session, reader.store_id, Resource.ORDERS, since=since, now=reader.now)

    shop.on_call = _at(WHOLE, _lose)

    _reconcile(reader, shop)

    assert _new_orders(reader) == NEW
    # Ten were kept; ten that came too late are asked for once more, with the three that were not asked for.
    assert shop.calls().count(WHOLE) == 4


def test_a_store_that_is_disconnected_while_it_is_reconciled_is_asked_and_mirrored_no_more(
    reader: Reader, shop: Shop
) -> None:
    shop.on_call = _at(WHOLE, lambda turn: _disconnect(reader) if turn == 1 else None)

    _reconcile(reader, shop)
    asked = len(shop.asked)
    _reconcile(reader, shop)

    assert shop.calls().count(WHOLE) == 2
    assert len(shop.asked) == asked
    assert _new_orders(reader) == 10


@pytest.mark.parametrize("turn", range(6))
def test_a_store_that_is_disconnected_during_its_bulk_operation_is_asked_and_mirrored_no_more(
    newcomer: Reader, shop: Shop, turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_history, "PAGE_RECORDS", 7)
    turns = count()
    mirrored: list[int] = []

    def _gone(_name: str) -> None:
        if next(turns) == turn:
            _disconnect(newcomer)
            mirrored.append(_mirrored(newcomer))

    shop.on_call = _gone
    for _ in range(20):
        newcomer.step()
        newcomer.now += timedelta(minutes=5)
    asked = len(shop.asked)
    for _ in range(5):
        newcomer.step()
        newcomer.now += timedelta(hours=1)

    assert mirrored == [_mirrored(newcomer)]
    assert len(shop.asked) == asked
    assert newcomer.rows() == {}


def _at(name: str, act: Callable[[int], object]) -> Callable[[str], Any]:
    """Something that happens whenever the shop is asked for that, by the number of the time."""
    turns = count()

    def _hear(asked: str) -> None:
        if asked == name:
            act(next(turns))

    return _hear


def _reconcile(reader: Reader, shop: Shop) -> None:
    reader.now += timedelta(hours=2)
    shop.world.now = max(shop.world.now, reader.now)
    pulls.run_reconciliations(reader.kit, reader.now)


def _disconnect(reader: Reader) -> None:
    with reader.database.write() as session:
        assert install.uninstall(session, session.get_one(Store, reader.store_id), reader.now)


def _held_until(reader: Reader) -> datetime:
    with reader.database.read() as session:
        mine = (RECONCILIATIONS.c.store_id == reader.store_id, RECONCILIATIONS.c.resource == "orders")
        found: datetime = session.execute(select(RECONCILIATIONS.c.lease_until).where(*mine)).scalar_one()
        return found


def _new_orders(reader: Reader) -> int:
    return sum(name.startswith("9") for name in values_of(reader.database, Order, "external_id"))


def _mirrored(reader: Reader) -> int:
    return sum(len(values_of(reader.database, model, "id")) for model in (Customer, Order))
