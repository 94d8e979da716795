"""The dry run of winning people back over a past that nobody watched: who fell silent when."""

from datetime import datetime, timedelta

import pytest

from app.crypto import Signer
from app.db import Database
from app.flows.simulate import run, telling
from app.flows.simulate.question import Question, Report
from app.models import Consent, ConsentState, Store
from app.segments import product_rhythms
from app.segments.survival import Return
from tests.conftest import NOW
from tests.flows.flows_world import World

DAY = timedelta(days=1)


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """The replay's own statements are plain; tests/e2e and the jobs' tests run them on both."""
    return str(request.param)


@pytest.fixture
def world(database: Database) -> World:
    """A shop that was connected ten days ago, all of its past by backfill."""
    return World.open(database, installed_at=NOW - 10 * DAY)


def _buyer(world: World, *days: int, state: str = "subscribed", product: str = "P") -> int:
    """Somebody who said this about mails long ago and bought so many days ago."""
    person = world.customer(created_at=NOW - 10 * DAY)
    said = {"channel": "email", "state": state, "basis": "consent", "occurred_at": NOW - 400 * DAY}
    with world.database.write() as session:
        key = {"store_id": world.store_id, "customer_id": person}
        at = NOW - 10 * DAY
        session.add(Consent(**key, **said, recorded_at=at, source="shopify", source_key=str(person)))
        session.add(ConsentState(**key, **said))
    for day in days:
        name, at = f"{person}-{day}", NOW - day * DAY
        world.order(person, name, product, placed_at=at)
        for kind in ("order.placed", "order.paid"):
            world.happens(kind, person, at, subject=f"order:{name}", history=True)
    return person


def _ask(world: World, days: int = 60) -> Question:
    with world.database.read() as session:
        store = session.get_one(Store, world.store_id)
        return run.ask(session, store, "reactivation", since=NOW - days * DAY, until=NOW)


def _simulate(world: World, days: int = 60) -> Report:
    return run.simulate(world.database, Signer("signing-key-of-the-tests"), _ask(world, days))


def _sent(report: Report) -> list[tuple[str, datetime]]:
    return [(message.step, message.due_at) for message in report.messages if message.status == "sent"]


def test_silences_from_before_the_connection_begin_when_they_began(world: World) -> None:
    _buyer(world, 120)

    silent_at = NOW - 30 * DAY
    assert _sent(_simulate(world)) == [
        ("R0", silent_at),
        ("R1", silent_at + 7 * DAY),
        ("R2", silent_at + 13 * DAY),
        ("R3", silent_at + 21 * DAY),
    ]


def test_a_silence_that_an_order_ended_later_is_found_too(world: World) -> None:
    _buyer(world, 120, 25)

    assert _sent(_simulate(world)) == [("R0", NOW - 30 * DAY)]


def test_who_was_silent_before_begins_little_by_little_the_latest_first(world: World) -> None:
    people = [_buyer(world, days) for days in (172, 170, 171)]
    _buyer(world, 170, state="unsubscribed")

    report = _simulate(world)

    first = (NOW - 60 * DAY).replace(hour=0, minute=0) + DAY
    turns = zip((people[1], people[2], people[0]), (first, first + DAY, first + 2 * DAY), strict=True)
    assert [(one.customer_id, one.at) for one in report.released] == list(turns)
    assert {(one.customer_id, one.due_at) for one in report.messages if one.step == "R0"} == {
        (one.customer_id, one.at) for one in report.released
    }
    shown = telling.shape(_ask(world), report) | {"seconds": 1}
    assert (shown["enrolled"], shown["silent_before"]) == (3, 3)
    assert shown["release"]["a_day"] == 1
    assert "silent before already: 3, of whom 1 a day begins: 3 in this span" in telling.told(shown)


def test_who_came_back_before_their_turn_leaves_it_to_the_next(world: World) -> None:
    people = [_buyer(world, days) for days in (170, 171, 173)]
    _buyer(world, 172, 58)

    report = _simulate(world)

    slot = (NOW - 60 * DAY).replace(hour=0, minute=0)
    turns = [(one, slot + number * DAY) for number, one in enumerate(people, start=1)]
    assert [(one.customer_id, one.at) for one in report.released] == turns


@pytest.mark.parametrize(("silent", "days"), [(0, None), (4, 1), (5, 2), (250, 63)])
def test_two_percent_a_day_of_all_who_may_be_written_to_would_begin(
    world: World, silent: int, days: int | None
) -> None:
    report = Report(silent_before=silent, reachable=249)

    shown = telling.shape(_ask(world), report)

    told = shown["release"] and {name: shown["release"][name] for name in ("a_day", "days")}
    assert told == (None if days is None else {"a_day": 4, "days": days})


def test_who_may_not_be_written_to_is_not_tried(world: World) -> None:
    _buyer(world, 120, state="unsubscribed")

    assert _simulate(world).enrolled == 0


def test_two_attempts_in_a_year_are_enough(world: World) -> None:
    _buyer(world, 390, 280, 170)

    found = _sent(_simulate(world, days=350))

    assert [step for step, _ in found].count("R0") == 2


def test_what_a_product_had_taught_by_then_says_when_its_buyer_fell_silent(world: World) -> None:
    _buyer(world, 120, product="coffee")
    slow = Return(63, 40, 0.7, median_days=41, low_days=38, high_days=46, long_days=70)
    with world.database.write() as session:
        product_rhythms.keep(session, world.store_id, {"coffee": slow}, NOW - 300 * DAY)

    found = _sent(_simulate(world))

    assert found[0] == ("R0", NOW - 120 * DAY + 1.5 * 70 * DAY)
