"""Winning people back: the dry run finds the very messages of the workers that watched the same year."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from app import clock
from app.db import Database
from app.flows.simulate import run
from app.models import Store
from app.runtime import Runtime
from jobs import flows, outbox, states
from tests.conftest import NOW
from tests.flows.flows_world import World
from tests.jobs.jobs_seed import kit_of
from tests.jobs.lives import Life, without_codes
from tests.seeds import switch_on

DAY = timedelta(days=1)
BEGIN = NOW.replace(hour=10) - 170 * DAY
TICKS = [BEGIN + number * DAY for number in range(0, 170, 2)]
"""Workers look every other day."""
_NAMES = ("customer_id", "step", "due_at", "status", "reason", "sent_at")
_BUYS, _YES = (0, Life.buys), (0, Life.says)
PEOPLE: Sequence[Sequence[tuple[int, Callable[[Life], None]]]] = (
    (_YES, _BUYS),
    (_YES, _BUYS, (94, Life.buys)),
    (_YES, _BUYS, (92, lambda life: life.acts("message.clicked"))),
    (_YES, _BUYS, (60, lambda life: life.acts("checkout.started")), (130, Life.buys)),
    (_YES, _BUYS, (98, lambda life: life.says(state="unsubscribed"))),
    (_BUYS,),
    (_YES, _BUYS, (16, Life.buys), (32, Life.buys), (48, Life.buys)),
    (_YES, _BUYS, (70, lambda life: life.says("tracking"))),
    (_YES,),
)
"""Each person's year: the day of each thing that happens to them, the first day of the replay being 0."""


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """The replay only reads, by plain statements."""
    return str(request.param)


@pytest.fixture
def worlds(database: Database) -> tuple[World, World]:
    """Two shops, connected before anything happened: one wins people back, the other may begin to."""
    found = (
        World.open(database, installed_at=BEGIN - DAY),
        World.open(database, word="other", installed_at=BEGIN - DAY),
    )
    without_codes(database)
    switch_on(database, found[0].store_id, "reactivation", since=BEGIN)
    return found


def _live_on(lives: Sequence[Life], now: datetime) -> None:
    for life, things in zip(lives, PEOPLE, strict=True):
        for day, thing in things:
            if BEGIN + day * DAY == now:
                life.now = now
                thing(life)


def _would_be(world: World, runtime: Runtime) -> list[Any]:
    def tick_at(moment: datetime) -> datetime | None:
        place = bisect_left(TICKS, moment)
        return TICKS[place] if place < len(TICKS) else None

    with world.database.read() as session:
        store = session.get_one(Store, world.store_id)
        question = run.ask(session, store, "reactivation", since=BEGIN, until=TICKS[-1], tick_at=tick_at)
    report = run.simulate(world.database, runtime.signer, question)
    return sorted((tuple(getattr(one, name) for name in _NAMES) for one in report.messages), key=str)


def test_the_dry_run_finds_what_the_workers_made_whether_the_flow_was_on_or_not(
    worlds: tuple[World, World], runtime: Runtime
) -> None:
    kit = kit_of(runtime)
    lives = [[Life(world, f"p{number}", BEGIN) for number in range(len(PEOPLE))] for world in worlds]

    for now in TICKS:
        with clock.frozen_at(now):
            for people in lives:
                _live_on(people, now)
            while sum(sum(stage.run(kit, now).values()) for stage in (states, flows, outbox)):
                pass

    was_on, was_off = worlds
    made = sorted(was_on.messages(*_NAMES), key=str)
    names = {other.id: mine.id for mine, other in zip(*lives, strict=True)}
    found_off = [(names[row[0]], *row[1:]) for row in _would_be(was_off, runtime)]
    assert _would_be(was_on, runtime) == made
    assert sorted(found_off, key=str) == made
    assert was_off.messages() == []
    assert {row[1] for row in made} == {"R0", "R1", "R2", "R3"}
