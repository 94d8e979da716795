"""What a batch looks up: what somebody asks for, by all likely keys at once, by the narrowest index."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import event

from app.db import Database
from app.flows.foreseen import Foreseen
from tests.conftest import NOW
from tests.flows.flows_world import World

DAY = timedelta(days=1)
MANY = 20
"""People for whom SQLite finds every index of a store's messages as good as another."""


class Reading:
    """What is known of numbers: of each odd one its double."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def __call__(self, numbers: Sequence[int]) -> dict[int, int]:
        self.asked.append(list(numbers))
        return {number: 2 * number for number in numbers if number % 2}


def test_all_likely_keys_are_looked_up_when_the_first_one_is_asked_for() -> None:
    reading = Reading()
    found = Foreseen(reading, iter([5, 2, 3]))
    before = list(reading.asked)

    told = [found.get(number) for number in (3, 2, 5, 7, 8, 7)]

    assert before == []
    assert told == [6, None, 10, 14, None, 14]
    assert reading.asked == [[2, 3, 5], [7], [8]]


def test_a_key_that_is_not_likely_is_looked_up_with_those_that_are() -> None:
    reading = Reading()

    assert Foreseen(reading, [1]).get(3) == 6
    assert reading.asked == [[1, 3]]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_an_order_that_no_step_asks_about_is_not_read(database: Database) -> None:
    world = World.open(database, "review", "cross_sell", "welcome")
    anna = world.customer("Anna")
    world.order(anna, "1", "A")
    world.happens("order.placed", anna, NOW - DAY, subject="order:1")
    world.happens("order.fulfilled", anna, NOW, subject="order:1")

    asked = _statements(world)

    assert world.journeys("step") == ["parcel"]
    tables = ("orders", "order_lines", "vouchers", "checkouts", "product_rhythms")
    assert not [one for one in asked for table in tables if f"FROM {table}" in one]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_messages_are_found_by_the_indexes_of_what_waits_and_of_what_was_asked(database: Database) -> None:
    world = World.open(database, "review")
    people = [world.customer(f"Anna{number}") for number in range(MANY)]
    for number, person in enumerate(people):
        world.order(person, f"{number}", f"A{number}", fulfilled_at=NOW - 40 * DAY)
        world.happens("order.fulfilled", person, NOW - 40 * DAY, subject=f"order:{number}")
        world.happens("order.delivered", person, NOW - 39 * DAY, subject=f"order:{number}")
    world.run(NOW - 39 * DAY)
    for person in people:
        world.happens("order.placed", person, NOW)
    database.take_stock()

    asked = _statements(world)

    assert world.messages("step") == ["M3"] * MANY
    ways = [way for one in asked if "FROM messages" in one for way in _ways(database, one)]
    of_customer, of_step = "(store_id=? AND customer_id=?", " AND flow_key=? AND step=?)"
    assert {way for way in ways if "customer_id=?" in way} == {
        f"SEARCH messages USING INDEX ix_messages_waiting {of_customer})",
        f"SEARCH messages USING COVERING INDEX ix_messages_review_asks {of_customer}{of_step}",
    }


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_timer_that_a_journey_left_behind_has_nothing_read(database: Database) -> None:
    world = World.open(database, "cross_sell")
    anna, bruno = world.customer("Anna"), world.customer("Bruno")
    for person, order in ((anna, "1"), (bruno, "2")):
        world.order(person, order, "A")
        world.happens("order.delivered", person, NOW - 15 * DAY, subject=f"order:{order}")
    world.run(NOW - 15 * DAY)
    world.happens("order.placed", anna, NOW - 5 * DAY, subject="order:3")
    world.run(NOW - 5 * DAY)
    asked: list[tuple[str, object]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *told: asked.append(told[2:4]))

    world.run(NOW)

    assert sorted(world.journeys("state")) == ["completed", "exited"]
    assert [values for words, values in asked if "FROM orders" in words] == [(world.store_id, '["2"]')]


def _statements(world: World) -> list[str]:
    """What is asked in the flows' next tick."""
    asked: list[str] = []
    event.listen(world.database.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    world.run(NOW)
    return list(asked)


def _ways(database: Database, statement: str) -> list[str]:
    with database.read() as session:
        values = (None,) * statement.count("?")
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        return [row.detail for row in plan]
