"""A shop that shows the orders of 60 days only: who bought before that is no first-time buyer."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from app.config import Settings
from app.db import Database
from app.flows import facts
from app.messaging.conditions import first_false
from app.mirror.apply import apply_records
from app.models import Customer, Order, Store
from app.segments import classing
from app.stores import commands
from connectors.base import OrderRecord, Resource
from connectors.sandbox.model import SHOPIFY
from connectors.storefronts.shopify.api import ShopifyStorefront
from connectors.transport import StoreTransport
from tests.connectors.sandbox.sandbox_fake_world import NOW, order, product, shopper, small_world
from tests.jobs.jobs_shopify import Reader, Shop, connect, running_shop
from tests.seeds import rows_of

RECENT_ONLY = "read_customers,read_discounts,read_fulfillments,read_orders,read_products"
OLD, NEW = 2, 4


@pytest.fixture
def shop() -> Iterator[Shop]:
    """One customer who bought once, 100 days ago, and one who never did."""
    world = small_world()
    world.orders.clear()
    for household in (OLD, NEW):
        world.shoppers[household] = shopper(household, SHOPIFY, phone="")
    world.products[501], world.products[502] = product(501, SHOPIFY), product(502, SHOPIFY)
    world.add_order(order(2000, OLD, SHOPIFY, placed_at=NOW - timedelta(days=100)))
    with running_shop(world, scopes=RECENT_ONLY) as running:
        yield running


@pytest.fixture
def reader(settings: Settings, database: Database, shop: Shop) -> Reader:
    """A worker that has read the history."""
    found = connect(settings, database, shop)
    found.finish()
    return found


def test_the_store_says_that_it_has_recent_orders_only(reader: Reader) -> None:
    shown = commands.show(reader.kit.runtime, reader.store_id)

    assert shown["backfill"]["orders_of_days"] == 60
    assert rows_of(reader.database, Order) == []


def test_orders_that_are_counted_and_not_shown_are_known(reader: Reader) -> None:
    assert rows_of(reader.database, Customer, "external_id", "orders_count", "earlier_orders") == [
        ("2", 0, 1),
        ("4", 0, 0),
        ("6", 0, 0),
    ]
    with reader.database.read() as session:
        people = session.query(Customer).filter(Customer.store_id == reader.store_id).order_by(Customer.id)
        shown = classing.kept(session, reader.store_id, people, reader.now)
    assert list(shown.values()) == [("one-shot",), ("non-customer",), ("non-customer",)]


@pytest.mark.parametrize("is_told_first", [False, True])
def test_only_who_never_bought_places_a_first_order(
    reader: Reader, shop: Shop, *, is_told_first: bool
) -> None:
    later = NOW + timedelta(hours=1)
    for number, household in ((3000, OLD), (3001, NEW)):
        shop.world.add_order(order(number, household, SHOPIFY, placed_at=later))
    shop.world.now = later + timedelta(minutes=10)
    orders = [("3000", Resource.ORDERS), ("3001", Resource.ORDERS)]
    people = [(str(OLD), Resource.CUSTOMERS), (str(NEW), Resource.CUSTOMERS)]

    for external_id, resource in people + orders if is_told_first else orders + people:
        _tell(reader, shop, external_id, resource)

    assert _first_orders(reader) == {"3000": False, "3001": True}
    assert [row[1] for row in rows_of(reader.database, Customer, "external_id", "earlier_orders")] == [
        1,
        0,
        0,
    ]


def test_an_order_by_webhook_is_not_the_first_though_it_tells_no_number(reader: Reader, shop: Shop) -> None:
    later = NOW + timedelta(hours=1)
    shop.world.add_order(order(3000, OLD, SHOPIFY, placed_at=later))
    shop.world.now = later + timedelta(minutes=10)

    _tell(reader, shop, "3000", Resource.ORDERS, is_numbered=False)

    assert _first_orders(reader) == {"3000": False}


def _tell(
    reader: Reader, shop: Shop, external_id: str, resource: Resource, *, is_numbered: bool = True
) -> None:
    transport = StoreTransport(allow_private=True)
    storefront = ShopifyStorefront(
        f"{shop.url}/shopify/{{shop}}", "sandbox-aurora.myshopify.com", shop.token(), transport
    )
    record = storefront.fetch(resource, external_id)
    assert record is not None
    if isinstance(record, OrderRecord) and record.customer is not None and not is_numbered:
        record = record._replace(customer=record.customer._replace(platform_orders_count=None))
    with reader.database.write() as session:
        store = session.get_one(Store, reader.store_id)
        apply_records(session, reader.kit.runtime.signer, store, [record], now=shop.world.now)


def _first_orders(reader: Reader) -> dict[str, bool]:
    """Whether each order is somebody's first, as the flows see it."""
    with reader.database.read() as session:
        store = session.get_one(Store, reader.store_id)
        placed = list(session.query(Order).filter(Order.store_id == store.id))
        people = [found.customer_id or 0 for found in placed]
        names = [found.external_id for found in placed]
        subjects = [f"order:{name}" for name in names]
        batch = facts.load(session, store, customer_ids=people, subjects=subjects)
        return {
            name: first_false(
                ("is-first-order",),
                facts.conditions(
                    batch,
                    enrollment_id=None,
                    is_stopped=False,
                    customer=batch.customers[person],
                    subject=f"order:{name}",
                    entered_at=None,
                ),
            )
            is None
            for name, person in zip(names, people, strict=True)
        }
