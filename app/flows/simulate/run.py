"""A dry run from question to report: the store's people chunk by chunk, on as many processes as help."""

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.crypto import Signer
from app.db import Database, table_of
from app.errors import NotFound
from app.flows import published
from app.flows.batch import LiveFlow
from app.flows.simulate import history, memory, release
from app.flows.simulate.correspondence import Letter
from app.flows.simulate.history import History
from app.flows.simulate.life import Life
from app.flows.simulate.question import Question, Report, TickAt, Waiting, WouldBe, at_once
from app.messaging import senders
from app.models import Customer, Store

CUSTOMERS = table_of(Customer)
WARM_UP = timedelta(days=60)
"""So long before the asked span the other flows run already, so that journeys under way are there."""
CHUNK = 1000
_WORTH_PROCESSES = 8 * CHUNK
Progress = Callable[[int, int], None]
"""Told how many people are done, and of how many."""


def ask(
    session: Session,
    store: Store,
    flow_key: str,
    *,
    since: datetime,
    until: datetime,
    tick_at: TickAt = at_once,
) -> Question:
    """The question for a flow: it, as if it had been switched on at `since`, beside those that are on.

    Raises:
        NotFound: the store has no such flow.
    """
    known = published.flows_of(session, store.id)
    if flow_key not in known:
        raise NotFound(f"there is no flow {flow_key!r} in this store; the flows are {', '.join(known)}")
    flows = {
        key: _switched_on(flow, since if key == flow_key else _since(flow, since))
        for key, flow in known.items()
        if key == flow_key or flow.is_active
    }
    return Question(store, flow_key, flows, since, until, store.installed_at or since, tick_at)


def simulate(
    database: Database, signer: Signer, question: Question, progress: Progress | None = None
) -> Report:
    """Replay everybody in this process, reading only."""
    with database.read() as session:
        past = history.load(session, question)
        total = _people(session, question.store.id)
        spans = list(_spans(session, question.store.id))
    report = Report()
    for plan in (None, report):
        for part in _parts(question, spans, plan):
            # A transaction each: one that read for a minute would keep SQLite's log from being cut.
            with database.read() as session:
                report.add(_replayed(session, signer, question, past, part=part))
            if progress is not None:
                progress(report.people, total)
    _sort(report)
    return report


def simulate_widely(url: str, signer: Signer, question: Question, progress: Progress | None = None) -> Report:
    """The same on every core, where there are people enough; each process reads by its own connection."""
    database = Database(url).of_store(question.store.id)
    try:
        with database.read() as session:
            total = _people(session, question.store.id)
            spans = list(_spans(session, question.store.id))
        cores = os.cpu_count() or 1
        if cores == 1 or total < _WORTH_PROCESSES:
            return simulate(database, signer, question, progress)
        with database.read() as session:
            past = history.load(session, question)
    finally:
        database.dispose()
    report = Report()
    _Shared.work = _Work(url, signer, question, past)
    # What a forked process finds in its memory need not be sent to it.
    context = multiprocessing.get_context("fork")
    with (
        _undisturbed(),
        ProcessPoolExecutor(cores, mp_context=context, initializer=_begin) as processes,
    ):
        for plan in (None, report):
            for found in processes.map(_replay_part, _parts(question, spans, plan)):
                report.add(found)
                if progress is not None:
                    progress(report.people, total)
    _Shared.work = None
    _sort(report)
    return report


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Nothing is collected in this block: what it makes is the report, and nothing in that is a circle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(frozen=True, slots=True)
class _Work:
    url: str
    signer: Signer
    question: Question
    past: History


class _Shared:
    """What forked processes inherit, and the database that each opens once: it builds its statements once."""

    work: _Work | None = None
    database: Database | None = None


def _begin() -> None:
    """What a process does before its first people. It ends soon: nothing is collected."""
    gc.disable()
    if _Shared.work is not None:
        _Shared.database = Database(_Shared.work.url).of_store(_Shared.work.question.store.id)
        _Shared.database.map_file()


def _replay_part(part: "_Part") -> Report:
    work, database = _Shared.work, _Shared.database
    if work is None or database is None:
        raise RuntimeError("a dry run's process began without its question")
    with database.read() as session:
        return _replayed(session, work.signer, work.question, work.past, part=part)


@dataclass(frozen=True, slots=True)
class _Part:
    """A run of ids that holds a chunk of people; of it only those who begin then, where it says when."""

    first: int
    last: int
    begins: Mapping[int, datetime] | None = None


def _parts(question: Question, spans: Sequence[tuple[int, int]], found: Report | None) -> Iterator[_Part]:
    """Everybody; or, once they were replayed, those who were silent before and whose turn comes."""
    begins = release.decide(question, found) if found is not None else None
    for first, last in spans:
        if begins is None:
            yield _Part(first, last)
        elif mine := {id_: at for id_, at in begins.items() if first <= id_ <= last}:
            yield _Part(first, last, mine)


def _replayed(session: Session, signer: Signer, question: Question, past: History, *, part: _Part) -> Report:
    """The findings of one chunk of people."""
    can_text = senders.can_text(session, question.store.id)
    report, begins = Report(), part.begins
    held = memory.load(session, signer, question, first=part.first, last=part.last)
    for person in held.people.values():
        id_, mine = person.customer.id, Report(people=1)
        if begins is not None and id_ not in begins:
            continue
        life = Life.of(question, signer, past, held, person=person, report=mine, can_text=can_text)
        life.release_at = begins[id_] if begins is not None else None
        life.run()
        mine.messages = [
            _would_be(letter) for letter in life.outbox.mail.letters if letter.flow_key == question.flow_key
        ]
        if begins is not None:
            report.find(mine)
        elif life.silence is not None and life.silence.stays:
            report.count(mine)
            report.waiting.append(Waiting(id_, life.silence.stays, mine))
        else:
            report.add(mine)
    # The processes put theirs in order together; the whole is then quick to sort.
    _sort(report)
    return report


def _would_be(letter: Letter) -> WouldBe:
    return WouldBe(
        letter.customer_id,
        letter.step,
        letter.channel,
        letter.due_at,
        letter.status,
        letter.reason,
        letter.sent_at,
        letter.is_assumed,
    )


def _spans(session: Session, store_id: int) -> Iterator[tuple[int, int]]:
    """Runs of ids that hold a chunk of the store's people each."""
    first = 0
    while True:
        statement = (
            select(CUSTOMERS.c.id)
            .where(CUSTOMERS.c.store_id == store_id, CUSTOMERS.c.id >= first)
            .order_by(CUSTOMERS.c.id)
            .limit(CHUNK)
        )
        ids = session.execute(statement).scalars().all()
        if not ids:
            return
        yield ids[0], ids[-1]
        first = ids[-1] + 1


def _people(session: Session, store_id: int) -> int:
    known = select(func.count()).where(CUSTOMERS.c.store_id == store_id, CUSTOMERS.c.erased_at.is_(None))
    return session.execute(known).scalar_one()


def _since(flow: LiveFlow, since: datetime) -> datetime:
    """From when on another flow runs beside the asked one: since it was on, or since the span begins."""
    return max(min(flow.active_since or since, since), since - WARM_UP)


def _switched_on(flow: LiveFlow, since: datetime) -> LiveFlow:
    return LiveFlow(flow.key, True, since, flow.version_id, flow.definition)


def _sort(report: Report) -> None:
    report.messages.sort(key=attrgetter("due_at", "customer_id", "step"))
    report.released.sort(key=attrgetter("at", "customer_id"))
