"""At one moment neither the order of rows, nor that of arrival, nor where a batch is cut decides anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from app import timeline
from app.db import Database
from app.flows import work
from app.models import Store
from app.timeline import NewEvent
from tests.conftest import NOW
from tests.flows.flows_world import SUBSCRIBED, UNSUBSCRIBED, World
from tests.seeds import add_checkout

DAY = timedelta(days=1)
EVERY_FLOW = ("welcome", "review", "cross_sell", "abandoned_checkout")
CUTS = (1, 3, 500)
"""The most entries of a batch."""
WAITING = {
    "key": "birthday",
    "entries": [
        {
            "id": "waiting",
            "events": ["order.placed"],
            "occurrence": "{subject}",
            "exits": [{"event": "order.cancelled", "about": "own"}],
            "steps": [
                {"kind": "wait-for", "id": "parcel", "event": "order.fulfilled", "anchor": "entered",
                 "days_home": 3, "days_abroad": 3, "sets": "left"},
                {"kind": "message", "id": "B1", "purpose": "service", "priority": 4, "ttl_hours": 72,
                 "content": "birthday/B1"},
                {"kind": "wait", "id": "later", "anchor": "left", "days": 1},
                {"kind": "message", "id": "B2", "purpose": "service", "priority": 4, "ttl_hours": 72,
                 "content": "birthday/B2"},
            ],
        }
    ],
}  # fmt: skip
"""A flow that waits for what may happen at its own moment."""


@dataclass(frozen=True)
class Happening:
    """One entry; `{n}` in its subject is the number of whom it happens to."""

    kind: str
    subject: str = "consent:email"
    details: Mapping[str, Any] = field(default_factory=dict)


AGREED = Happening("consent.changed", details=SUBSCRIBED)
REFUSED = Happening("consent.changed", details=UNSUBSCRIBED)
PAID = Happening("order.paid", "order:{n}1")
PAID_TOO = Happening("order.paid", "order:{n}2")
PLACED = Happening("order.placed", "order:{n}1")
PLACED_TOO = Happening("order.placed", "order:{n}2")
FULFILLED = Happening("order.fulfilled", "order:{n}1")
DELIVERED = Happening("order.delivered", "order:{n}1")
DELIVERED_TOO = Happening("order.delivered", "order:{n}2")
REFUNDED = Happening("order.refunded", "order:{n}1")
CANCELLED = Happening("order.cancelled", "order:{n}1")
COMPLAINED = Happening("message.complained", "message:{n}")
LEFT, LEFT_TOO = (Happening("checkout.abandoned", f"checkout:{{n}}{name}") for name in ("9", "10"))

TOGETHER = {
    "agreed and paid": (AGREED, PAID),
    "agreed, paid and complained": (AGREED, PAID, COMPLAINED),
    "two orders paid": (PAID, PAID_TOO, AGREED),
    "left and arrived": (FULFILLED, DELIVERED),
    "arrived and given back": (FULFILLED, DELIVERED, REFUNDED),
    "arrived while the next was placed": (DELIVERED, PLACED_TOO),
    "two baskets": (LEFT, LEFT_TOO),
    "two baskets and an order": (LEFT, LEFT_TOO, PLACED),
    "waited for at once": (PLACED, FULFILLED),
    "waited for and cancelled": (PLACED, FULFILLED, CANCELLED),
    "everything of a parcel": (PLACED, FULFILLED, DELIVERED, REFUSED),
}
DONE_BY_THEN = ("two orders paid", "waited for and cancelled", "everything of a parcel")
"""Told one by one, the first of two first orders has begun the journey, and what was waited for has made its
message, when the other is told of: what was done is done."""
OF_ARRIVAL = {name: events for name, events in TOGETHER.items() if name not in DONE_BY_THEN}


@pytest.fixture
def world(database: Database) -> World:
    """A shop with every flow on, one of which waits for a parcel."""
    world = World.open(database, *EVERY_FLOW)
    world.publish(WAITING)
    return world


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("together", TOGETHER.values(), ids=TOGETHER)
def test_the_order_of_rows_and_the_cuts_of_batches_decide_nothing(
    world: World, together: Sequence[Happening], cut: int
) -> None:
    people = _people(world, together)

    for place in range(len(together)):
        _tell(world, {number: (person, order[place]) for number, (person, order) in people.items()})
    world.run(NOW, limit=cut)
    world.run(NOW + 40 * DAY, limit=cut)

    found = [_outcome(world, number, person, "exit_reason") for number, (person, _) in people.items()]
    assert found == [found[0]] * len(found)


@pytest.mark.parametrize("together", OF_ARRIVAL.values(), ids=OF_ARRIVAL)
def test_what_arrives_in_batches_of_its_own_decides_the_same(
    world: World, together: Sequence[Happening]
) -> None:
    people = _people(world, together)

    for place in range(len(together)):
        _tell(world, {number: (person, order[place]) for number, (person, order) in people.items()})
        world.run(NOW)
    world.run(NOW + 40 * DAY)

    found = [_outcome(world, number, person) for number, (person, _) in people.items()]
    assert found == [found[0]] * len(found)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_who_agrees_and_pays_at_once_gets_the_promised_answer_alone(world: World) -> None:
    people = _people(world, (AGREED, PAID))

    for place in range(2):
        _tell(world, {number: (person, order[place]) for number, (person, order) in people.items()})
    world.run(NOW + 40 * DAY)

    states = world.journeys("customer_id", "flow_key", "occurrence", "state")
    ended = sorted(person for person, _ in people.values())
    assert [row[0] for row in states if row[1:] == ("welcome", "consent", "exited")] == ended
    assert sorted(world.messages("customer_id", "step")) == sorted(
        (person, step) for person in ended for step in ("W1", "W5")
    )


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_wait_is_not_over_while_what_happened_before_it_waits_for_a_later_batch(world: World) -> None:
    anna, noise = world.customer(), world.customer()
    _tell(world, {1: (anna, AGREED)})
    world.run(NOW)

    for _ in range(5):
        world.happens("order.placed", noise, NOW + DAY, subject="order:other")
    world.happens("order.paid", anna, NOW + DAY, subject="order:1")
    world.run(NOW + 3 * DAY, limit=5)

    assert [row for row in world.messages("customer_id", "step") if row[0] == anna] == [(anna, "W1")]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_of_somebody_with_a_long_backlog_no_moment_is_cut_in_two(world: World) -> None:
    """One entry brings twenty at most: nineteen of an earlier moment and one of the two of the next."""
    anna = world.customer()
    for number in range(19):
        world.happens("order.placed", anna, NOW - DAY, subject=f"order:{number}")
    _tell(world, {1: (anna, PAID), 2: (anna, AGREED)})

    with world.database.write() as session:
        count = work.run_batch(session, session.get_one(Store, world.store_id), NOW, 1)

    assert count == 19


def _people(world: World, together: Sequence[Happening]) -> dict[int, tuple[int, tuple[Happening, ...]]]:
    """Somebody for each order in which the same may be told, with an order and two baskets of their own."""
    found = {}
    for number, order in enumerate(permutations(together), start=1):
        person = world.customer()
        for name in (f"{number}1", f"{number}2"):
            world.order(person, name, "A", placed_at=NOW, paid_at=NOW)
        with world.database.write() as session:
            for name in (f"{number}9", f"{number}10"):
                row = {"started_at": NOW - 2 * DAY / 24, "source_updated_at": NOW - DAY / 24}
                add_checkout(session, world.store_id, person, name, **row)
        found[number] = (person, order)
    return found


def _tell(world: World, happenings: Mapping[int, tuple[int, Happening]]) -> None:
    """One thing happens to each of these people, by their numbers."""
    told = [
        NewEvent(
            store_id=world.store_id,
            customer_id=person,
            type=event.kind,
            subject=event.subject.format(n=number),
            source_key=f"{event.kind}:{person}:{event.subject}:{event.details.get('state')}",
            occurred_at=NOW,
            details=event.details,
        )
        for number, (person, event) in happenings.items()
    ]
    with world.database.write() as session:
        timeline.record(session, told, NOW)


def _outcome(world: World, number: int, person: int, *more: str) -> tuple[list[Any], list[Any]]:
    """What became of somebody: journeys with these columns, and messages, named without their number."""
    columns = ("customer_id", "flow_key", "occurrence", "state", "entered_at", "stopped_at", *more)
    journeys = [
        (flow, _unnumbered(occurrence, number), *others)
        for customer_id, flow, occurrence, *others in world.journeys(*columns)
        if customer_id == person
    ]
    messages = world.messages("customer_id", "step", "due_at", "expires_at")
    return sorted(journeys, key=str), sorted(row[1:] for row in messages if row[0] == person)


def _unnumbered(occurrence: str, number: int) -> str:
    kind, _, name = occurrence.partition(":")
    return f"{kind}:{name.removeprefix(str(number))}"
