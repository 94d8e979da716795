"""A batch that fails is done again row by row, so that what fails by itself stops nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from app import asides, timers
from app.crypto import UnreadableSecret
from app.models import Store
from app.stores import rows
from jobs.guard import EXPECTED, Failed, run_guarded
from jobs.kit import Kit

log = structlog.get_logger()
T = TypeVar("T")
_Do = Callable[[Session, Store, datetime, int], int]
"""Does a batch of so many of a store, or all that is due of the subject of that number."""
_Settle = Callable[[Session, Store, Sequence[int], datetime], object]
_STRAIGHT = 20
"""When so many fail one after the other and none went well, it is the store's failure, and nobody's own."""
OF_NOBODY = (*EXPECTED, OperationalError, InterfaceError, UnreadableSecret)
"""Errors of the database's, the operator's or another's making: row by row nothing would come of it."""


def _nothing(_session: Session, _store_id: int, _subject_id: int, _until: datetime) -> None:
    """What is set aside waits for no moment."""


@dataclass(frozen=True, slots=True)
class Work:
    """A job's batches of a store's rows, as transactions of their own.

    Attributes:
        name: of the job, as `set_asides.work` has it.
        batch: does about so many; how many it did. It leaves out what is set aside.
        subjects: whom, or what, such a batch would be about.
        alone: does all that is due of one subject, set aside or not; how much that was.
        put_off: has what is due of a subject wait until then, where it is found by its moment.
    """

    name: str
    batch: _Do
    subjects: Callable[[Session, Store, datetime, int], Sequence[int]]
    alone: _Do
    put_off: Callable[[Session, int, int, datetime], None] = _nothing


@dataclass(frozen=True, slots=True)
class Batches:
    """A job's batches at a moment, whichever store they are of.

    Attributes:
        again: the stores in which something was set aside and is to be tried again.
    """

    kit: Kit
    work: Work
    now: datetime
    again: frozenset[int]

    @classmethod
    def of(cls, kit: Kit, work: Work, now: datetime) -> "Batches":
        """Those of now; where something is to be tried again is asked for all stores at once."""
        with kit.database.over_all_stores().read() as session:
            return cls(kit, work, now, frozenset(asides.stores_due(session, work.name, now)))

    def run(self, store_id: int, limit: int) -> int:
        """One batch of a store, and before it what was set aside if its time has come; how much was done.

        Raises:
            Exception: the batch failed for a reason that is nobody's own.
        """
        done = self._try_again(store_id) if store_id in self.again else 0
        result = run_guarded(partial(self._do, store_id, self.work.batch, limit))
        return done + (self._one_by_one(store_id, limit, result) if isinstance(result, Failed) else result)

    def _do(self, store_id: int, what: _Do, which: int) -> int:
        with self.kit.database.of_store(store_id).write() as session:
            store = rows.look(session, store_id)
            return what(session, store, self.now, which) if store is not None else 0

    def _try_again(self, store_id: int) -> int:
        with self.kit.database.of_store(store_id).read() as session:
            subjects = asides.due(session, store_id, self.work.name, self.now)
        done = 0
        for subject in subjects:
            result = run_guarded(partial(self._do, store_id, self._free, subject), store=store_id)
            if not isinstance(result, Failed):
                done += result
            elif isinstance(result.error, OF_NOBODY):
                raise result.error
            else:
                self._set_aside(store_id, subject, result)
        return done

    def _free(self, session: Session, store: Store, now: datetime, subject: int) -> int:
        """Do it, and have it be part of the batches again, in one transaction."""
        asides.drop(session, store.id, self.work.name, subject)
        return self.work.alone(session, store, now, subject)

    def _one_by_one(self, store_id: int, limit: int, failure: Failed) -> int:
        done: list[int] = []
        subjects = partial(self._subjects, store_id, limit)
        failed = one_by_one(failure, subjects, partial(self._do, store_id, self.work.alone), done)
        for subject, result in failed.items():
            self._set_aside(store_id, subject, result)
        return sum(done)

    def _subjects(self, store_id: int, limit: int) -> list[int]:
        # In a transaction that may write: what is read here is locked as for a batch.
        with self.kit.database.of_store(store_id).write() as session:
            store = rows.look(session, store_id)
            found = self.work.subjects(session, store, self.now, limit) if store is not None else ()
        return list(dict.fromkeys(found))

    def _set_aside(self, store_id: int, subject: int, failure: Failed) -> None:
        with self.kit.database.of_store(store_id).write() as session:
            until = set_aside(session, store_id, self.work.name, subject, failure=failure, now=self.now)
            self.work.put_off(session, store_id, subject, until)


def one_by_one(
    failure: Failed, subjects: Callable[[], Sequence[int]], do: Callable[[int], T], done: list[T]
) -> dict[int, Failed]:
    """Do a batch that failed for each subject alone; who failed by themselves.

    Args:
        done: is given what was done, also where this raises.

    Raises:
        Exception: the failure was nobody's own: of the database's making, or so many fail and none went well.
    """
    if isinstance(failure.error, OF_NOBODY):
        raise failure.error
    failed: dict[int, Failed] = {}
    for subject in subjects():
        result = run_guarded(partial(do, subject))
        if not isinstance(result, Failed):
            done.append(result)
            continue
        failed[subject] = result
        if isinstance(result.error, OF_NOBODY) or (not any(done) and len(failed) >= _STRAIGHT):
            raise result.error
    # Nobody fails alone, and nothing was done: another process is at them, which shows nothing.
    if not failed and not any(done):
        raise failure.error
    return failed


def set_aside(
    session: Session, store_id: int, work: str, subject: int, *, failure: Failed, now: datetime
) -> datetime:
    """Note somebody, or something, that failed alone, and say so; until when it waits."""
    log.error("set aside", job=work, store=store_id, subject=subject, error=failure.told)
    return asides.put(session, store_id, work, subject, error=failure.told, now=now)


def by_timers(
    name: str, kind: str, settle: Callable[[Session, Store, Sequence[int], datetime], object]
) -> Work:
    """A job of which each subject waits by a timer of its own.

    Args:
        settle: does what is due of these subjects, whose timers are taken in the same transaction.
    """

    def batch(session: Session, store: Store, now: datetime, limit: int) -> int:
        due = timers.take_due(session, store.id, now, kind=kind, limit=limit)
        return settled(session, store, now, due)

    def alone(session: Session, store: Store, now: datetime, subject: int) -> int:
        due = timers.take_due_of(session, store.id, now, kind=kind, subjects=[subject])
        return settled(session, store, now, due)

    def settled(session: Session, store: Store, now: datetime, due: Sequence[Any]) -> int:
        if due:
            settle(session, store, sorted({row.subject_id for row in due}), now)
            timers.settle_cursor(session, store.id)
        return len(due)

    def subjects(session: Session, store: Store, now: datetime, limit: int) -> Sequence[int]:
        due = timers.look_due(session, store.id, now, kind=kind, limit=limit)
        return [row.subject_id for row in due]

    def put_off(session: Session, store_id: int, subject: int, until: datetime) -> None:
        timers.put_off_of(session, store_id, until, kind=kind, subjects=[subject])

    return Work(name, batch, subjects, alone, put_off)
