"""The calendar: each slot of each job once over all processes, by the run run_ledger."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from jobs import nights, run_ledger, whose
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit
from jobs.schedule import CalendarJob, Slot

HOUR, QUARTER, DAY = timedelta(hours=1), timedelta(hours=6), timedelta(days=1)


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


CALENDAR: tuple[CalendarJob, ...] = (
    CalendarJob(
        "birthdays",
        "the birthdays of the coming week are planned",
        DAY,
        timedelta(0),
        nights.plan_birthdays,
        whose.any_of(whose.with_birthdays),
    ),
    CalendarJob(
        "backlog",
        "a share of those who were silent before is written to",
        DAY,
        timedelta(0),
        nights.release_silent,
        whose.any_of(whose.with_silent),
    ),
    CalendarJob(
        "co_purchase",
        "new orders join the co-purchase counts",
        DAY,
        timedelta(hours=2),
        nights.count_pairs,
        whose.any_of(whose.with_unpaired),
    ),
    CalendarJob(
        "rhythms",
        "after how long the buyers of each product come back is counted",
        DAY,
        timedelta(hours=2, minutes=30),
        nights.learn_rhythms,
        whose.any_of(whose.of_the_night),
    ),
    CalendarJob(
        "ticket_bands",
        "from which average order on customers count as middling or large",
        DAY,
        timedelta(hours=2, minutes=45),
        nights.move_bands,
        whose.any_of(whose.with_old_bands),
    ),
    CalendarJob(
        "holdout",
        "what each flow's two arms bought is counted",
        DAY,
        timedelta(hours=3),
        nights.count_arms,
    ),
    CalendarJob(
        "tallies",
        "what became of each flow's old messages is added up",
        DAY,
        timedelta(hours=3, minutes=15),
        nights.add_up,
    ),
    CalendarJob(
        "engagement",
        "what each flow did on a day is told to the storefront",
        QUARTER,
        timedelta(0),
        nights.report_engagement,
    ),
    CalendarJob(
        "purge", "what is past its retention goes", DAY, timedelta(hours=3, minutes=30), nights.purge
    ),
)
