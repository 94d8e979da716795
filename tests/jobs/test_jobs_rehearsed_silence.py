"""Winning people back: the dry run finds the very messages of the workers that watched the same year."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import pytest

from app import clock, consent, timeline
from app.consent import NewConsent
from app.db import Database
from app.flows.simulate import run
from app.mirror import sums
from app.models import FlowVersion, Store
from app.runtime import Runtime
from app.timeline import NewEvent
from jobs import flows, outbox, states
from tests.conftest import NOW
from tests.flows.flows_world import World
from tests.jobs.jobs_seed import kit_of
from tests.seeds import add_order, switch_on

DAY = timedelta(days=1)
BEGIN = NOW.replace(hour=10) - 170 * DAY
TICKS = [BEGIN + number * DAY for number in range(0, 170, 2)]
"""Workers look every other day."""
_NAMES = ("customer_id", "step", "due_at", "status", "reason", "sent_at")


class _Life:
    """One person of the shop, to whom things happen at moments."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.now = world, BEGIN
        self.id = world.customer(name, created_at=BEGIN - DAY)

    def buys(self) -> None:
        """An order, paid at once."""
        with self.world.database.write() as session:
            order = add_order(session, self.world.store_id, self.id, placed_at=self.now)
            events = [self._event(kind, f"order:{order.external_id}") for kind in _MOMENTS]
            timeline.record(session, events, self.now)
            sums.refresh(session, self.world.store_id, [self.id])

    def says(self, channel: str = "email", state: str = "subscribed") -> None:
        """Something about a channel, to the shop."""
        said = NewConsent(
            self.world.store_id,
            self.id,
            channel,
            state,
            "consent",
            self.now,
            "test",
            source_key=str(self.now),
        )
        with self.world.database.write() as session:
            consent.record(session, [said], self.now)

    def acts(self, kind: str) -> None:
        """Something that shows that they are there."""
        with self.world.database.write() as session:
            timeline.record(session, [self._event(kind, f"test:{self.now.isoformat()}")], self.now)

    def _event(self, kind: str, subject: str) -> NewEvent:
        key = f"{kind}:{subject}:{self.id}"
        return NewEvent(self.world.store_id, self.id, kind, subject, key, self.now)


_MOMENTS = ("order.placed", "order.paid")
_BUYS, _YES = (0, _Life.buys), (0, _Life.says)
PEOPLE: Sequence[Sequence[tuple[int, Callable[[_Life], None]]]] = (
    (_YES, _BUYS),
    (_YES, _BUYS, (94, _Life.buys)),
    (_YES, _BUYS, (92, lambda life: life.acts("message.clicked"))),
    (_YES, _BUYS, (60, lambda life: life.acts("checkout.started")), (130, _Life.buys)),
    (_YES, _BUYS, (98, lambda life: life.says(state="unsubscribed"))),
    (_BUYS,),
    (_YES, _BUYS, (16, _Life.buys), (32, _Life.buys), (48, _Life.buys)),
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
    with database.write() as session:
        for version in session.query(FlowVersion).filter_by(flow_key="reactivation"):
            version.definition = _without_codes(version.definition)
    switch_on(database, found[0].store_id, "reactivation", since=BEGIN)
    return found


def _without_codes(definition: dict[str, Any]) -> dict[str, Any]:
    """No storefront mints any here, so that the texts that speak of one cannot be used."""
    changed = deepcopy(definition)
    for step in changed["entries"][0]["steps"]:
        if step.pop("voucher", None):
            step["content"] = "reactivation/R0"
    return changed


def _live_on(lives: Sequence[_Life], now: datetime) -> None:
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
    lives = [[_Life(world, f"p{number}") for number in range(len(PEOPLE))] for world in worlds]

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
