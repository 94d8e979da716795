"""The calendar: each slot runs once over all workers, and what was missed is covered by one run."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from app.models import JobRun, ScheduledJob
from app.runtime import Runtime
from jobs import daily, run_ledger
from jobs.kit import Kit
from jobs.schedule import CLOCK, CalendarJob, Slot
from jobs.tick import STAGES
from tests import seeds
from tests.conftest import NOW
from tests.jobs.jobs_seed import kit_of

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TODAYS_SLOT = datetime(2026, 11, 2, 2, tzinfo=UTC)
WORKERS = 4

Runs = list[Slot]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """A calendar of one job at 02:00, and the ranges that it was given."""
    given: Runs = []

    def note(kit: Kit, slot: Slot, now: datetime) -> int:
        given.append(slot)
        return 0

    put_on(monkeypatch, note)
    return given


def put_on(monkeypatch: pytest.MonkeyPatch, work: Callable[[Kit, Slot, datetime], int]) -> None:
    job = CalendarJob("counting", "counts its runs", DAY, 2 * HOUR, work)
    monkeypatch.setattr(daily, "CALENDAR", (job,))


def ledger(runtime: Runtime) -> list[datetime]:
    """The slots that were run."""
    return seeds.values_of(runtime.database, JobRun, "slot")


def ends(runtime: Runtime) -> list[tuple[str, datetime | None, str | None]]:
    """Of each run its job, when it ended, and its error."""
    return seeds.rows_of(runtime.database, JobRun, "name", "ended_at", "error")


def test_four_workers_run_a_slot_once(runtime: Runtime, runs: Runs) -> None:
    barrier = Barrier(WORKERS)

    def work() -> Counter[str]:
        kit = kit_of(runtime)
        barrier.wait()
        return daily.run(kit, NOW)

    with ThreadPoolExecutor(WORKERS) as pool:
        done = [future.result() for future in [pool.submit(work) for _ in range(WORKERS)]]

    assert runs == [Slot(TODAYS_SLOT, TODAYS_SLOT + DAY)]
    assert sum(count["slots"] for count in done) == 1
    assert ledger(runtime) == [TODAYS_SLOT]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_slot_runs_once_for_a_worker_and_for_one_that_was_started_anew(
    runtime: Runtime, runs: Runs
) -> None:
    kit = kit_of(runtime)
    daily.run(kit, NOW)

    daily.run(kit, NOW + HOUR)
    daily.run(kit_of(runtime), NOW + HOUR)

    assert len(runs) == 1


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_next_slot_begins_at_its_very_moment(runtime: Runtime, runs: Runs) -> None:
    kit = kit_of(runtime)
    daily.run(kit, NOW)
    tomorrow = TODAYS_SLOT + DAY

    daily.run(kit, tomorrow - timedelta(seconds=1))
    before = len(runs)
    daily.run(kit, tomorrow)

    assert before == 1
    assert runs[1:] == [Slot(tomorrow, tomorrow + DAY)]


def test_missed_slots_are_covered_by_one_run(runtime: Runtime, runs: Runs) -> None:
    daily.run(kit_of(runtime), NOW)

    daily.run(kit_of(runtime), NOW + 4 * DAY)

    assert runs[1:] == [Slot(TODAYS_SLOT + DAY, TODAYS_SLOT + 5 * DAY)]
    assert ledger(runtime) == [TODAYS_SLOT, TODAYS_SLOT + 4 * DAY]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_clock_that_was_set_back_runs_nothing_again(runtime: Runtime, runs: Runs) -> None:
    daily.run(kit_of(runtime), NOW)

    daily.run(kit_of(runtime), NOW - 3 * DAY)

    assert len(runs) == 1


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_a_killed_process_began_is_run_again_where_nobody_else_works(
    runtime: Runtime, runs: Runs
) -> None:
    begun = {"name": "counting", "slot": TODAYS_SLOT, "started_at": NOW, "ended_at": None, "error": None}
    with runtime.database.write() as session:
        session.execute(run_ledger.RUNS.insert(), [begun])
    daily.run(kit_of(runtime), NOW)
    before = list(runs)

    with runtime.database.write() as session:
        run_ledger.forget_unfinished(session)
    daily.run(kit_of(runtime), NOW)

    assert (before, runs) == ([], [Slot(TODAYS_SLOT, TODAYS_SLOT + DAY)])


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_run_that_fails_is_ended_with_its_reason(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(kit: Kit, slot: Slot, now: datetime) -> int:
        raise ValueError("the moon is full")

    put_on(monkeypatch, fail)

    daily.run(kit_of(runtime), NOW)

    ((ended_at, error),) = seeds.rows_of(runtime.database, JobRun, "ended_at", "error")
    assert ended_at == NOW
    assert "the moon is full" in error


def test_what_is_due_together_is_run_in_its_order_and_each_ends_by_itself(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def named(name: str) -> CalendarJob:
        def work(kit: Kit, slot: Slot, now: datetime) -> int:
            ran.append(name)
            if name == "second":
                raise ValueError("the moon is full")
            return 0

        return CalendarJob(name, "", DAY, 2 * HOUR, work)

    monkeypatch.setattr(daily, "CALENDAR", tuple(map(named, ("third", "second", "first"))))

    daily.run(kit_of(runtime), NOW)
    daily.run(kit_of(runtime), NOW + HOUR)

    ended = {name: (at, bool(error)) for name, at, error in ends(runtime)}
    assert ran == ["third", "second", "first"]
    assert ended == {"third": (NOW, False), "second": (NOW, True), "first": (NOW, False)}


def test_a_slot_that_somebody_else_began_is_left_out_of_those_due_with_it(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def note(kit: Kit, slot: Slot, now: datetime) -> int:
        ran.append("theirs")
        return 0

    def other(kit: Kit, slot: Slot, now: datetime) -> int:
        ran.append("ours")
        return 0

    jobs = (
        CalendarJob("theirs", "", DAY, 2 * HOUR, note),
        CalendarJob("ours", "", DAY, 2 * HOUR, other),
    )
    monkeypatch.setattr(daily, "CALENDAR", jobs)
    begun = {"name": "theirs", "slot": TODAYS_SLOT, "started_at": NOW, "ended_at": None, "error": None}
    with runtime.database.write() as session:
        session.execute(run_ledger.RUNS.insert(), [begun])

    daily.run(kit_of(runtime), NOW)

    ended = {name: at for name, at, _ in ends(runtime)}
    assert ran == ["ours"]
    assert ended == {"theirs": None, "ours": NOW}


def test_a_slot_that_somebody_begins_while_an_earlier_job_runs_is_left_to_them(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was run is asked once for all jobs; the beginning of each decides."""
    ran: list[str] = []

    def others_begin(kit: Kit, slot: Slot, now: datetime) -> int:
        ran.append("ours")
        begun = {"name": "theirs", "slot": TODAYS_SLOT, "started_at": NOW, "ended_at": None, "error": None}
        with runtime.database.write() as session:
            session.execute(run_ledger.RUNS.insert(), [begun])
        return 0

    def note(kit: Kit, slot: Slot, now: datetime) -> int:
        ran.append("theirs")
        return 0

    jobs = (
        CalendarJob("ours", "", DAY, 2 * HOUR, others_begin),
        CalendarJob("theirs", "", DAY, 2 * HOUR, note),
    )
    monkeypatch.setattr(daily, "CALENDAR", jobs)

    daily.run(kit_of(runtime), NOW)

    ended = {name: at for name, at, _ in ends(runtime)}
    assert ran == ["ours"]
    assert ended == {"ours": NOW, "theirs": None}


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_slots_of_runs_that_failed_are_covered_by_the_next_good_one(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: Runs = []

    def fail_at_first(kit: Kit, slot: Slot, now: datetime) -> int:
        given.append(slot)
        if len(given) <= 2:
            raise ValueError("the moon is full")
        return 0

    put_on(monkeypatch, fail_at_first)

    for days in range(4):
        daily.run(kit_of(runtime), NOW + days * DAY)

    assert [slot.begin for slot in given] == [TODAYS_SLOT] * 3 + [TODAYS_SLOT + 3 * DAY]
    assert given[2].end == TODAYS_SLOT + 3 * DAY


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_screens_are_told_when_each_job_ran_and_runs_next(runtime: Runtime) -> None:
    daily.run(kit_of(runtime), NOW)

    rows = seeds.rows_of(runtime.database, ScheduledJob, "name", "last_run_at")
    assert sorted(rows) == sorted((job.name, NOW) for job in daily.CALENDAR)
    following = seeds.values_of(runtime.database, ScheduledJob, "next_run_at")
    assert all(NOW < moment <= NOW + DAY for moment in following)


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        (TODAYS_SLOT, TODAYS_SLOT),
        (TODAYS_SLOT - timedelta(microseconds=1), TODAYS_SLOT - DAY),
        (TODAYS_SLOT + 21 * HOUR, TODAYS_SLOT),
    ],
    ids=["at-it", "just-before", "the-same-evening"],
)
def test_the_latest_slot_is_not_after_now(now: datetime, slot: datetime) -> None:
    job = CalendarJob("counting", "", DAY, 2 * HOUR, lambda _kit, _slot, _now: 0)

    assert job.latest_slot(now) == slot


def test_every_calendar_job_has_a_name_of_its_own_and_divides_the_day() -> None:
    names = [job.name for job in daily.CALENDAR]

    assert len(set(names)) == len(names)
    assert [DAY % job.every for job in daily.CALENDAR] == [timedelta(0)] * len(names)


def test_every_stage_stands_in_the_clock_and_the_other_way_round() -> None:
    stages = [name for name, _ in STAGES]

    assert [job.name for job in CLOCK] == stages
    assert len(set(stages)) == len(stages)
    assert all(job.seconds > 0 and job.purpose for job in CLOCK)
