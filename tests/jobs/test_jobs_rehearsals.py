"""Dry runs that a screen asked for: done by a worker, one at a time, their progress and result on the row."""

from datetime import timedelta
from typing import Any

import pytest

from app.db import Database
from app.flows import changing, drafts, rehearsals
from app.flows.simulate import run as simulation
from app.models import Rehearsal
from app.runtime import Runtime
from jobs import rehearsals as job
from jobs.kit import Kit
from tests.conftest import NOW
from tests.flows.flows_world import World
from tests.jobs.jobs_seed import kit_of

DAY = timedelta(days=1)


@pytest.fixture
def kit(runtime: Runtime) -> Kit:
    """A worker."""
    return kit_of(runtime)


@pytest.fixture
def world(database: Database) -> World:
    """A shop with one buyer, and a dry run of its reviews asked for."""
    world = World.open(database)
    person = world.customer()
    world.order(person, "1", "candle", placed_at=NOW - 41 * DAY)
    world.happens("order.fulfilled", person, NOW - 40 * DAY, subject="order:1")
    _ask(world, "review")
    return world


def _ask(world: World, flow: str) -> None:
    with world.database.write() as session:
        rehearsals.ask(session, world.store_id, flow, begin=NOW - 90 * DAY, end=NOW)


def _row(world: World, flow: str = "review") -> Any:
    with world.database.read() as session:
        return session.get_one(Rehearsal, (world.store_id, flow, False))


def test_what_was_asked_for_is_replayed_and_kept(world: World, kit: Kit) -> None:
    counts = [dict(job.run(kit, NOW)) for _ in range(2)]

    row = _row(world)
    assert counts == [{"rehearsals": 1}, {}]
    assert (row.is_waiting, row.done, row.total, row.error) == (False, 1, 1, None)
    assert row.result["counts"] == {"stopped": 1}
    assert [message["step"] for message in row.result["messages"]] == ["M3"]


def test_the_longest_waiting_one_is_first_and_each_is_done(world: World, kit: Kit) -> None:
    _ask(world, "welcome")

    while job.run(kit, NOW):
        pass

    assert [_row(world, flow).is_waiting for flow in ("review", "welcome")] == [False, False]


def test_a_draft_is_tried_beside_what_holds(world: World, kit: Kit) -> None:
    with world.database.write() as session:
        whole = drafts.desk(session, world.store_id, "review").published
        step = changing.entry_of(whole, "M3").by_id["M3"].model_copy(update={"is_on": False})
        drafts.keep(session, world.store_id, "review", changing.with_step(whole, step), seen=0, now=NOW)
        rehearsals.ask(session, world.store_id, "review", begin=NOW - 90 * DAY, end=NOW, is_draft=True)

    while job.run(kit, NOW):
        pass

    with world.database.read() as session:
        tried = session.get_one(Rehearsal, (world.store_id, "review", True)).result
    assert tried is not None
    assert (tried["messages"], tried["revision"]) == ([], 1)
    assert [message["step"] for message in _row(world).result["messages"]] == ["M3"]


def test_one_that_fails_is_tried_three_times_and_says_why(
    world: World, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("no people")

    monkeypatch.setattr(simulation, "simulate", broken)

    counts = sum(job.run(kit, NOW)["rehearsals"] for _ in range(5))

    row = _row(world)
    assert (counts, row.is_waiting, row.result) == (3, False, None)
    assert row.error == "ZeroDivisionError: no people"


def test_one_that_is_asked_for_anew_meanwhile_is_not_overwritten(world: World, kit: Kit) -> None:
    with world.database.write() as session:
        held = rehearsals.claim(session)
    assert held is not None
    _ask(world, "review")

    with world.database.write() as session:
        assert not rehearsals.move(session, held, done=1, total=1)
        assert not rehearsals.finish(session, held, {}, NOW)
    job.run(kit, NOW)

    assert _row(world).result["people"] == 1


def test_a_worker_that_is_asked_to_end_leaves_it_for_the_next(world: World, kit: Kit) -> None:
    kit.stopping.set()

    job.run(kit, NOW)

    row = _row(world)
    assert (row.is_waiting, row.error, row.result) == (True, None, None)
