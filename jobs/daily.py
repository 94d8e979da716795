"""The calendar: each slot of each job once over all processes, by the run ledger."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import and_, bindparam, case, delete, func, select
from sqlalchemy.orm import Session

from app import heap, inbox, retention
from app.analytics import effects, engagement, funnels
from app.db import insert_new, table_of, update_rows, upsert
from app.flows import backlog, birthdays
from app.members import upkeep
from app.messaging import tallies
from app.mirror import pairs
from app.models import JobRun, ScheduledJob, Store
from app.segments import product_rhythms, standing, tickets
from app.stores import rows
from app.stores.platforms import CONNECTED
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit
from jobs.schedule import CalendarJob, Slot, is_connected

RUNS, SCHEDULED = table_of(JobRun), table_of(ScheduledJob)
STORES = table_of(Store)
_STORES, _ALL = select(Store).order_by(Store.id), select(STORES.c.id).order_by(STORES.c.id)
_CONNECTED = select(STORES.c.id).where(STORES.c.state == CONNECTED).order_by(STORES.c.id)
HOUR, QUARTER, DAY = timedelta(hours=1), timedelta(hours=6), timedelta(days=1)
_ORDERS_A_COMMIT = 500
_PEOPLE_A_COMMIT = 5000
_IS_GOOD = and_(RUNS.c.ended_at.is_not(None), RUNS.c.error.is_(None))
_SLOTS = (
    select(RUNS.c.name, func.min(RUNS.c.slot), func.max(RUNS.c.slot), func.max(case((_IS_GOOD, RUNS.c.slot))))
    .where(RUNS.c.name.in_(bindparam("jobs", expanding=True)))
    .group_by(RUNS.c.name)
)
"""The first slot of each job that was begun, the last one, and the last one that ended well."""


@dataclass(frozen=True, slots=True)
class _Due:
    """A job whose latest slot is run now, and from which slot on it covers what was missed."""

    job: CalendarJob
    slot: datetime
    begin: datetime


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Run every slot up to now that nobody ran; a job that was missed covers all it missed.

    So it does after a run that failed or whose worker died: a run may cover again what was done, and every
    job finds that done. What is due together is begun in one transaction and ended in one: a worker that dies
    amid it leaves all of that to their next slots.
    """
    latest = [(job, job.latest_slot(now)) for job in CALENDAR]
    news = [(job, slot) for job, slot in latest if kit.slots_seen.get(job.name, slot - job.every) < slot]
    if not news:
        return Counter()
    with kit.database.write() as session:
        due = _begin(session, news, now)
    kit.slots_seen.update((job.name, slot) for job, slot in news)
    errors: dict[str, str | None] = {}
    for one in due:
        result = run_guarded(partial(one.job.run, kit, Slot(one.begin, one.slot + one.job.every), now))
        errors[one.job.name] = result.trace if isinstance(result, Failed) else None
    if due:
        with kit.database.write() as session:
            _note_ends(session, due, errors, now)
    return +Counter({"slots": len(due)})


def forget_unfinished(session: Session) -> None:
    """Let slots that a killed process began run again, where nobody else works on the database."""
    session.execute(delete(RUNS).where(RUNS.c.ended_at.is_(None)))


def _begin(session: Session, latest: Sequence[tuple[CalendarJob, datetime]], now: datetime) -> list[_Due]:
    """Begin the slots that are nobody's yet, where no later one was begun either; in the order given."""
    held = session.execute(_SLOTS, {"jobs": [job.name for job, _ in latest]}).all()
    known = {name: (first, last, last_good) for name, first, last, last_good in held}
    due = list[_Due]()
    for job, slot in latest:
        first, last, last_good = known.get(job.name, (None, None, None))
        if last is None or last < slot:
            due.append(_Due(job, slot, last_good + job.every if last_good is not None else first or slot))
    rows = [
        {"name": one.job.name, "slot": one.slot, "started_at": now, "ended_at": None, "error": None}
        for one in due
    ]
    begun = {name for (name,) in insert_new(session, RUNS, rows, RUNS.c.name)}
    return [one for one in due if one.job.name in begun]


def _note_ends(
    session: Session, due: Sequence[_Due], errors: Mapping[str, str | None], now: datetime
) -> None:
    """What came of these runs, in the ledger and for the screens."""
    ended = [
        {"name": one.job.name, "slot": one.slot, "ended_at": now, "error": errors[one.job.name]}
        for one in due
    ]
    update_rows(session, RUNS, ended, key=("name", "slot"))
    shown = [
        {
            "name": one.job.name,
            "every_hours": one.job.every // HOUR,
            "last_run_at": now,
            "next_run_at": one.slot + one.job.every,
        }
        for one in due
    ]
    upsert(session, SCHEDULED, shown, key=("name",), update=("every_hours", "last_run_at", "next_run_at"))


def _plan_birthdays(kit: Kit, slot: Slot, now: datetime) -> int:
    planned = 0
    for store_id in _connected(kit):
        with kit.database.of_store(store_id).write() as session:
            store = rows.find(session, store_id)
            if store is not None:
                planned += birthdays.plan(session, store, begin=slot.begin, end=slot.end, now=now)
    return planned


def _release_silent(kit: Kit, slot: Slot, now: datetime) -> int:
    """A day's share, however many days were missed."""
    released = 0
    for store_id in _connected(kit):
        with kit.database.of_store(store_id).write() as session:
            store = rows.find(session, store_id)
            if store is not None:
                released += backlog.release(session, store, now=now)
    return released


def _count_pairs(kit: Kit, slot: Slot, now: datetime) -> int:
    added = 0
    for store_id in _connected(kit):
        count = _ORDERS_A_COMMIT
        while count == _ORDERS_A_COMMIT:
            with kit.database.of_store(store_id).write() as session:
                count = pairs.add_orders(session, store_id, _ORDERS_A_COMMIT)
            added += count
    return added


def _learn_rhythms(kit: Kit, slot: Slot, now: datetime) -> int:
    """Read and count first: a transaction that writes is not kept waiting for that."""
    learned = 0
    for store_id in _connected(kit):
        with kit.database.of_store(store_id).read() as session:
            if not product_rhythms.is_due(session, store_id, slot.begin, slot.end):
                continue
            found = product_rhythms.count(session, store_id, now)
        with kit.database.of_store(store_id).write() as session:
            learned += product_rhythms.keep(session, store_id, found, now)
    return learned


def _move_bands(kit: Kit, slot: Slot, now: datetime) -> int:
    moved = 0
    for store_id in _connected(kit):
        with kit.database.of_store(store_id).read() as session:
            bands = tickets.wanted(session, rows.need(session, store_id), now)
        if bands is None:
            continue
        with kit.database.of_store(store_id).write() as session:
            people = tickets.put_in_force(session, store_id, bands, now)
        for start in range(0, len(people), _PEOPLE_A_COMMIT):
            with kit.database.of_store(store_id).write() as session:
                standing.touch(session, store_id, people[start : start + _PEOPLE_A_COMMIT])
        moved += len(people)
    return moved


def _count_arms(kit: Kit, slot: Slot, now: datetime) -> int:
    """Read and count first: a transaction that writes is not kept waiting for that."""
    counted = 0
    for store_id in _connected(kit):
        with kit.database.of_store(store_id).read() as session:
            arms = effects.count(session, store_id, now)
            ways = funnels.count(session, rows.need(session, store_id), now)
        with kit.database.of_store(store_id).write() as session:
            effects.keep(session, store_id, arms)
            funnels.keep(session, store_id, ways)
        counted += len(arms)
    return counted


def _tally(kit: Kit, slot: Slot, now: datetime) -> int:
    done = 0
    for store_id in _connected(kit):
        count = tallies.A_COMMIT
        while count >= tallies.A_COMMIT:
            with kit.database.of_store(store_id).write() as session:
                count = tallies.add(session, store_id, now)
            done += count
    return done


def _report_engagement(kit: Kit, slot: Slot, now: datetime) -> int:
    planned = 0
    with kit.database.read() as session:
        stores = list(session.execute(_STORES).scalars())
    for store in filter(is_connected, stores):
        if engagement.settled_days(store, begin=slot.begin, end=slot.end):
            with kit.database.of_store(store.id).write() as session:
                planned += engagement.plan(session, store, begin=slot.begin, end=slot.end, now=now)
    return planned


def _purge(kit: Kit, slot: Slot, now: datetime) -> int:
    gone = 0
    with kit.database.read() as session:
        stores = list(session.execute(_ALL).scalars())
    with kit.database.write() as session:
        gone += upkeep.purge(session, now)
    for store_id in (inbox.NOBODY, *stores):
        with kit.database.of_store(store_id).read() as session:
            more = retention.waiting(session, store_id, now)
        while more:
            with kit.database.of_store(store_id).write() as session:
                count, more = retention.purge_once(session, store_id, now, more)
            gone += count
    kit.database.scrub()
    kit.database.take_stock()
    # The nights' work is the largest of the day, and leaves the most memory behind.
    heap.give_back()
    return gone


def _connected(kit: Kit) -> list[int]:
    with kit.database.read() as session:
        return list(session.execute(_CONNECTED).scalars())


CALENDAR: tuple[CalendarJob, ...] = (
    CalendarJob(
        "birthdays", "the birthdays of the coming week are planned", DAY, timedelta(0), _plan_birthdays
    ),
    CalendarJob(
        "backlog",
        "a share of those who were silent before is written to",
        DAY,
        timedelta(0),
        _release_silent,
    ),
    CalendarJob(
        "co_purchase", "new orders join the co-purchase counts", DAY, timedelta(hours=2), _count_pairs
    ),
    CalendarJob(
        "rhythms",
        "after how long the buyers of each product come back is counted",
        DAY,
        timedelta(hours=2, minutes=30),
        _learn_rhythms,
    ),
    CalendarJob(
        "ticket_bands",
        "from which average order on customers count as middling or large",
        DAY,
        timedelta(hours=2, minutes=45),
        _move_bands,
    ),
    CalendarJob(
        "holdout",
        "what each flow's two arms bought is counted",
        DAY,
        timedelta(hours=3),
        _count_arms,
    ),
    CalendarJob(
        "tallies",
        "what became of each flow's old messages is added up",
        DAY,
        timedelta(hours=3, minutes=15),
        _tally,
    ),
    CalendarJob(
        "engagement",
        "what each flow did on a day is told to the storefront",
        QUARTER,
        timedelta(0),
        _report_engagement,
    ),
    CalendarJob("purge", "what is past its retention goes", DAY, timedelta(hours=3, minutes=30), _purge),
)
