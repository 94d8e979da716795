"""Ticket bands: the shop's thirds, the merchant's own thresholds, and who is looked at when they move."""

from datetime import timedelta

import pytest

from app.db import Database
from app.flows.definition import recipe
from app.models import CustomerState, Store
from app.runtime import Runtime
from app.segments import classing, standing, tickets
from app.segments.bands import Bands, band_of, terciles
from app.stores import settings
from app.stores.definitions import DEFINITIONS
from jobs import daily
from jobs.schedule import Slot
from tests.conftest import NOW
from tests.flows.flows_world import World
from tests.jobs.jobs_seed import kit_of
from tests.seeds import add_customer, new_store, rows_of

DAY = timedelta(days=1)
ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"])


@pytest.mark.parametrize(
    ("averages", "bands"),
    [
        ([10, 20, 30], Bands(20, 30)),
        ([1, 2, 3, 4, 5, 6], Bands(3, 5)),
        ([10, 10, 10, 10], Bands(10, 11)),
        ([10] * 7 + [20] * 2 + [30], Bands(10, 20)),
        ([10, 20], None),
        ([], None),
    ],
)
def test_the_shops_thirds_are_told_by_ranks_and_equals_share(
    averages: list[int], bands: Bands | None
) -> None:
    assert terciles(averages) == bands


@pytest.mark.parametrize(
    ("average", "band"),
    [(2999, "low-ticket"), (3000, "middle-ticket"), (8000, "high-ticket"), (0, "low-ticket"), (None, None)],
)
def test_a_threshold_belongs_to_the_band_above_it(average: int | None, band: str | None) -> None:
    assert band_of(average, Bands(3000, 8000)) == band
    assert band_of(average, None) is None


def settle(runtime: Runtime, store_id: int, people: list[int]) -> None:
    with runtime.database.write() as session:
        standing.settle(session, session.get_one(Store, store_id), people, NOW)


def bands_tonight(runtime: Runtime) -> int:
    (job,) = [one for one in daily.CALENDAR if one.name == "ticket_bands"]
    return job.run(kit_of(runtime), Slot(NOW, NOW + DAY), NOW)


@pytest.fixture
def shop(runtime: Runtime) -> tuple[int, list[int]]:
    """Three buyers with averages of 10, 20 and 30 euros, and one who never bought."""
    store_id = new_store(runtime.database)
    with runtime.database.write() as session:
        people = [
            add_customer(
                session,
                store_id,
                orders_count=2 if spent else 0,
                total_spent_minor=2 * spent,
                last_paid_at=NOW - DAY if spent else None,
            ).id
            for spent in (1000, 2000, 3000, 0)
        ]
    settle(runtime, store_id, people)
    return store_id, people


def classes(runtime: Runtime) -> list[list[str]]:
    return [row[1] for row in sorted(rows_of(runtime.database, CustomerState, "customer_id", "classes"))]


def test_the_first_night_puts_every_buyer_into_a_band(runtime: Runtime, shop: tuple[int, list[int]]) -> None:
    store_id, people = shop
    before = classes(runtime)

    moved = bands_tonight(runtime)

    settle(runtime, store_id, people)
    assert (moved, before[0]) == (3, ["repeat"])
    assert classes(runtime) == [
        ["repeat", "low-ticket"],
        ["repeat", "middle-ticket"],
        ["repeat", "high-ticket"],
        ["non-customer"],
    ]


@ON_SQLITE
def test_the_merchants_thresholds_move_those_between_and_nobody_else(
    runtime: Runtime, shop: tuple[int, list[int]]
) -> None:
    store_id, people = shop
    bands_tonight(runtime)
    with runtime.database.write() as session:
        store = session.get_one(Store, store_id)
        settings.write(session, store, {tickets.SETTING: " 20, 40 "}, vault=runtime.vault)

    moved, again = bands_tonight(runtime), bands_tonight(runtime)

    settle(runtime, store_id, people)
    assert (moved, again) == (1, 0)
    assert [found[-1] for found in classes(runtime)[:3]] == ["low-ticket", "middle-ticket", "middle-ticket"]


@ON_SQLITE
def test_thirds_are_counted_anew_after_a_week(runtime: Runtime, shop: tuple[int, list[int]]) -> None:
    store_id, _ = shop
    bands_tonight(runtime)

    with runtime.database.read() as session:
        store = session.get_one(Store, store_id)
        found = [tickets.wanted(session, store, NOW + days * DAY) for days in (1, 6, 7)]

    assert found == [None, None, Bands(2000, 3000)]


@pytest.mark.parametrize("text", ["80,30", "30", "0,5", "ten,twenty", "1,2,3"])
def test_thresholds_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        DEFINITIONS[tickets.SETTING].rule.check(text)


@ON_SQLITE
def test_who_was_not_looked_at_yet_has_the_classes_of_the_sums(
    runtime: Runtime, shop: tuple[int, list[int]]
) -> None:
    store_id, _ = shop
    with runtime.database.write() as session:
        fresh = add_customer(session, store_id, orders_count=1, discounted_count=1, last_paid_at=NOW)
        known = add_customer(session, store_id, orders_count=0)
        found = classing.kept(session, store_id, [fresh, known], NOW)

    assert list(found.values()) == [("one-shot", "promo"), ("non-customer",)]


@pytest.fixture
def world(database: Database) -> World:
    return World.open(database)


@ON_SQLITE
@pytest.mark.parametrize(
    ("asked", "steps"),
    [
        ("of-class:one-shot", ["X1"]),
        ("not-of-class:one-shot", []),
        ("of-class:high-ticket", []),
        ("not-of-class:promo", ["X1"]),
    ],
)
def test_a_step_may_ask_for_a_class(world: World, asked: str, steps: list[str]) -> None:
    definition = recipe("cross_sell").model_dump(mode="json")
    entry = definition["entries"][0]
    (message,) = [step for step in entry["steps"] if step["id"] == "X1"]
    entry["steps"] = [message | {"only_if": [asked]}]
    world.publish(definition)
    person = world.customer(orders_count=1, last_paid_at=NOW - DAY)

    world.order(person, "1", "coffee")
    world.happens("order.delivered", person, NOW, subject="order:1")
    world.run(NOW)

    assert world.messages() == steps


def test_a_class_that_there_is_none_of_is_refused_with_those_that_there_are() -> None:
    definition = recipe("cross_sell").model_dump(mode="json")
    definition["entries"][0]["only_if"] = ["of-class:vip"]

    with pytest.raises(ValueError, match=r"unknown class 'vip' in of-class:vip; there are non-customer"):
        type(recipe("cross_sell")).model_validate(definition)
