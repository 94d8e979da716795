"""The holdout arm. Source: PRODUCT.md section 2, holdout arm."""

import pytest
from sqlalchemy import select

from app.db import Database
from app.flows.definition import recipe
from app.flows.holdout import is_held_out
from app.models import FlowVersion
from tests.conftest import NOW
from tests.flows.flows_world import SUBSCRIBED, World

VECTORS = {
    ("bottega.example", "welcome", "1"): 17,
    ("bottega.example", "welcome", "anna@example.com"): 13,
    ("aurora.myshopify.com", "birthday", "7061584052480"): 92,
}
"""int(sha256("{domain}:{flow}:{person}")) % 100, computed with sha256sum and a pocket calculator."""


@pytest.mark.parametrize(("key", "place"), VECTORS.items())
def test_the_arm_is_the_hash_of_domain_flow_and_person(key: tuple[str, str, str], place: int) -> None:
    domain, flow, person = key

    arms = [
        is_held_out(domain=domain.upper(), flow=flow, person=person, percent=n) for n in (place, place + 1)
    ]

    assert arms == [False, True]


@pytest.mark.parametrize(("percent", "least", "most"), [(0, 0, 0), (10, 900, 1100), (50, 4800, 5200)])
def test_the_share_is_what_the_merchant_set(percent: int, least: int, most: int) -> None:
    held_out = sum(
        is_held_out(domain="bottega.example", flow="welcome", person=str(n), percent=percent)
        for n in range(10_000)
    )

    assert least <= held_out <= most


def test_who_is_held_out_gets_the_promised_answer_alone(database: Database) -> None:
    world = World.open(database, "welcome", settings={"rails.holdout_percent": "50"})
    people = {name: world.customer(name) for name in map(str, range(20))}
    for person in people.values():
        world.happens("consent.changed", person, NOW, SUBSCRIBED)

    for day in (0, 2, 4, 7, 9):
        world.run(NOW.replace(day=2 + day))

    held_out = {
        person
        for name, person in people.items()
        if is_held_out(domain="bottega.example", flow="welcome", person=name, percent=50)
    }
    states = dict(world.journeys("customer_id", "state"))
    messages = world.messages("customer_id", "step")
    assert {person for person, state in states.items() if state == "held_out"} == held_out
    assert 0 < len(held_out) < 20
    assert {step for person, step in messages if person in held_out} == {"W1"}
    assert {step for person, step in messages if person not in held_out} == {"W1", "W2", "W3", "W4", "W6"}
    assert world.decisions("reason") == ["held-out"] * len(held_out)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_flow_without_an_answer_sends_the_arm_nothing(database: Database) -> None:
    world = World.open(database, "review", settings={"rails.holdout_percent": "50"})
    held_out = next(
        name
        for name in map(str, range(100))
        if is_held_out(domain="bottega.example", flow="review", person=name, percent=50)
    )
    anna = world.customer(held_out)
    world.order(anna, "100", "A")
    world.happens("order.delivered", anna, NOW, subject="order:100")

    world.run(NOW.replace(day=30))

    assert world.messages() == []
    assert world.journeys("state") == ["held_out"]
    assert world.decisions("step", "reason") == [("M3", "held-out")]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_arm_gets_no_marketing_that_is_due_at_once(database: Database) -> None:
    world = World.open(database, "welcome", settings={"rails.holdout_percent": "50"})
    definition = recipe("welcome").model_dump(mode="json")
    for step in definition["entries"][0]["steps"]:
        if step["kind"] == "message":
            step["purpose"] = "marketing"
    with database.write() as session:
        versions = select(FlowVersion).where(FlowVersion.store_id == world.store_id)
        for version in session.scalars(versions.where(FlowVersion.flow_key == "welcome")):
            version.definition = definition
    for name in map(str, range(10)):
        world.happens("consent.changed", world.customer(name), NOW, SUBSCRIBED)

    world.run(NOW)

    written = set(world.messages("customer_id"))
    states = dict(world.journeys("customer_id", "state"))
    assert {person for person, state in states.items() if state == "active"} == written
    assert 0 < len(written) < 10


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_guests_arm_is_that_of_the_address(database: Database) -> None:
    world = World.open(database, "welcome", settings={"rails.holdout_percent": "14"})
    guest = world.customer(
        "guest", external_id=None, identity="email:anna@example.com", email="anna@example.com"
    )
    world.happens("consent.changed", guest, NOW, SUBSCRIBED)

    world.run(NOW)

    assert world.journeys("state") == ["held_out"]
