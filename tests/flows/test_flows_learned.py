"""What the shop's orders taught decides when a review is asked and who counts as silent, and says so."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest

from app.db import Database
from app.flows import learned
from app.flows.learned import Lesson
from app.flows.why import Answer, why
from app.models import Store
from app.segments import product_rhythms, standing
from app.segments.survival import Return
from tests.conftest import NOW
from tests.engines import Engine
from tests.flows.flows_world import World
from tests.seeds import add_product

DAY = timedelta(days=1)
DELIVERED = NOW - 20 * DAY
COFFEE = Return(63, 40, 0.7, 41, 38, 46, 80)
DRILL = Return(50, 40, 0.2, 120, 90, 150, 200)


@pytest.fixture(scope="module")
def world(_sqlite: Engine) -> Iterator[World]:
    """A shop that learned of two products thirty days ago, and of one that it learned nothing of."""
    database = Database(_sqlite.create())
    world = World.open(database, "review", "reactivation")
    with database.write() as session:
        for product, kind in (("coffee", "food"), ("drill", "tools"), ("lamp", "lighting")):
            add_product(session, world.store_id, product, title=product.title(), product_type=kind)
    teach(world, {"coffee": COFFEE, "drill": DRILL}, NOW - 30 * DAY)
    yield world
    database.dispose()


def teach(world: World, found: dict[str, Return], at: datetime) -> None:
    with world.database.write() as session:
        product_rhythms.keep(session, world.store_id, found, at)


def delivered(world: World, name: str, *products: str) -> int:
    person = world.customer()
    world.order(person, name, *products, delivered_at=DELIVERED)
    subject = f"order:{name}"
    world.happens("order.delivered", person, DELIVERED, subject=subject)
    world.run(DELIVERED)
    return person


def ask(world: World, person: int, flow: str, on: date) -> Answer:
    with world.database.read() as session:
        store = session.get_one(Store, world.store_id)
        return why(session, store, person, flow_key=flow, on=on, now=NOW)


@pytest.mark.parametrize(
    ("products", "days"),
    [(("coffee",), 10), (("drill", "coffee"), 30), (("lamp",), 14), (("coffee", "lamp"), 14)],
)
def test_the_ask_waits_as_long_as_the_slowest_product_teaches(
    world: World, products: tuple[str, ...], days: int
) -> None:
    person = delivered(world, "-".join(products), *products)

    due = [row[1] for row in world.journeys("customer_id", "due_at") if row[0] == person]
    assert due == [DELIVERED + days * DAY]


def test_why_names_the_product_that_decided_the_wait(world: World) -> None:
    person = delivered(world, "why", "coffee")

    found = [one for one in ask(world, person, "review", NOW.date()).findings if one.code == "delay-learned"]
    assert [(one.what, one.numbers) for one in found] == [
        ("Coffee", {"days": 10, "median_days": 41, "gaps": 63})
    ]


def test_what_was_learned_after_the_wait_decided_nothing(world: World) -> None:
    person = delivered(world, "later", "lamp")
    teach(world, {"coffee": COFFEE, "drill": DRILL, "lamp": Return(50, 40, 0.5, 56, 50, 60, 90)}, NOW)

    codes = [one.code for one in ask(world, person, "review", NOW.date()).findings]
    teach(world, {"coffee": COFFEE, "drill": DRILL}, NOW + timedelta(seconds=1))
    assert "delay-learned" not in codes


def test_silence_is_measured_by_the_last_orders_product_and_says_so(world: World) -> None:
    person = world.customer(orders_count=1, last_paid_at=NOW - 130 * DAY, first_paid_at=NOW - 130 * DAY)
    world.order(person, "silent", "coffee", placed_at=NOW - 130 * DAY)
    settle = (NOW - 11 * DAY, NOW - 9 * DAY)

    for at in settle:
        with world.database.write() as session:
            standing.settle(session, session.get_one(Store, world.store_id), [person], at)
            changed = standing.settle(session, session.get_one(Store, world.store_id), [person], at)
        assert changed == 0

    answer = ask(world, person, "reactivation", (NOW - 9 * DAY).date())
    found = [(one.at, one.what, one.numbers) for one in answer.findings if one.code == "gap-learned"]
    assert found == [(NOW - 10 * DAY, "Coffee", {"days": 80})]


def test_the_lessons_are_shown_with_what_the_type_alone_would_say(world: World) -> None:
    with world.database.read() as session:
        found = learned.lessons(session, world.store_id, most=1)

    assert found == [
        Lesson(
            external_id="coffee",
            title="Coffee",
            review_days=10,
            default_days=7,
            median_days=41,
            low_days=38,
            high_days=46,
            long_days=80,
            gaps=63,
            people=40,
            share_percent=70,
        )
    ]
