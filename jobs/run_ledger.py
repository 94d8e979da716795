"""The run ledger: who begins a slot of a job of the calendar runs it, and how it ended is noted."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, Select, bindparam, delete, func, literal, select, union_all, update
from sqlalchemy.orm import Session

from app.db import Database, insert_new, table_of, upsert
from app.models import JobRun, ScheduledJob
from jobs.schedule import CalendarJob

RUNS, SCHEDULED = table_of(JobRun), table_of(ScheduledJob)
_HOUR = timedelta(hours=1)
_END = (
    update(RUNS)
    .where(RUNS.c.name == bindparam("job"), RUNS.c.slot == bindparam("run"))
    .values(ended_at=bindparam("now"), error=bindparam("failure"))
)


class Ran(NamedTuple):
    """The first slot of a job that was begun, the last one, and the last one that ended well."""

    first: datetime | None
    last: datetime | None
    last_good: datetime | None


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that is over, with what went wrong, and is to be noted."""

    job: CalendarJob
    slot: datetime
    error: str | None


def ran(database: Database, jobs: tuple[str, ...]) -> dict[str, Ran]:
    """What was run of some jobs, asked once for all: who begins one in between is found as it is begun."""
    with database.read() as session:
        return {name: Ran(*slots) for name, *slots in session.execute(_ran_of(jobs))}


@cache
def _ran_of(jobs: tuple[str, ...]) -> CompoundSelect[Any]:
    """Each slot by itself, so that its index leads to it: a calendar has years behind it."""
    return union_all(*map(_ran_of_one, jobs))


def _ran_of_one(job: str) -> Select[Any]:
    its = RUNS.c.name == job
    is_good = (RUNS.c.ended_at.is_not(None), RUNS.c.error.is_(None))
    last_good = select(RUNS.c.slot).where(its, *is_good).order_by(RUNS.c.slot.desc()).limit(1)
    return select(
        literal(job),
        select(func.min(RUNS.c.slot)).where(its).scalar_subquery(),
        select(func.max(RUNS.c.slot)).where(its).scalar_subquery(),
        last_good.scalar_subquery(),
    )


def begin(session: Session, job: CalendarJob, slot: datetime, now: datetime) -> bool:
    """Whether nobody has begun the slot before."""
    row = {"name": job.name, "slot": slot, "started_at": now, "ended_at": None, "error": None}
    return bool(insert_new(session, RUNS, [row], RUNS.c.slot))


def first_covered(job: CalendarJob, slot: datetime, ran: Ran) -> datetime:
    """The first slot that a run of this one covers: what follows the last good one."""
    return ran.last_good + job.every if ran.last_good is not None else ran.first or slot


def note_end(session: Session, ended: Ended, now: datetime) -> None:
    """Note it, and what the screens show of the job."""
    job, slot = ended.job, ended.slot
    session.execute(_END, {"job": job.name, "run": slot, "now": now, "failure": ended.error})
    shown = {
        "name": job.name,
        "every_hours": job.every // _HOUR,
        "last_run_at": now,
        "next_run_at": slot + job.every,
    }
    upsert(session, SCHEDULED, [shown], key=("name",), update=("every_hours", "last_run_at", "next_run_at"))


def forget_unfinished(session: Session) -> None:
    """Let slots that a killed process began run again, where nobody else works on the database."""
    session.execute(delete(RUNS).where(RUNS.c.ended_at.is_(None)))
