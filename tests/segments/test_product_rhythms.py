"""After how long the buyers of each product come back: learned from a shop with planted rhythms."""

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.db import Database, insert_rows, table_of
from app.models import Backfill, Customer, Order, OrderLine, ProductRhythm
from app.segments import product_rhythms, survival
from app.segments.product_rhythms import Past, review_days
from app.segments.survival import Return
from tests.conftest import NOW
from tests.seeds import add_customer, add_order, new_store, rows_of

DAY = timedelta(days=1)
WINDOW = 540
PLANTED = {"coffee": 28, "shampoo": 41, "filter": 90}
ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"])


@dataclass
class Seeder:
    """Orders of a whole shop in three statements."""

    store_id: int
    customers: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    lines: list[dict[str, Any]]

    def person(self) -> int:
        number = len(self.customers) + 1
        self.customers.append(
            {
                "id": number,
                "store_id": self.store_id,
                "identity": f"id:{number}",
                "created_at": NOW - 600 * DAY,
                "tags": [],
                "orders_count": 1,
            }
        )
        return number

    def order(self, person: int, paid_at: datetime, product: str, **values: Any) -> None:
        number = len(self.orders) + 1
        words = dict.fromkeys(("status", "financial_status", "fulfillment_status"), "paid")
        moments = dict.fromkeys(("placed_at", "paid_at", "source_updated_at"), paid_at)
        self.orders.append(
            {
                "id": number,
                "store_id": self.store_id,
                "external_id": f"o{number}",
                "number": f"#{number}",
                "customer_id": person,
                "currency": "EUR",
                "total_minor": 1000,
                "is_counted": True,
                "discount_codes": [],
                "deleted_at": None,
                **words,
                **moments,
                **values,
            }
        )
        self.lines.append(
            {
                "store_id": self.store_id,
                "order_id": number,
                "external_id": "L1",
                "product_external_id": product,
                "title": product,
                "quantity": 1,
                "current_quantity": 1,
                "total_minor": 1000,
            }
        )

    def write(self, database: Database) -> None:
        with database.write() as session:
            for model, rows in ((Customer, self.customers), (Order, self.orders), (OrderLine, self.lines)):
                insert_rows(session, table_of(model), rows)


def shop_with_rhythms(database: Database, people: int = 150) -> int:
    """People who each use one product up at its own pace; three in ten stop for good after any order."""
    store_id = new_store(database)
    seeder, chance = Seeder(store_id, [], [], []), random.Random(11)
    for product, median in PLANTED.items():
        for _ in range(people):
            person, at = seeder.person(), chance.uniform(0, WINDOW)
            while at <= WINDOW:
                seeder.order(person, NOW - (WINDOW - at) * DAY, product)
                at += median * math.exp(chance.gauss(0, 0.4)) if chance.random() < 0.7 else WINDOW + 1
    seeder.write(database)
    return store_id


def count(database: Database, store_id: int, now: datetime = NOW) -> dict[str, Return]:
    with database.read() as session:
        return product_rhythms.count(session, store_id, now)


def keep(database: Database, store_id: int, learned: dict[str, Return], now: datetime = NOW) -> int:
    with database.write() as session:
        return product_rhythms.keep(session, store_id, learned, now)


def test_planted_medians_are_learned_within_fifteen_percent(database: Database) -> None:
    store_id = shop_with_rhythms(database)

    found = count(database, store_id)

    assert {product: one.median_days for product, one in found.items()} == pytest.approx(PLANTED, rel=0.15)


@ON_SQLITE
def test_of_a_large_shop_a_part_tells_the_same(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    store_id = shop_with_rhythms(database, people=400)
    whole = count(database, store_id)
    monkeypatch.setattr(product_rhythms, "MOST_BUYERS", 400)

    part = count(database, store_id)

    assert sum(one.gaps for one in part.values()) < 0.5 * sum(one.gaps for one in whole.values())
    assert {product: one.median_days for product, one in part.items()} == pytest.approx(PLANTED, rel=0.15)


@ON_SQLITE
def test_orders_that_do_not_count_tell_nothing(database: Database) -> None:
    store_id = new_store(database)
    seeder = Seeder(store_id, [], [], [])
    for _ in range(60):
        person = seeder.person()
        seeder.order(person, NOW - 300 * DAY, "coffee")
        seeder.order(person, NOW - 300 * DAY, "cup")
        seeder.order(person, NOW - 295 * DAY, "coffee", is_counted=False)
        seeder.order(person, NOW - 294 * DAY, "coffee", deleted_at=NOW)
        seeder.order(person, NOW - 260 * DAY, "tea")
    seeder.write(database)

    found = count(database, store_id)

    # What is paid at the same moment is one purchase.
    assert {product: round(one.median_days) for product, one in found.items()} == {"coffee": 40, "cup": 40}


def learned(median: float, long: float | None = None, gaps: int = 63) -> Return:
    return Return(gaps, 40, 0.7, median, median - 3, median + 4, long)


def test_what_changes_is_kept_with_its_past(database: Database) -> None:
    store_id = new_store(database)

    changed = [
        keep(database, store_id, {"coffee": learned(40), "tea": learned(80)}, NOW - 21 * DAY),
        keep(database, store_id, {"coffee": learned(40, gaps=70), "tea": learned(100)}, NOW - 14 * DAY),
        keep(database, store_id, {"coffee": learned(40, gaps=75)}, NOW - 7 * DAY),
    ]

    rows = sorted(rows_of(database, ProductRhythm, "product_external_id", "learned_at", "until", "gaps"))
    assert changed == [2, 1, 1]
    assert rows == [
        ("coffee", NOW - 21 * DAY, None, 75),
        ("tea", NOW - 21 * DAY, NOW - 14 * DAY, 63),
        ("tea", NOW - 14 * DAY, NOW - 7 * DAY, 63),
    ]
    with database.read() as session:
        past = product_rhythms.past(session, store_id)
        now = product_rhythms.delays(session, store_id, ["coffee", "tea"])
    assert past.delays(["tea", "coffee"], NOW - 30 * DAY) == {}
    assert past.delays(["tea", "coffee"], NOW - 20 * DAY) == {"tea": 20, "coffee": 10}
    assert past.delays(["tea", "coffee"], NOW - 10 * DAY) == {"tea": 25, "coffee": 10}
    assert now == {"coffee": 10}


@ON_SQLITE
def test_the_same_night_twice_changes_nothing(database: Database) -> None:
    store_id = new_store(database)
    keep(database, store_id, {"coffee": learned(40)})

    assert keep(database, store_id, {"coffee": learned(40)}) == 0
    assert len(rows_of(database, ProductRhythm, "gaps")) == 1


@ON_SQLITE
def test_what_held_long_ago_goes(database: Database) -> None:
    store_id = new_store(database)
    keep(database, store_id, {"tea": learned(40)}, NOW - 800 * DAY)
    keep(database, store_id, {}, NOW - 500 * DAY)

    keep(database, store_id, {}, NOW)

    assert rows_of(database, ProductRhythm, "gaps") == []


@pytest.mark.parametrize(("median", "days"), [(3, 7), (28, 7), (41, 10), (90, 22), (120, 30), (400, 30)])
def test_the_review_is_asked_after_a_quarter_of_the_time_within_the_recipes_bounds(
    median: int, days: int
) -> None:
    class Row:
        median_days = median

    assert review_days(Row) == days


@ON_SQLITE
def test_a_store_has_its_first_nights_and_then_one_a_week(database: Database) -> None:
    new_store(database, installed_at=NOW)
    nights = [NOW + timedelta(hours=15) + number * DAY for number in range(17)]

    with database.read() as session:
        (store,) = product_rhythms.histories(session)
    due = [product_rhythms.is_due(store, night, night + DAY) for night in nights]
    made_up = [product_rhythms.is_due(store, night, night + 7 * DAY) for night in nights]

    assert due[:3] == [True] * 3
    assert sum(due[3:]) == 2
    # Who was away for a week makes the night up for, whichever it was.
    assert all(made_up)


@ON_SQLITE
def test_half_a_history_teaches_nothing(database: Database) -> None:
    store_id = new_store(database)
    with database.write() as session:
        session.add(Backfill(store_id=store_id, resource="orders", next_at=NOW, started_at=NOW))

    with database.read() as session:
        (store,) = product_rhythms.histories(session)
    assert not product_rhythms.is_due(store, NOW, NOW + DAY)


def test_the_last_orders_slowest_product_tells_how_long_silence_is_ordinary(database: Database) -> None:
    store_id = new_store(database)
    keep(database, store_id, {"coffee": learned(40, 60), "filter": learned(90, 130), "tea": learned(30)})
    with database.write() as session:
        people = [add_customer(session, store_id).id for _ in range(3)]
        baskets = (("filter",), ("coffee", "filter"), ("tea",))
        for person, products in zip(people, baskets, strict=True):
            _order(session, store_id, person, 90, "filter")
            _order(session, store_id, person, 50, *products)
        _order(session, store_id, people[0], 20, "coffee")
        _order(session, store_id, people[1], 20, "coffee", is_counted=False)

    with database.read() as session:
        found = product_rhythms.long_gaps(session, store_id, people)

    assert found == {people[0]: (60 * DAY, "coffee"), people[1]: (130 * DAY, "filter")}


def test_of_last_orders_that_were_paid_at_one_moment_all_products_tell(database: Database) -> None:
    store_id = new_store(database)
    keep(database, store_id, {"coffee": learned(40, 60), "filter": learned(90, 130), "tea": learned(30, 50)})
    with database.write() as session:
        person = add_customer(session, store_id).id
        for days, product in ((20, "coffee"), (20, "tea"), (50, "filter")):
            _order(session, store_id, person, days, product)

    with database.read() as session:
        found = product_rhythms.long_gaps(session, store_id, [person])

    assert found == {person: (60 * DAY, "coffee")}


def _order(session: Any, store_id: int, person: int, days: int, *products: str, **values: Any) -> None:
    order = add_order(session, store_id, person, placed_at=NOW - days * DAY, **values)
    for number, product in enumerate(products):
        row = {"store_id": store_id, "order_id": order.id, "external_id": f"L{number}", "title": product}
        amounts = {"quantity": 1, "current_quantity": 1, "total_minor": 100}
        session.add(OrderLine(product_external_id=product, **row, **amounts))


def test_nothing_is_known_of_a_shop_without_a_past() -> None:
    assert Past().delays(["coffee"], NOW) == {}
    assert survival.returning([]) is None
