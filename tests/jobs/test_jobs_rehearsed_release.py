"""Switching the flow on that wins people back: the dry run says whom the workers let in on which day."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from app import clock
from app.db import Database, to_micros
from app.flows import backlog, published
from app.flows.simulate import run
from app.flows.simulate.question import Report
from app.models import CustomerState, Enrollment, Store
from app.runtime import Runtime
from app.segments.standing import subject_of
from jobs import flows, outbox, states
from jobs.kit import Kit
from tests.conftest import NOW
from tests.flows.flows_world import World
from tests.jobs.jobs_seed import kit_of
from tests.jobs.lives import Life, without_codes
from tests.seeds import rows_of, switch_on

DAY = timedelta(days=1)
BEGIN = NOW.replace(hour=0, minute=0) - 170 * DAY
SWITCH = BEGIN + 120 * DAY + timedelta(hours=9)
END = SWITCH + 32 * DAY
HOUR = timedelta(hours=1)
_NAMES = ("customer_id", "step", "due_at", "status", "reason", "sent_at")
_Things = Sequence[tuple[int, Callable[[Life], None]]]
_YES = (0, Life.says)
PEOPLE: Sequence[_Things] = (
    *[(_YES, (day, Life.buys)) for day in (0, 3, 3, 6, 8, 11, 14, 20, 24)],
    (_YES, (33, Life.buys)),
    (_YES, (60, Life.buys)),
    ((4, Life.buys),),
    (_YES, (5, Life.buys), (100, lambda life: life.says(state="unsubscribed"))),
)
"""What happens to each before the flow is switched on. One falls silent only after it, by themselves."""

_DAYS = sorted({day for things in PEOPLE for day, _ in things} | {105, 120})
"""The days before the switch on which the workers look."""


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """The replay only reads, by plain statements."""
    return str(request.param)


@pytest.fixture
def kit(runtime: Runtime) -> Kit:
    """The workers'."""
    return kit_of(runtime)


@pytest.fixture
def world(database: Database, kit: Kit) -> World:
    """A shop on the day on which the flow is about to be switched on, with nine who are silent already."""
    world = World.open(database, installed_at=BEGIN - DAY)
    without_codes(database)
    people = [Life(world, f"p{number}", BEGIN) for number in range(len(PEOPLE))]
    for day in _DAYS:
        with clock.frozen_at(now := BEGIN + day * DAY):
            for life, things in zip(people, PEOPLE, strict=True):
                life.now = now
                for thing in (thing for its_day, thing in things if its_day == day):
                    thing(life)
            _work(kit, now)
    _were_dealt_with(world, told=people[4].id, tried_twice=people[6].id)
    return world


def _were_dealt_with(world: World, *, told: int, tried_twice: int) -> None:
    """Of one silence the flow was told before; another person was tried as often as one may be."""
    tries = [SWITCH - 300 * DAY, SWITCH - 200 * DAY]
    with world.database.write() as session:
        row = session.query(CustomerState).filter_by(customer_id=told).one()
        row.offered_at = SWITCH - 5 * DAY
        row = session.query(CustomerState).filter_by(customer_id=tried_twice).one()
        row.attempts = [to_micros(at) for at in tries]
        flow = published.flows_of(session, world.store_id)["reactivation"]
        earlier = {"store_id": world.store_id, "customer_id": tried_twice, "flow_key": flow.key}
        for at in tries:
            made = {"occurrence": f"state:dormant:{to_micros(at)}", "state": "completed", "step": "end"}
            moments = {"entered_at": at, "ended_at": at + 22 * DAY}
            subject = made["occurrence"]
            session.add(Enrollment(**earlier, **made, **moments, subject=subject, version_id=flow.version_id))


def _work(kit: Kit, now: datetime) -> None:
    while sum(sum(stage.run(kit, now).values()) for stage in (states, flows, outbox)):
        pass


def _moments() -> Iterator[datetime]:
    """From the switch on, at midnight while somebody waits to be let in, and once a day besides."""
    looks = ((0, 15) if day < 9 else (0,) for day in range(32))
    return (SWITCH + day * DAY + hours * HOUR for day, of_day in enumerate(looks) for hours in of_day)


def _rehearse(world: World, runtime: Runtime) -> Report:
    """What the dry run says on the day of the switch, over weeks that have not come yet."""
    moments = list(_moments())

    def tick_at(moment: datetime) -> datetime | None:
        return next((at for at in moments if at >= moment), None)

    with world.database.read() as session:
        store = session.get_one(Store, world.store_id)
        question = run.ask(session, store, "reactivation", since=SWITCH, until=END, tick_at=tick_at)
    return run.simulate(world.database, runtime.signer, question)


def _live_on(world: World, kit: Kit) -> None:
    """What the workers make of it then: the calendar's slot at midnight, everything else at each look."""
    for now in _moments():
        with clock.frozen_at(now):
            if now.hour == 0:
                with world.database.write() as session:
                    backlog.release(session, session.get_one(Store, world.store_id), now=now)
            _work(kit, now)


def test_the_dry_run_of_switching_on_tells_whom_the_workers_let_in_on_which_day_and_what_they_get(
    world: World, kit: Kit, runtime: Runtime
) -> None:
    found = _rehearse(world, runtime)

    switch_on(world.database, world.store_id, "reactivation", since=SWITCH)
    _live_on(world, kit)

    began = rows_of(world.database, Enrollment, "customer_id", "entered_at", "occurrence")
    let_in = [(one, at) for one, at, name in began if at >= SWITCH and name != subject_of("dormant", at)]
    assert sorted((one.customer_id, one.at) for one in found.released) == sorted(let_in)
    messages: list[Any] = [tuple(getattr(one, name) for name in _NAMES) for one in found.messages]
    assert sorted(messages, key=str) == sorted(world.messages(*_NAMES), key=str)
    assert len(let_in) == 7
    assert {step for _, step, *_ in messages} == {"R0", "R1", "R2", "R3"}
