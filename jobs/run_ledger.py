"""The run ledger: who begins a slot of a job of the calendar runs it, and how it ended is noted."""

from collections.abc import Sequence
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
class Over:
    """A slot that is over and is to be noted: that of a run, with what went wrong, or one without work.

    Attributes:
        was_begun: by us; a slot without work is begun as it is noted, unless somebody else began it.
    """

    job: CalendarJob
    slot: datetime
    error: str | None = None
    was_begun: bool = True


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
    return bool(insert_new(session, RUNS, [_begun(job, slot, now)], RUNS.c.slot))


def first_covered(job: CalendarJob, slot: datetime, ran: Ran) -> datetime:
    """The first slot that a run of this one covers: what follows the last good one."""
    return ran.last_good + job.every if ran.last_good is not None else ran.first or slot


def note(session: Session, slots: Sequence[Over], now: datetime) -> None:
    """Note what is over, and what the screens show of those jobs."""
    for one in slots:
        if one.was_begun:
            ended = {"job": one.job.name, "run": one.slot, "now": now, "failure": one.error}
            session.execute(_END, ended)
    idle = [_begun(one.job, one.slot, now) | {"ended_at": now} for one in slots if not one.was_begun]
    ours = {row.name for row in insert_new(session, RUNS, idle, RUNS.c.name)}
    shown = [
        {
            "name": one.job.name,
            "every_hours": one.job.every // _HOUR,
            "last_run_at": now,
            "next_run_at": one.slot + one.job.every,
        }
        for one in slots
        if one.was_begun or one.job.name in ours
    ]
    upsert(session, SCHEDULED, shown, key=("name",), update=("every_hours", "last_run_at", "next_run_at"))


def _begun(job: CalendarJob, slot: datetime, now: datetime) -> dict[str, Any]:
    return {"name": job.name, "slot": slot, "started_at": now, "ended_at": None, "error": None}


def forget_unfinished(session: Session) -> None:
    """Let slots that a killed process began run again, where nobody else works on the database."""
    session.execute(delete(RUNS).where(RUNS.c.ended_at.is_(None)))
