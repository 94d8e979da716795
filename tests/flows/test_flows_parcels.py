"""Reviews and cross-selling follow an order's parcel: their dues, what they speak of, what ends them."""

from datetime import timedelta
from typing import Any

import pytest

from app.db import Database
from tests.conftest import NOW
from tests.flows.flows_world import World
from tests.seeds import add_product

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(("kind", "days"), [("Coffee", 7), ("Shoes", 10), ("Puzzle", 14), ("Furniture", 30)])
@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_review_is_asked_when_the_dearest_products_were_used(
    database: Database, kind: str, days: int
) -> None:
    world = World.open(database, "review")
    anna = _with_order(world, kinds={"A": "Coffee", "B": kind, "C": "Coffee", "D": "Furniture"})
    world.happens("order.fulfilled", anna, NOW, subject="order:100")
    world.happens("order.delivered", anna, NOW + 2 * DAY, subject="order:100")

    world.run(NOW + 40 * DAY)

    ((step, due_at, context),) = world.messages("step", "due_at", "context")[:1]
    assert (step, due_at) == ("M3", NOW + (2 + days) * DAY)
    assert [item["external_id"] for item in context["products"]] == ["A", "B", "C"]


def test_a_parcel_that_never_came_is_taken_as_delivered_after_a_week(database: Database) -> None:
    world = World.open(database, "review")
    anna = _with_order(world, kinds={"A": "Coffee"})
    world.happens("order.fulfilled", anna, NOW, subject="order:100")

    world.run(NOW + 20 * DAY)

    assert world.messages("step", "due_at") == [("M3", NOW + 14 * DAY)]


def test_a_parcel_that_never_came_takes_the_shops_median_time(database: Database) -> None:
    world = World.open(database, "review")
    anna = _with_order(world, kinds={"A": "Coffee"})
    for number in range(20):
        world.order(
            anna, f"past-{number}", fulfilled_at=NOW - 30 * DAY, delivered_at=NOW - 30 * DAY + 3 * DAY
        )
    world.happens("order.fulfilled", anna, NOW, subject="order:100")

    world.run(NOW + 20 * DAY)

    assert world.messages("step", "due_at") == [("M3", NOW + 10 * DAY)]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_parcel_that_comes_after_the_wait_moves_nothing(database: Database) -> None:
    world = World.open(database, "review")
    anna = _with_order(world, kinds={"A": "Coffee"})
    world.happens("order.fulfilled", anna, NOW, subject="order:100")
    world.run(NOW + 8 * DAY)

    world.happens("order.delivered", anna, NOW + 9 * DAY, subject="order:100")
    world.run(NOW + 20 * DAY)

    assert world.messages("step", "due_at") == [("M3", NOW + 14 * DAY)]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_arrival_of_another_order_is_not_waited_for(database: Database) -> None:
    world = World.open(database, "review")
    anna = _with_order(world, kinds={"A": "Coffee"})
    world.happens("order.fulfilled", anna, NOW, subject="order:100")
    world.run(NOW)

    world.happens("order.delivered", anna, NOW + DAY, subject="order:999")
    world.run(NOW + DAY)

    assert world.journeys("occurrence", "waits_for")[0] == ("order:100", "order.delivered")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_an_order_heard_of_by_its_arrival_is_asked_about_too(database: Database) -> None:
    world = World.open(database, "review")
    anna = _with_order(world, kinds={"A": "Coffee"})
    world.happens("order.delivered", anna, NOW, subject="order:100")
    world.run(NOW)

    world.happens("order.fulfilled", anna, NOW - DAY, subject="order:100")
    world.run(NOW + 10 * DAY)

    assert world.messages("step", "due_at") == [("M3", NOW + 7 * DAY)]


def test_the_reminder_follows_the_ask_that_left(database: Database) -> None:
    world = World.open(database, "review")
    anna = _with_order(world, kinds={"A": "Coffee"})
    world.happens("order.delivered", anna, NOW, subject="order:100")
    world.run(NOW + 7 * DAY)
    world.sent("M3", NOW + 7 * DAY)

    world.run(NOW + 14 * DAY)

    assert world.messages("step", "due_at") == [("M3", NOW + 7 * DAY), ("M3R", NOW + 14 * DAY)]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_no_reminder_without_an_ask(database: Database) -> None:
    world = World.open(database, "review")
    anna = _with_order(world, kinds={"A": "Coffee"})
    world.happens("order.delivered", anna, NOW, subject="order:100")
    world.run(NOW + 7 * DAY)
    world.stopped("M3")

    world.run(NOW + 14 * DAY)

    assert world.messages() == ["M3"]
    assert ("M3R", "trigger-false") in world.decisions("step", "reason")


def test_a_refund_ends_review_and_cross_sell_of_its_order_alone(database: Database) -> None:
    world = World.open(database, "review", "cross_sell")
    anna = _with_order(world, kinds={"A": "Coffee"})
    world.order(anna, "200", "A")
    world.happens("order.delivered", anna, NOW, subject="order:100")
    world.happens("order.delivered", anna, NOW, subject="order:200")
    world.run(NOW)

    world.happens("order.refunded", anna, NOW + DAY, subject="order:100")
    world.run(NOW + DAY)

    assert sorted(world.journeys("flow_key", "occurrence", "state")) == [
        ("cross_sell", "order:100", "exited"),
        ("cross_sell", "order:200", "active"),
        ("review", "order:100", "exited"),
        ("review", "order:200", "active"),
    ]


@pytest.mark.parametrize(
    ("at", "state"), [(NOW, "active"), (NOW + timedelta(seconds=1), "exited")], ids=["same moment", "later"]
)
@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_later_order_ends_a_cross_sell(database: Database, at: Any, state: str) -> None:
    world = World.open(database, "cross_sell")
    anna = _with_order(world, kinds={"A": "Coffee"})
    world.happens("order.delivered", anna, NOW, subject="order:100")
    world.run(NOW)

    world.happens("order.placed", anna, at, subject="order:200")
    world.run(NOW + HOUR)

    assert world.journeys("state") == [state]


def test_cross_sell_offers_the_complement_and_then_its_shipping(database: Database) -> None:
    world = World.open(database, "cross_sell")
    anna = _with_order(world, kinds={"A": "Coffee"}, complements={"A": ["Z"]})
    _add_products(world, {"Z": "Coffee"})
    world.happens("order.delivered", anna, NOW, subject="order:100")
    world.run(NOW + 14 * DAY)
    world.sent("X1", NOW + 14 * DAY)

    world.run(NOW + 28 * DAY)

    offered = world.messages("step", "due_at", "context")
    assert [(step, due_at) for step, due_at, _ in offered] == [
        ("X1", NOW + 14 * DAY),
        ("X2", NOW + 28 * DAY),
    ]
    assert offered[0][2]["products"] == [{"external_id": "Z", "with": "Title of A", "why": "merchant"}]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_without_a_complement_nothing_is_offered(database: Database) -> None:
    world = World.open(database, "cross_sell")
    anna = _with_order(world, kinds={"A": "Coffee"})
    world.happens("order.delivered", anna, NOW, subject="order:100")

    world.run(NOW + 28 * DAY)

    assert world.messages() == []
    assert world.journeys("state", "exit_reason") == [("completed", "no-complement")]


def test_a_product_is_asked_about_once_even_within_one_batch(database: Database) -> None:
    world = World.open(database, "review")
    anna = _with_order(world, kinds={"A": "Coffee", "B": "Coffee"})
    world.order(anna, "200", "B")
    world.happens("order.delivered", anna, NOW, subject="order:100")
    world.happens("order.delivered", anna, NOW + HOUR, subject="order:200")

    world.run(NOW + 8 * DAY)

    asked = [[item["external_id"] for item in context["products"]] for context in world.messages("context")]
    assert asked == [["A", "B"]]
    assert ("order:200", "nothing-to-ask") in world.journeys("occurrence", "exit_reason")


def test_a_timer_of_an_older_turn_is_stale(database: Database) -> None:
    world = World.open(database, "review")
    anna = _with_order(world, kinds={"A": "Furniture"})
    world.happens("order.fulfilled", anna, NOW, subject="order:100")
    world.run(NOW)
    world.happens("order.delivered", anna, NOW + DAY, subject="order:100")
    world.run(NOW + DAY)

    world.run(NOW + 7 * DAY)

    assert world.journeys("step", "due_at") == [("to-M3", NOW + 31 * DAY)]
    assert world.messages() == []


def _with_order(
    world: World, *, kinds: dict[str, str], complements: dict[str, list[str]] | None = None
) -> int:
    """A customer whose order 100 holds products of these kinds, the first the dearest."""
    anna = world.customer(first_paid_at=NOW - DAY, orders_count=1)
    _add_products(world, kinds, complements)
    world.order(anna, "100", *kinds, placed_at=NOW - DAY)
    return anna


AT_ONCE = {
    "key": "birthday",
    "entries": [
        {
            "id": "thanks",
            "events": ["order.paid"],
            "occurrence": "{subject}",
            "steps": [
                {"kind": "choose", "id": "which", "chooser": "complement", "if_none": "none"},
                {"kind": "message", "id": "B1", "purpose": "marketing", "priority": 4, "ttl_hours": 72,
                 "content": "birthday/B1"},
            ],
        }
    ],
}  # fmt: skip
"""A flow that offers what goes with an order on the spot."""


def test_what_goes_with_an_order_is_chosen_on_the_spot_too(database: Database) -> None:
    """The merchant's own choice is by the order's products, whatever event it is that asks for them."""
    world = World.open(database)
    world.publish(AT_ONCE)
    anna = world.customer()
    _add_products(world, {"candle": "", "holder": ""}, {"candle": ["holder"]})
    world.order(anna, "1", "candle", placed_at=NOW, paid_at=NOW)
    world.happens("order.paid", anna, NOW, subject="order:1")

    world.run(NOW)

    assert world.messages("step") == ["B1"]


def _add_products(
    world: World, kinds: dict[str, str], complements: dict[str, list[str]] | None = None
) -> None:
    with world.database.write() as session:
        for product, kind in kinds.items():
            chosen = (complements or {}).get(product, [])
            add_product(session, world.store_id, product, product_type=kind, cross_sell_ids=chosen)
