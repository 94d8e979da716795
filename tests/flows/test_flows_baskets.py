"""The abandoned checkout: one series for the newest basket, ended by whatever ends its reason."""

from datetime import timedelta
from typing import Any

import pytest

from app.db import Database
from app.flows.definition import recipe
from tests.conftest import NOW
from tests.flows.flows_world import UNSUBSCRIBED, World
from tests.seeds import add_checkout

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LEFT = NOW - HOUR
"""When the basket was touched last: an hour before it counts as abandoned."""
ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"])
PERK = {"abandoned_checkout.perk": "on"}


@pytest.fixture
def world(database: Database) -> World:
    """A shop that reminds of baskets and lets the last reminder carry a perk."""
    return World.open(database, "abandoned_checkout", settings=PERK)


def leave(world: World, customer_id: int, name: str = "70", at: Any = NOW, **values: Any) -> None:
    """Somebody leaves a basket, which counts as abandoned at that moment."""
    with world.database.write() as session:
        row = {"started_at": at - 2 * HOUR, "source_updated_at": at - HOUR, **values}
        add_checkout(session, world.store_id, customer_id, name, **row)
    world.happens("checkout.abandoned", customer_id, at, subject=f"checkout:{name}")


def test_three_reminders_follow_an_hour_a_day_and_three_days_after_the_last_touch(world: World) -> None:
    anna = world.customer("anna")
    leave(world, anna)

    world.run(NOW + 10 * DAY)

    assert world.messages("step", "due_at", "expires_at", "priority", "purpose") == [
        ("A1", LEFT + HOUR, LEFT + 13 * HOUR, 2, "marketing"),
        ("A2", LEFT + DAY, LEFT + DAY + 12 * HOUR, 2, "marketing"),
        ("A3", LEFT + 3 * DAY, LEFT + 3 * DAY + 12 * HOUR, 2, "marketing"),
    ]
    assert world.messages("context")[0]["checkout"] == "70"
    assert world.journeys("occurrence", "state") == [("checkout:70", "completed")]


@ON_SQLITE
def test_without_the_merchants_leave_there_is_no_perk(database: Database) -> None:
    world = World.open(database, "abandoned_checkout")
    leave(world, world.customer("anna"))

    world.run(NOW + 10 * DAY)

    assert world.messages() == ["A1", "A2"]
    assert ("A3", "trigger-false") in world.decisions()


@ON_SQLITE
@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("order.placed", {}),
        ("consent.changed", UNSUBSCRIBED),
        ("message.complained", {}),
        ("message.bounced", {"is_hard": True}),
    ],
)
def test_what_ends_the_reason_ends_the_series(world: World, kind: str, details: dict[str, Any]) -> None:
    anna = world.customer("anna")
    leave(world, anna)
    world.run(NOW)

    world.happens(kind, anna, NOW + HOUR, details)
    world.run(NOW + 10 * DAY)

    assert world.messages() == ["A1"]
    assert world.journeys("state", "exit_reason") == [("exited", kind)]
    assert world.still_stopped() == ["A1"]


@ON_SQLITE
def test_an_order_from_before_the_basket_was_left_ends_nothing(world: World) -> None:
    anna = world.customer("anna")
    leave(world, anna)
    world.happens("order.placed", anna, NOW - 5 * HOUR)

    world.run(NOW + 2 * DAY)

    assert world.messages() == ["A1", "A2"]


@ON_SQLITE
@pytest.mark.parametrize("later", [timedelta(0), 5 * HOUR])
def test_the_newest_basket_takes_the_series_over(world: World, later: timedelta) -> None:
    anna = world.customer("anna")
    leave(world, anna, "70")
    leave(world, anna, "71", NOW + later)

    world.run(NOW + 10 * DAY)

    states = dict(world.journeys("subject", "state"))
    assert states == {"checkout:70": "exited", "checkout:71": "completed"}
    assert [context["checkout"] for step, context in world.messages("step", "context") if step != "A1"] == [
        "71",
        "71",
    ]


@ON_SQLITE
def test_an_older_basket_that_is_heard_of_later_takes_nothing_over(world: World) -> None:
    anna = world.customer("anna")
    leave(world, anna, "71", NOW)
    world.run(NOW)

    leave(world, anna, "70", NOW - 5 * HOUR)
    world.run(NOW + 10 * DAY)

    assert dict(world.journeys("subject", "state")) == {"checkout:70": "exited", "checkout:71": "completed"}


@ON_SQLITE
@pytest.mark.parametrize("change", [{"deleted_at": NOW + HOUR}, {"completed_at": NOW}, {"lines": []}])
def test_a_basket_that_is_gone_bought_or_empty_is_not_spoken_of_again(
    world: World, change: dict[str, Any]
) -> None:
    leave(world, world.customer("anna"))
    world.run(NOW)

    world.change_checkout("70", **change)
    world.run(NOW + 10 * DAY)

    assert world.messages() == ["A1"]
    assert world.journeys("state") == ["completed"]


@ON_SQLITE
def test_history_begins_no_series(world: World) -> None:
    anna = world.customer("anna")
    world.happens("checkout.abandoned", anna, NOW, subject="checkout:70", history=True)
    world.happens("checkout.abandoned", anna, NOW - 90 * DAY, subject="checkout:71")

    world.run(NOW + DAY)

    assert world.journeys() == []


def test_every_reminder_asks_again_when_it_leaves() -> None:
    asked = [step.only_if for step in recipe("abandoned_checkout").messages()]

    assert all({"enrollment-alive", "basket-stands"} <= set(names) for names in asked)
