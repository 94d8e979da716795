"""Flows are switched on and off; people in flight stay on the version they entered."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.db import Database
from app.errors import NotFound
from app.flows import switch
from app.flows.definition import recipe, recipe_keys
from app.models import Flow, FlowVersion
from tests.conftest import NOW
from tests.flows.flows_world import SUBSCRIBED, World
from tests.seeds import new_store, rows_of, values_of

DAY = timedelta(days=1)


def test_a_store_gets_every_recipe_switched_off(database: Database) -> None:
    store_id = new_store(database)

    with database.write() as session:
        switch.ensure_flows(session, store_id, NOW)
        listed = switch.listing(session, store_id)

    assert [(flow.key, flow.is_active, flow.version) for flow in listed] == [
        (key, False, 1) for key in recipe_keys()
    ]
    assert len(values_of(database, FlowVersion, "id")) == len(recipe_keys())


def test_switching_on_twice_keeps_the_first_moment(database: Database) -> None:
    store_id = new_store(database)

    with database.write() as session:
        switch.activate(session, store_id, "welcome", NOW)
        switch.activate(session, store_id, "welcome", NOW + DAY)

    assert _since(database, "welcome") == [(True, NOW)]


def test_switching_on_again_forgets_what_happened_meanwhile(database: Database) -> None:
    world = World.open(database, "welcome")
    anna, bruno = world.customer(), world.customer()
    with database.write() as session:
        switch.deactivate(session, world.store_id, "welcome", NOW)
        switch.activate(session, world.store_id, "welcome", NOW)
    world.happens("consent.changed", anna, NOW - DAY, SUBSCRIBED)
    world.happens("consent.changed", bruno, NOW, SUBSCRIBED)

    world.run(NOW)

    assert world.journeys("customer_id") == [bruno]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_flow_that_is_switched_off_lets_nobody_in_and_its_journeys_go_on(database: Database) -> None:
    world = World.open(database, "welcome")
    anna, bruno = world.customer(), world.customer()
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)
    world.run(NOW)

    with database.write() as session:
        switch.deactivate(session, world.store_id, "welcome", NOW)
    world.happens("consent.changed", bruno, NOW, SUBSCRIBED)
    world.run(NOW + 2 * DAY)

    assert world.messages("customer_id", "step") == [(anna, "W1"), (anna, "W2")]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_an_unknown_flow_is_not_found(database: Database) -> None:
    store_id = new_store(database)

    with database.read() as session:
        with pytest.raises(NotFound, match="nonsense"):
            switch.activate(session, store_id, "nonsense", NOW)
        with pytest.raises(NotFound, match="nonsense"):
            switch.deactivate(session, store_id, "nonsense", NOW)


def test_people_in_flight_stay_on_the_version_that_they_entered(database: Database) -> None:
    world = World.open(database, "welcome")
    anna, bruno = world.customer(), world.customer()
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)
    world.run(NOW)
    old_version, new_version = _publish_shorter_welcome(database, world.store_id)

    world.happens("consent.changed", bruno, NOW, SUBSCRIBED)
    for day in range(11):
        world.run(NOW + day * DAY)

    assert world.journeys("customer_id", "version_id", "state") == [
        (anna, old_version, "completed"),
        (bruno, new_version, "completed"),
    ]
    steps = world.messages("customer_id", "step")
    assert [step for person, step in steps if person == anna] == ["W1", "W2", "W3", "W4", "W6"]
    assert [step for person, step in steps if person == bruno] == ["W1", "W2"]


def test_an_exit_of_the_old_version_still_ends_its_journeys(database: Database) -> None:
    world = World.open(database, "welcome")
    anna = world.customer()
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)
    world.run(NOW)
    _publish_shorter_welcome(database, world.store_id)

    world.happens("order.paid", anna, NOW + DAY)
    world.run(NOW + 2 * DAY)

    assert world.journeys("state", "exit_reason") == [("exited", "order.paid")]


def _publish_shorter_welcome(database: Database, store_id: int) -> tuple[int, int]:
    """A second version whose consent entry ends after W2 and knows no exits; both versions' ids."""
    definition = recipe("welcome").model_dump(mode="json")
    entry = definition["entries"][0]
    ids = [step["id"] for step in entry["steps"]]
    entry["steps"] = [step for step in entry["steps"][: ids.index("W2") + 1] if step["kind"] != "split"]
    entry["exits"] = []
    with database.write() as session:
        flow = session.execute(
            select(Flow).where(Flow.store_id == store_id, Flow.key == "welcome")
        ).scalar_one()
        old_id = flow.version_id
        version = FlowVersion(
            store_id=store_id, flow_key="welcome", number=2, definition=definition, created_at=NOW
        )
        session.add(version)
        session.flush()
        flow.version_id = version.id
        return old_id, version.id


def _since(database: Database, key: str) -> list[tuple[object, ...]]:
    rows = rows_of(database, Flow, "key", "is_active", "active_since")
    return [row[1:] for row in rows if row[0] == key]
