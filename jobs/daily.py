"""The calendar: each slot of each job once over all processes, by the run run_ledger."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select

from app import heap, retention
from app.analytics import effects, engagement, funnels
from app.db import few_pages
from app.flows import backlog, birthdays
from app.members import upkeep
from app.messaging import tallies
from app.mirror import pairs
from app.models import Store
from app.segments import product_rhythms, standing, tickets
from app.stores import rows
from jobs import run_ledger, whose
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit
from jobs.schedule import CalendarJob, Slot, is_connected

_STORES = select(Store).order_by(Store.id)
HOUR, QUARTER, DAY = timedelta(hours=1), timedelta(hours=6), timedelta(days=1)
_ORDERS_A_COMMIT = 500
_PEOPLE_A_COMMIT = 5000


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Run every slot up to now that nobody ran; a job that was missed covers all it missed.

    So it does after a run that failed or whose worker died: a run may cover again what was done, and every
    job finds that done. The end of a run and the beginning of the next one are one transaction, in which
    those without work that lie between them are noted, too.
    """
    done: Counter[str] = Counter()
    over: list[run_ledger.Over] = []
    due = [(job, slot) for job, slot in _latest(now) if kit.slots_seen.get(job.name, slot - job.every) < slot]
    ran = run_ledger.ran(kit.database, tuple(job.name for job, _ in due)) if due else {}
    for job, slot in due:
        last = ran[job.name].last
        if last is not None and last >= slot:
            kit.slots_seen[job.name] = slot
            continue
        covered = Slot(run_ledger.first_covered(job, slot, ran[job.name]), slot + job.every)
        if _is_idle(kit, job, covered, now):
            over.append(run_ledger.Over(job, slot, was_begun=False))
            continue
        if _turn(kit, over, (job, slot), now):
            result = run_guarded(partial(job.run, kit, covered, now))
            over = [run_ledger.Over(job, slot, result.trace if isinstance(result, Failed) else None)]
            done["slots"] += 1
    if over:
        _turn(kit, over, None, now)
    return +done


def _is_idle(kit: Kit, job: CalendarJob, covered: Slot, now: datetime) -> bool:
    """Whether a run would find nothing to do; one that cannot be asked about is to begin, and to say why."""
    return job.has_work is not None and run_guarded(partial(job.has_work, kit, covered, now)) is False


def _turn(
    kit: Kit, over: list[run_ledger.Over], following: tuple[CalendarJob, datetime] | None, now: datetime
) -> bool:
    """Note what is over and begin what follows, in one transaction; whether that is ours to run."""
    with kit.database.write() as session:
        run_ledger.note(session, over, now)
        is_mine = following is not None and run_ledger.begin(session, *following, now)
    known = [(one.job, one.slot) for one in over] + ([following] if following is not None else [])
    kit.slots_seen.update({job.name: slot for job, slot in known})
    over.clear()
    return is_mine


def _latest(now: datetime) -> Iterator[tuple[CalendarJob, datetime]]:
    return ((job, job.latest_slot(now)) for job in CALENDAR)


def _plan_birthdays(kit: Kit, slot: Slot, now: datetime) -> int:
    planned = 0
    for store_id in whose.with_birthdays(kit, slot, now):
        with kit.database.of_store(store_id).write() as session:
            store = rows.find(session, store_id)
            if store is not None:
                planned += birthdays.plan(session, store, begin=slot.begin, end=slot.end, now=now)
    return planned


def _release_silent(kit: Kit, slot: Slot, now: datetime) -> int:
    """A day's share, however many days were missed."""
    released = 0
    for store_id in whose.with_silent(kit, slot, now):
        with kit.database.of_store(store_id).write() as session:
            store = rows.find(session, store_id)
            if store is not None:
                released += backlog.release(session, store, now=now)
    return released


def _count_pairs(kit: Kit, slot: Slot, now: datetime) -> int:
    added = 0
    for store_id in whose.with_unpaired(kit, slot, now):
        count = _ORDERS_A_COMMIT
        while count == _ORDERS_A_COMMIT:
            with kit.database.of_store(store_id).write() as session:
                count = pairs.add_orders(session, store_id, _ORDERS_A_COMMIT)
            added += count
    return added


def _learn_rhythms(kit: Kit, slot: Slot, now: datetime) -> int:
    """Read and count first: a transaction that writes is not kept waiting for that."""
    # It takes the most memory of all the night's work, and begins with what the day has left free.
    heap.give_back()
    learned = 0
    for store_id in whose.of_the_night(kit, slot, now):
        with kit.database.of_store(store_id).read() as session, few_pages(session):
            found = product_rhythms.count(session, store_id, now)
        with kit.database.of_store(store_id).write() as session:
            learned += product_rhythms.keep(session, store_id, found, now)
    return learned


def _move_bands(kit: Kit, slot: Slot, now: datetime) -> int:
    moved = 0
    for store_id in whose.with_old_bands(kit, slot, now):
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
    for store_id in whose.connected(kit):
        with kit.database.of_store(store_id).read() as session:
            arms = effects.count(session, store_id, now)
            ways = funnels.count(session, store_id, now)
        with kit.database.of_store(store_id).write() as session:
            effects.keep(session, store_id, arms)
            funnels.keep(session, store_id, ways)
        counted += len(arms)
    return counted


def _tally(kit: Kit, slot: Slot, now: datetime) -> int:
    done = 0
    for store_id in whose.connected(kit):
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
        has_leavings = upkeep.is_due(session, now)
    if has_leavings:
        with kit.database.write() as session:
            gone += upkeep.purge(session, now)
    with kit.database.over_all_stores().read() as session:
        waiting = retention.waiting_in_all(session, now)
    for store_id, purges in waiting.items():
        more: Sequence[retention.Purge] = purges
        while more:
            with kit.database.of_store(store_id).write() as session, few_pages(session):
                count, more = retention.purge_once(session, store_id, now, more)
            gone += count
    kit.database.scrub()
    kit.database.take_stock()
    # The nights' work is the largest of the day, and leaves the most memory behind.
    heap.give_back()
    return gone


CALENDAR: tuple[CalendarJob, ...] = (
    CalendarJob(
        "birthdays",
        "the birthdays of the coming week are planned",
        DAY,
        timedelta(0),
        _plan_birthdays,
        whose.any_of(whose.with_birthdays),
    ),
    CalendarJob(
        "backlog",
        "a share of those who were silent before is written to",
        DAY,
        timedelta(0),
        _release_silent,
        whose.any_of(whose.with_silent),
    ),
    CalendarJob(
        "co_purchase",
        "new orders join the co-purchase counts",
        DAY,
        timedelta(hours=2),
        _count_pairs,
        whose.any_of(whose.with_unpaired),
    ),
    CalendarJob(
        "rhythms",
        "after how long the buyers of each product come back is counted",
        DAY,
        timedelta(hours=2, minutes=30),
        _learn_rhythms,
        whose.any_of(whose.of_the_night),
    ),
    CalendarJob(
        "ticket_bands",
        "from which average order on customers count as middling or large",
        DAY,
        timedelta(hours=2, minutes=45),
        _move_bands,
        whose.any_of(whose.with_old_bands),
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
