"""The inbox: a verified delivery is kept once, durably, before it is answered.

All deliveries of a process go through one writer thread that commits whole groups: many threads
committing each to SQLite wait for each other's locks for up to a second, one writer does not
(PERFORMANCE.md P1), and on PostgreSQL a group costs one flush.
"""

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.db import Database, insert_new, is_one_of, table_of
from app.errors import AppError, Busy
from app.models import InboundEvent
from app.models.inbound_event import DEAD, DONE, IGNORED, OPEN, RETRYING, WAITING
from connectors.base import Envelope

EVENTS = table_of(InboundEvent)
_GROUP = 256
_ANSWER_SECONDS = 4.0
_ERROR_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class Kept:
    """What is to be kept of one delivery. `store_id` is 0 for a shop that we do not know."""

    store_id: int
    envelope: Envelope
    body: bytes
    received_at: datetime
    status: str = WAITING


class InboxWriter:
    """Commits deliveries in groups on one thread, started at the first one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: queue.SimpleQueue[tuple[dict[str, Any], Future[None]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def keep(self, kept: Kept) -> None:
        """Return once the delivery is durable (or was kept before).

        Raises:
            Busy: the database cannot write now; nothing may be acknowledged.
        """
        future: Future[None] = Future()
        self._start()
        self._queue.put((_row(kept), future))
        try:
            future.result(timeout=_ANSWER_SECONDS)
        except TimeoutError as error:
            raise Busy("the database is too slow to keep the delivery") from error

    def close(self) -> None:
        """Finish what was taken and stop the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join()

    def _start(self) -> None:
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="inbox-writer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            group = [first]
            stop = False
            while len(group) < _GROUP and not self._queue.empty():
                item = self._queue.get()
                if item is None:
                    stop = True
                    break
                group.append(item)
            self._commit(group)
            if stop:
                return

    def _commit(self, group: Sequence[tuple[dict[str, Any], Future[None]]]) -> None:
        failure = self._insert([row for row, _ in group])
        for _, future in group:
            if failure is None:
                future.set_result(None)
            else:
                future.set_exception(failure)

    def _insert(self, rows: list[dict[str, Any]]) -> Busy | None:
        try:
            with self._database.write() as session:
                insert_new(session, EVENTS, rows)
        except Busy as error:
            return error
        except SQLAlchemyError as error:
            return Busy(f"the delivery could not be kept: {type(error).__name__}")
        return None


def _row(kept: Kept) -> dict[str, Any]:
    envelope = kept.envelope
    return {
        "store_id": kept.store_id,
        "source": envelope.source,
        "topic": _storable(envelope.topic, 100),
        "dedupe_key": envelope.dedupe_key,
        "event_id": _storable(envelope.event_id, 128),
        "subject_external_id": _storable(envelope.subject_external_id, 64),
        "body": kept.body,
        "triggered_at": envelope.triggered_at,
        "received_at": kept.received_at,
        "status": kept.status,
        "attempts": 0,
        "next_at": kept.received_at,
    }


def _storable(text: str | None, length: int) -> str | None:
    """Text that both databases take: no NUL (PostgreSQL refuses it), no lone surrogate."""
    if text is None:
        return None
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:length]


def waiting(session: Session, store_id: int, now: datetime, limit: int) -> Sequence[InboundEvent]:
    """A store's deliveries that are to be read now, oldest first, locked against other workers."""
    statement = (
        select(InboundEvent)
        .where(
            InboundEvent.store_id == store_id,
            is_one_of(InboundEvent.status, OPEN),
            InboundEvent.next_at <= now,
        )
        .order_by(InboundEvent.next_at, InboundEvent.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return session.execute(statement).scalars().all()


def mark_done(session: Session, store_id: int, ids: Sequence[int], now: datetime) -> None:
    """These deliveries are in the mirror, committed together with it."""
    _set(session, store_id, ids, status=DONE, done_at=now, error=None)


def mark_ignored(session: Session, store_id: int, ids: Sequence[int], now: datetime, reason: str) -> None:
    """These deliveries ask for nothing (an unknown topic, an uninstalled shop)."""
    _set(session, store_id, ids, status=IGNORED, done_at=now, error=reason)


def mark_dead(session: Session, store_id: int, ids: Sequence[int], reason: str) -> None:
    """These deliveries cannot be read; they rest with the reason and can be replayed."""
    _set(session, store_id, ids, status=DEAD, error=reason[:_ERROR_LENGTH])


def mark_retry(event: InboundEvent, next_at: datetime, error: str) -> None:
    """This delivery failed and is tried again later."""
    event.status = RETRYING
    event.attempts += 1
    event.next_at = next_at
    event.error = error[:_ERROR_LENGTH]


def replay(session: Session, ids: Sequence[int], now: datetime) -> int:
    """Put dead deliveries back in line; the same keys hold, so twice does no harm.

    Raises:
        AppError: none of the ids rests as dead.
    """
    statement = (
        update(EVENTS)
        .where(EVENTS.c.id.in_(ids), EVENTS.c.status == DEAD)
        .values(status=WAITING, attempts=0, next_at=now)
        .returning(EVENTS.c.id)
    )
    changed = len(session.execute(statement).all())
    if not changed:
        raise AppError("none of these deliveries rests as dead; see the activity page for the ids")
    return changed


def _set(session: Session, store_id: int, ids: Sequence[int], **values: Any) -> None:
    if ids:
        session.execute(
            update(EVENTS).where(EVENTS.c.store_id == store_id, EVENTS.c.id.in_(ids)).values(**values)
        )
