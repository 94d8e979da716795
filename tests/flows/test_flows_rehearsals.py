"""Dry runs follow what they were of: a draft's is the flow's own once that draft is published."""

from datetime import timedelta
from typing import Any

import pytest

from app.db import Database
from app.flows import changing, drafts, rehearsals, versions
from tests.conftest import NOW
from tests.flows.flows_world import World

BEGIN = NOW - timedelta(days=90)


@pytest.fixture
def world(database: Database) -> World:
    """A shop whose welcome is on."""
    return World.open(database, "welcome")


def _change_draft(world: World, days: int) -> int:
    """Keep a draft whose second message comes after so many days; its revision."""
    with world.database.write() as session:
        desk = drafts.desk(session, world.store_id, "welcome")
        step = changing.entry_of(desk.current, "to-W2").by_id["to-W2"]
        changed = changing.with_step(desk.current, step.model_copy(update={"days": days}))
        drafts.keep(session, world.store_id, "welcome", changed, seen=desk.revision, now=NOW)
        return desk.revision + 1


def _ask(world: World, *, is_draft: bool) -> None:
    with world.database.write() as session:
        rehearsals.ask(session, world.store_id, "welcome", begin=BEGIN, end=NOW, is_draft=is_draft)


def _try(world: World, *, is_draft: bool, revision: int | None = None, sent: int = 0) -> None:
    """A dry run from the button to its end."""
    _ask(world, is_draft=is_draft)
    with world.database.write() as session:
        held = rehearsals.claim(session)
        assert held is not None
        assert rehearsals.finish(session, held, {"counts": {"sent": sent}, "revision": revision}, NOW)


def _publish(world: World, revision: int) -> None:
    with world.database.write() as session:
        versions.publish(session, world.store_id, "welcome", seen=revision, now=NOW)


def _kept(world: World) -> list[Any]:
    """The dry run of the flow, and that of its draft."""
    with world.database.read() as session:
        return [
            rehearsals.of_flow(session, world.store_id, "welcome", is_draft=is_draft)
            for is_draft in (False, True)
        ]


def test_what_was_tried_of_a_draft_is_the_flows_once_it_is_published(world: World) -> None:
    _try(world, is_draft=False, sent=1)
    revision = _change_draft(world, 3)
    _try(world, is_draft=True, revision=revision, sent=2)

    _publish(world, revision)

    held, draft = _kept(world)
    assert (held.result["counts"], held.begin, held.ended_at) == ({"sent": 2}, BEGIN, NOW)
    assert draft is None


def test_what_was_tried_of_something_else_is_not_said_of_what_is_published(world: World) -> None:
    _try(world, is_draft=False, sent=1)
    tried = _change_draft(world, 3)
    _try(world, is_draft=True, revision=tried, sent=2)

    _publish(world, _change_draft(world, 1))

    assert _kept(world) == [None, None]


@pytest.mark.parametrize("is_draft", [False, True])
def test_a_dry_run_under_way_is_begun_anew_with_what_was_published(world: World, is_draft: bool) -> None:
    revision = _change_draft(world, 3)
    _ask(world, is_draft=is_draft)
    with world.database.write() as session:
        under_way = rehearsals.claim(session)
        assert under_way is not None

    _publish(world, revision)
    with world.database.write() as session:
        is_kept = rehearsals.finish(session, under_way, {"counts": {}}, NOW)

    held, draft = _kept(world)
    assert (held.is_waiting, held.begin, held.end, held.result) == (True, BEGIN, NOW, None)
    assert (is_kept, draft) == (False, None)


def test_the_latest_of_both_is_the_one_to_look_at(world: World) -> None:
    _try(world, is_draft=False)
    _ask(world, is_draft=True)

    with world.database.read() as session:
        latest = rehearsals.latest_of(session, world.store_id, "welcome")
        none = rehearsals.latest_of(session, world.store_id, "review")

    assert latest is not None
    assert (latest.is_draft, none) == (True, None)
