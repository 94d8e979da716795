"""Slots of the calendar without work are over as they begin, and who has work is asked of all stores."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.db import table_of
from app.models import CustomerState, JobRun, ScheduledJob, TicketBand
from app.runtime import Runtime
from jobs import daily, run_ledger, whose
from jobs.kit import Kit
from jobs.schedule import CalendarJob, Slot
from tests import seeds
from tests.conftest import NOW
from tests.jobs.jobs_seed import kit_of

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TODAYS_SLOT = datetime(2026, 11, 2, 2, tzinfo=UTC)
TONIGHT = Slot(datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC))

Runs = list[tuple[str, Slot]]


@pytest.fixture
def busy() -> set[str]:
    """The jobs that have something to do."""
    return set()


@pytest.fixture
def runs(busy: set[str], monkeypatch: pytest.MonkeyPatch) -> Runs:
    """A calendar of two jobs at 02:00, and the ranges that they were given."""
    given: Runs = []

    def named(name: str) -> CalendarJob:
        def work(kit: Kit, slot: Slot, now: datetime) -> int:
            given.append((name, slot))
            return 1

        return CalendarJob(name, "", DAY, 2 * HOUR, work, lambda _kit, _slot, _now: name in busy)

    monkeypatch.setattr(daily, "CALENDAR", (named("first"), named("second")))
    return given


def ledger(runtime: Runtime) -> list[tuple[str, datetime, datetime | None]]:
    return sorted(seeds.rows_of(runtime.database, JobRun, "name", "slot", "ended_at"))


def test_a_slot_without_work_is_noted_and_not_run(runtime: Runtime, runs: Runs, busy: set[str]) -> None:
    busy.add("second")

    daily.run(kit_of(runtime), NOW)

    assert runs == [("second", Slot(TODAYS_SLOT, TODAYS_SLOT + DAY))]
    assert ledger(runtime) == [("first", TODAYS_SLOT, NOW), ("second", TODAYS_SLOT, NOW)]
    shown = sorted(seeds.rows_of(runtime.database, ScheduledJob, "name", "last_run_at", "next_run_at"))
    assert shown == [(name, NOW, TODAYS_SLOT + DAY) for name in ("first", "second")]


def test_work_that_comes_later_is_the_next_slots(runtime: Runtime, runs: Runs, busy: set[str]) -> None:
    kit = kit_of(runtime)
    daily.run(kit, NOW)
    busy.add("first")

    daily.run(kit, NOW + HOUR)
    same_day = list(runs)
    daily.run(kit_of(runtime), NOW + DAY)

    assert same_day == []
    assert runs == [("first", Slot(TODAYS_SLOT + DAY, TODAYS_SLOT + 2 * DAY))]


def test_a_slot_without_work_that_somebody_else_began_stays_theirs(runtime: Runtime, runs: Runs) -> None:
    begun = {"name": "first", "slot": TODAYS_SLOT, "started_at": NOW, "ended_at": None, "error": None}

    with runtime.database.write() as session:
        session.execute(run_ledger.RUNS.insert(), [begun])
        (first, second) = daily.CALENDAR
        idle = [run_ledger.Over(job, TODAYS_SLOT, was_begun=False) for job in (first, second)]
        run_ledger.note(session, idle, NOW)

    assert ledger(runtime) == [("first", TODAYS_SLOT, None), ("second", TODAYS_SLOT, NOW)]
    assert seeds.values_of(runtime.database, ScheduledJob, "name") == ["second"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_job_that_cannot_be_asked_is_run_and_tells_why(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(kit: Kit, slot: Slot, now: datetime) -> int:
        raise ValueError("the moon is full")

    job = CalendarJob("counting", "", DAY, 2 * HOUR, fail, lambda *asked: bool(fail(*asked)))
    monkeypatch.setattr(daily, "CALENDAR", (job,))

    daily.run(kit_of(runtime), NOW)

    ((ended_at, error),) = seeds.rows_of(runtime.database, JobRun, "ended_at", "error")
    assert ended_at == NOW
    assert "the moon is full" in error


def test_birthdays_are_looked_for_where_the_flow_is_on_and_one_is_due(runtime: Runtime) -> None:
    shops = {
        word: seeds.new_store(runtime.database, word, state="uninstalled" if word == "gone" else "connected")
        for word in ("due", "off", "later", "gone")
    }
    for word, store_id in shops.items():
        if word != "off":
            seeds.switch_on(runtime.database, store_id, "birthday", since=NOW - 90 * DAY)
        with runtime.database.of_store(store_id).write() as session:
            born: dict[str, Any] = {"birth_month": 11, "birth_day": 20 if word == "later" else 9}
            seeds.add_customer(session, store_id, birth_known_at=NOW - 60 * DAY, **born)

    assert list(whose.with_birthdays(kit_of(runtime), TONIGHT, NOW)) == [shops["due"]]


def test_the_silent_are_looked_for_where_the_flow_is_on(runtime: Runtime) -> None:
    soft = {"consent.soft_opt_in": "on"}
    shops = [seeds.new_store(runtime.database, word, settings=soft) for word in ("on", "off", "nobody")]
    on, off, nobody = shops
    for store_id in (on, nobody):
        seeds.switch_on(runtime.database, store_id, "reactivation", since=NOW - 90 * DAY)
    for store_id in (on, off):
        with runtime.database.of_store(store_id).write() as session:
            silent = seeds.add_customer(session, store_id, orders_count=1)
            values = {"state": "dormant", "since": NOW - 9 * DAY, "classes": [], "attempts": []}
            session.add(CustomerState(store_id=store_id, customer_id=silent.id, **values))

    assert list(whose.with_silent(kit_of(runtime), TONIGHT, NOW)) == [on]


def test_orders_that_are_not_in_the_pairs_are_looked_for_in_connected_shops(runtime: Runtime) -> None:
    shops = {
        word: seeds.new_store(runtime.database, word, state="uninstalled" if word == "gone" else "connected")
        for word in ("new", "old", "none", "gone")
    }
    for word in ("new", "old", "gone"):
        store_id = shops[word]
        with runtime.database.of_store(store_id).write() as session:
            buyer = seeds.add_customer(session, store_id).id
            seeds.add_order(session, store_id, buyer, is_counted=True, is_paired=word == "old")

    assert whose.with_unpaired(kit_of(runtime), TONIGHT, NOW) == [shops["new"]]


def test_a_shops_own_bands_are_put_in_force_and_fresh_ones_left(runtime: Runtime) -> None:
    seeds.new_store(runtime.database, "fresh")
    kit = kit_of(runtime)
    both = whose.with_old_bands(kit, TONIGHT, NOW)
    own = seeds.new_store(runtime.database, "own", settings={"classes.ticket_bands": "20, 40"})
    with runtime.database.over_all_stores().write() as session:
        session.execute(
            table_of(TicketBand).insert(),
            [
                {"store_id": one, "middle_from_minor": 1, "high_from_minor": 2, "counted_at": NOW - DAY}
                for one in (*both, own)
            ],
        )

    assert len(both) == 1
    assert whose.with_old_bands(kit, TONIGHT, NOW) == [own]
    assert whose.with_old_bands(kit, TONIGHT, NOW + 6 * DAY) == [*both, own]
