"""Deliveries overtake each other: whatever their order and their batches, the mirror ends the same."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Base, Database, table_of
from app.mirror.parcels import OrderNotMirrored
from app.models import (
    ConsentState,
    Customer,
    CustomerEvent,
    Fulfillment,
    Order,
    OrderLine,
    Product,
    ProductVariant,
    Refund,
    Voucher,
)
from connectors.base import ConsentUpdate, Record
from tests.conftest import NOW
from tests.mirror.mirror_news import (
    PLACED,
    euros,
    line,
    order,
    parcel,
    parcel_news,
    person,
    product,
    refund,
    refund_news,
    said,
    tell,
)
from tests.seeds import add_customer, new_store

HOUR = timedelta(hours=1)
CODE = "ABCD-EFGH-IJKL"
LOCAL = frozenset(
    {"id", "store_id", "customer_id", "order_id", "product_id", "redeemed_order_id", "created_at"}
)
"""Columns that number rows; the same thing has another number in each store."""


@pytest.mark.parametrize("seeds", [range(20)], ids=["20 shuffles"])
def test_shuffled_deliveries_give_the_same_tables(database: Database, seeds: range) -> None:
    expected = _mirrored(database, "in-order", [[record] for record in deliveries_of_two_weeks()])

    found = {seed: _mirrored(database, f"shuffled-{seed}", _shuffled(seed)) for seed in seeds}

    differences = {seed: _differences(expected, tables) for seed, tables in found.items()}
    assert {seed: lines for seed, lines in differences.items() if lines} == {}


def test_deliveries_told_three_times_give_the_same_tables(database: Database) -> None:
    expected = _mirrored(database, "once", [[record] for record in deliveries_of_two_weeks()])

    found = _mirrored(
        database, "thrice", [[record] for record in deliveries_of_two_weeks() for _ in range(3)]
    )

    assert _differences(expected, found) == []


def test_one_large_batch_gives_the_same_tables(database: Database) -> None:
    expected = _mirrored(database, "one by one", [[record] for record in deliveries_of_two_weeks()])

    found = _mirrored(database, "at once", [deliveries_of_two_weeks()])

    assert _differences(expected, found) == []


def deliveries_of_two_weeks() -> list[Record]:
    """Two weeks of two shops' worth of news, as each delivery said it, in the order of their moments."""
    return [*_annas_order(), *_brunos_order(), *_people(), *_goods()]


def _annas_order() -> list[Record]:
    """Paid later than placed, sent in two parcels, refunded twice; orders/paid shares its second."""
    anna = person("C1", "anna@example.com", first_name="Anna")
    placed = order("100", customer=anna, financial_status="pending", is_paid=False, discount_codes=(CODE,))
    paid = placed._replace(financial_status="paid", is_paid=True, updated_at=PLACED + HOUR)
    partly = paid._replace(
        fulfillment_status="partial",
        fulfillments=(parcel("F1", PLACED + 2 * HOUR),),
        updated_at=PLACED + 2 * HOUR,
    )
    sent = partly._replace(
        fulfillment_status="fulfilled",
        fulfilled_at=PLACED + 3 * HOUR,
        fulfillments=(parcel("F1", PLACED + 2 * HOUR), parcel("F2", PLACED + 3 * HOUR)),
        updated_at=PLACED + 3 * HOUR,
    )
    arrived = sent._replace(
        delivered_at=PLACED + 6 * HOUR,
        fulfillments=(
            parcel("F1", PLACED + 2 * HOUR, PLACED + 5 * HOUR),
            parcel("F2", PLACED + 3 * HOUR, PLACED + 6 * HOUR),
        ),
        updated_at=PLACED + 6 * HOUR,
    )
    first, second = (refund("10.00", PLACED + 7 * HOUR, "R1"), refund("5.00", PLACED + 8 * HOUR, "R2"))
    refunded = arrived._replace(refunds=(first,), updated_at=PLACED + 7 * HOUR)
    again = arrived._replace(refunds=(first, second), updated_at=PLACED + 8 * HOUR)
    return [
        placed,
        paid._replace(paid_at=PLACED + HOUR),
        paid,
        parcel_news("F1", PLACED + 2 * HOUR),
        partly,
        sent,
        parcel_news("F1", PLACED + 2 * HOUR, PLACED + 5 * HOUR),
        parcel_news("F2", PLACED + 3 * HOUR, PLACED + 6 * HOUR),
        arrived,
        refund_news("10.00", PLACED + 7 * HOUR),
        refunded,
        refund_news("5.00", PLACED + 8 * HOUR, external_id="R2"),
        again,
    ]


def _brunos_order() -> list[Record]:
    """A guest's, changed by the merchant, cancelled and taken back."""
    bruno = person(None, "bruno@example.com", first_name="Bruno", updated_at=PLACED)
    placed = order("200", customer=bruno, lines=(line("P1"), line("P2", "20.00")), total=euros("120.00"))
    edited = placed._replace(lines=(line("P2", "25.00"),), total=euros("25.00"), updated_at=PLACED + HOUR)
    cancelled = edited._replace(
        status="cancelled", cancelled_at=PLACED + 2 * HOUR, updated_at=PLACED + 2 * HOUR
    )
    return [placed, edited, cancelled, edited._replace(updated_at=PLACED + 4 * HOUR)]


def _people() -> list[Record]:
    anna = person(
        "C1", "anna@example.com", first_name="Anna", phone="+390111234567", updated_at=PLACED + HOUR
    )
    moved = anna._replace(city="Torino", birth_month=5, birth_day=9, updated_at=PLACED + 3 * HOUR)
    return [
        anna,
        moved,
        ConsentUpdate("C1", said("subscribed", PLACED + HOUR), email="anna@example.com"),
        ConsentUpdate("C1", said("unsubscribed", PLACED + 4 * HOUR), email="anna@example.com"),
        ConsentUpdate("C1", said("subscribed", PLACED + 9 * HOUR), email="anna@example.com"),
        ConsentUpdate("C1", said("subscribed", PLACED + 2 * HOUR, "sms"), phone="+390111234567"),
    ]


def _goods() -> list[Record]:
    return [
        product("P1"),
        product("P1", title="New", cross_sell_external_ids=("P9",), updated_at=PLACED + HOUR),
        product("P1", title="Newest", is_available=False, updated_at=PLACED + 2 * HOUR),
    ]


def _shuffled(seed: int) -> list[list[Record]]:
    """The deliveries in any order, some twice, in batches of any size."""
    dice = random.Random(seed)
    deliveries = deliveries_of_two_weeks()
    deliveries += dice.sample(deliveries, 5)
    dice.shuffle(deliveries)
    batches: list[list[Record]] = []
    while deliveries:
        size = dice.randint(1, 6)
        batches.append(deliveries[:size])
        deliveries = deliveries[size:]
    return batches


Tables = dict[str, list[tuple[Any, ...]]]


def _mirrored(database: Database, word: str, batches: list[list[Record]]) -> Tables:
    """What a fresh store's tables hold after these batches; what comes before its order waits."""
    store_id = new_store(database, word)
    add_voucher(database, store_id)
    waiting = batches
    while waiting:
        batch, *waiting = waiting
        try:
            tell(database, store_id, *batch)
        except OrderNotMirrored:
            waiting += [[record] for record in batch]
    return tables_of(database, store_id)


def tables_of(database: Database, store_id: int) -> Tables:
    """What a store's tables hold, but for the numbers of rows."""
    with database.read() as session:
        tables = {model.__tablename__: _rows(session, store_id, model) for model in _MIRROR}
        tables["customer_events"] = _entries(session, store_id)
    return tables


_MIRROR: tuple[type[Base], ...] = (
    ConsentState,
    Customer,
    Fulfillment,
    Order,
    OrderLine,
    Product,
    ProductVariant,
    Refund,
    Voucher,
)


def _rows(session: Session, store_id: int, model: type[Base]) -> list[tuple[Any, ...]]:
    table = table_of(model)
    columns = [column for column in table.columns if column.name not in LOCAL]
    found = session.execute(select(*columns).where(table.c.store_id == store_id))
    return sorted((tuple(row) for row in found), key=repr)


def _entries(session: Session, store_id: int) -> list[tuple[Any, ...]]:
    """What the orders went through; who learns of the last refund first never hears of the one before."""
    table = table_of(CustomerEvent)
    kinds = ("order.placed", "order.paid", "order.fulfilled", "order.delivered")
    found = session.execute(
        select(table.c.type, table.c.subject).where(table.c.store_id == store_id, table.c.type.in_(kinds))
    )
    return sorted((tuple(row) for row in found), key=repr)


def _differences(expected: Tables, found: Tables) -> list[str]:
    return [
        f"{name}: {sorted(set(map(repr, rows)) ^ set(map(repr, found[name])))}"
        for name, rows in expected.items()
        if found[name] != rows
    ]


def add_voucher(database: Database, store_id: int, at: datetime = NOW) -> None:
    """The code that one of the orders is paid with."""
    with database.write() as session:
        owner = add_customer(session, store_id, "C9")
        session.add(
            Voucher(
                store_id=store_id,
                customer_id=owner.id,
                enrollment_id=1,
                name="welcome",
                flow_key="welcome",
                code=CODE,
                kind="percentage",
                value="10",
                expires_at=at,
                minted_at=PLACED,
            )
        )
