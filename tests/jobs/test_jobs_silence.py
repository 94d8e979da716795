"""A Shopify shop is looked at daily, too: its permissions, and whether any webhook arrives."""

from datetime import timedelta

import pytest

from app.config import Settings
from app.db import Database
from app.models import InboundEvent, Order, Store
from app.web import attention
from jobs import identities
from tests.jobs.jobs_shopify import Reader, Shop, connect

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def reader(settings: Settings, database: Database, shop: Shop) -> Reader:
    """A worker that has read the history, a day later; one order was placed two hours ago."""
    found = connect(settings, database, shop)
    found.finish()
    found.now += DAY
    _order_now(found)
    return found


def _order_now(reader: Reader) -> None:
    """One order was placed two hours ago."""
    with reader.database.write() as session:
        order = session.query(Order).filter(Order.store_id == reader.store_id).order_by(Order.id).first()
        assert order is not None
        order.placed_at = reader.now - 2 * HOUR


def _silent(reader: Reader) -> list[int]:
    """What the home page says of webhooks that do not arrive."""
    with reader.database.read() as session:
        store = session.get_one(Store, reader.store_id)
        items = attention.of_store(
            session, store, has_sender=True, active_flows=1, grant_url="/", ways_out=[]
        )
        return [item.n for item in items if item.key == "webhooks_silent"]


def _deliver(reader: Reader, ago: timedelta) -> None:
    moment = reader.now - ago
    event = InboundEvent(
        store_id=reader.store_id,
        source="shopify",
        topic="orders/create",
        dedupe_key=str(ago),
        received_at=moment,
        next_at=moment,
        status="done",
    )
    with reader.database.write() as session:
        session.add(event)


def test_orders_without_any_webhook_are_told(reader: Reader) -> None:
    _deliver(reader, 2 * DAY)

    identities.run(reader.kit, reader.now)

    assert _silent(reader) == [1]


def test_a_webhook_of_the_day_is_enough_and_ends_the_notice(reader: Reader) -> None:
    identities.run(reader.kit, reader.now)
    told = _silent(reader)
    reader.now += DAY
    _order_now(reader)
    _deliver(reader, HOUR)

    identities.run(reader.kit, reader.now)

    assert (told, _silent(reader)) == ([1], [])


def test_a_day_without_orders_is_no_silence(reader: Reader) -> None:
    reader.now += 2 * DAY

    identities.run(reader.kit, reader.now)

    assert _silent(reader) == []


def test_permissions_that_were_taken_back_are_seen_without_a_webhook(reader: Reader, shop: Shop) -> None:
    with reader.database.write() as session:
        session.get_one(Store, reader.store_id).scopes = ["read_orders"]

    identities.run(reader.kit, reader.now)

    with reader.database.read() as session:
        granted = session.get_one(Store, reader.store_id).scopes
    assert set(granted) == set(shop.app.scopes.split(","))
