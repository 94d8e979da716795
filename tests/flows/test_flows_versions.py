"""Versions of a flow: published from a draft, and who goes on by which."""

from datetime import timedelta
from typing import Any

import pytest

from app.db import Database
from app.flows import changing, drafts, own_messages, versions
from app.flows.contents import BrokenText
from app.flows.definition import Definition
from app.flows.steps import Message
from app.messaging import content, editions
from app.models import Edition
from tests.conftest import NOW
from tests.engines import SQLITE
from tests.flows.flows_world import SUBSCRIBED, World

DAY = timedelta(days=1)


@pytest.fixture
def world(database: Database) -> World:
    """A shop whose welcome is on, with two people who subscribed before anything changed."""
    world = World.open(database, "welcome")
    for _ in range(2):
        world.happens("consent.changed", world.customer(), NOW, SUBSCRIBED)
    world.run(NOW)
    return world


def _publish(world: World, definition: Definition) -> int:
    with world.database.write() as session:
        seen = drafts.desk(session, world.store_id, "welcome").revision
        drafts.keep(session, world.store_id, "welcome", definition, seen=seen, now=NOW)
    with world.database.write() as session:
        return versions.publish(session, world.store_id, "welcome", seen=seen + 1, now=NOW)


def _edited(world: World, step_id: str, **values: Any) -> Definition:
    with world.database.read() as session:
        whole = drafts.desk(session, world.store_id, "welcome").published
    step = changing.entry_of(whole, step_id).by_id[step_id]
    return changing.with_step(whole, step.model_copy(update=values))


def _move(world: World, limit: int) -> int:
    with world.database.write() as session:
        return versions.move(session, world.store_id, "welcome", limit=limit)


def _made(world: World) -> list[tuple[str, int]]:
    """The messages with the days after the start at which they are due."""
    return [(step, (due_at - NOW).days) for step, due_at in world.messages("step", "due_at")]


def test_a_message_that_a_merchant_added_is_made_and_one_that_nobody_wrote_is_not_published(
    world: World,
) -> None:
    with world.database.read() as session:
        desk = drafts.desk(session, world.store_id, "welcome")
    added = own_messages.message("welcome", desk.origin.entries[0], "own-1")
    definition = changing.with_new(desk.published, "consent", added, "to-W3")
    with pytest.raises(BrokenText) as refused:
        _publish(world, definition)
    start = content.named("welcome/own-1")
    wordings = {locale: editions.wording_of(start, locale) for locale in content.LANGUAGES}
    with world.database.write() as session:
        known = {locale: one for locale, one in wordings.items() if one is not None}
        editions.save(session, world.store_id, "welcome/own-1", wordings=known, seen={}, now=NOW)
        versions.publish(session, world.store_id, "welcome", seen=1, now=NOW)
    world.happens("consent.changed", world.customer(), NOW + DAY, SUBSCRIBED)
    for day in (1, 3, 5):
        world.run(NOW + day * DAY)

    assert refused.value.is_unwritten
    assert [due for step, due in _made(world) if step == "own-1"] == [5]


def test_people_stay_on_their_version_until_they_are_moved(world: World) -> None:
    number = _publish(world, _edited(world, "to-W3", days=5))
    moved = [_move(world, 1), _move(world, 0)]
    world.happens("consent.changed", world.customer(), NOW + DAY, SUBSCRIBED)
    for day in (1, 2, 3, 4, 5, 6):
        world.run(NOW + day * DAY)

    third = [due for step, due in _made(world) if step == "W3"]
    assert (number, moved) == (2, [1, 0])
    # One stayed and waits four days, one moved and waits five; who came a day later waits five from then.
    assert third == [4, 5, 6]
    assert [due for step, due in _made(world) if step == "W2"] == [2, 2, 3]
    assert [step for step, _ in _made(world)].count("W1") == 3


def test_a_wait_that_is_gone_keeps_its_people(world: World) -> None:
    with world.database.read() as session:
        whole = drafts.desk(session, world.store_id, "welcome").published
    wait = changing.entry_of(whole, "to-W2").by_id["to-W2"].model_copy(update={"id": "wait-1", "days": 1})
    _publish(world, changing.with_new(whole, "consent", wait, "W1"))
    world.happens("consent.changed", world.customer(), NOW + DAY, SUBSCRIBED)
    world.run(NOW + DAY)
    _publish(world, whole)

    moved = _move(world, 100)

    with world.database.read() as session:
        held = drafts.desk(session, world.store_id, "welcome").published
        groups = versions.in_flight(session, world.store_id, "welcome", held)
    assert moved == 2
    assert [(group.number, group.step, group.people, group.may_move) for group in groups] == [
        (3, "to-W2", 2, True),
        (2, "wait-1", 1, False),
    ]


@pytest.mark.parametrize("engine", [SQLITE])
def test_a_percentage_of_the_version_rides_with_its_messages(world: World) -> None:
    first = _edited(world, "W1").entries[0].by_id["W1"]
    assert isinstance(first, Message)
    assert first.voucher is not None
    _publish(world, _edited(world, "W1", voucher=first.voucher.model_copy(update={"percent": 15})))
    world.happens("consent.changed", world.customer(), NOW + DAY, SUBSCRIBED)
    world.run(NOW + DAY)

    percents = [context["voucher"].get("percent") for (context,) in _contexts(world)]

    assert percents == [None, None, 15]


def _contexts(world: World) -> list[tuple[dict[str, Any]]]:
    return [(context,) for context in world.messages("context")]


@pytest.mark.parametrize("engine", [SQLITE])
def test_nothing_is_published_whose_own_text_cannot_be_sent(world: World) -> None:
    broken: dict[str, Any] = {"subject": "{{ nobody.knows }}", "preheader": "", "blocks": [], "sms": None}
    with world.database.write() as session:
        mine = {"store_id": world.store_id, "name": "welcome/W3", "locale": "en"}
        session.add(Edition(**mine, **broken, version=1, saved_at=NOW))

    with pytest.raises(BrokenText):
        _publish(world, _edited(world, "to-W3", days=5))


@pytest.mark.parametrize("engine", [SQLITE])
def test_who_did_not_see_the_draft_publishes_nothing(world: World) -> None:
    with world.database.write() as session:
        drafts.keep(session, world.store_id, "welcome", _edited(world, "to-W3", days=5), seen=0, now=NOW)

    with world.database.write() as session, pytest.raises(drafts.Stale):
        versions.publish(session, world.store_id, "welcome", seen=0, now=NOW)
    with world.database.write() as session, pytest.raises(drafts.Unsound):
        drafts.keep(session, world.store_id, "welcome", _edited(world, "to-W3", days=1), seen=1, now=NOW)
