"""Keeps deliveries: one thread of the process commits them in groups, each group once.

Many threads committing each to SQLite wait for each other's locks for up to a second; one writer with
group commit doubles the rate (PERFORMANCE.md P1). On PostgreSQL a group costs one flush.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import PoolProxiedConnection
from sqlalchemy.exc import SQLAlchemyError

from app import failpoints, inbox, wakeups
from app.db import Database
from app.errors import Busy
from app.inbox import Kept, Row

ANSWER_SECONDS = 4.0
"""How long a delivery may wait for its group; Shopify hangs up after five."""
_GROUP = 256
_GROUP_BYTES = 8 * 1024 * 1024
_SQLITE_CACHE_KIB = 8 * 1024

Tell = Callable[[Busy | None], None]
_Item = tuple[Row, Tell]


class InboxWriter:
    """Commits deliveries in groups on one thread, started at the first one.

    Args:
        database: of its own, with a short patience for locks: who delivers waits for five seconds only.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def keep(self, kept: Kept) -> None:
        """Return once the delivery is durable (or was kept before).

        Raises:
            Busy: the database cannot write now; nothing may be acknowledged.
        """
        promise = _Promise()
        self.hand_over(kept, promise.settle)
        promise.wait(ANSWER_SECONDS)

    def hand_over(self, kept: Kept, tell: Tell) -> None:
        """Take a delivery and return at once; the writer's thread says later how it went.

        Args:
            tell: called with None once the delivery is durable, else with why it is not; must not raise.
        """
        row = inbox.row_of(kept, is_sqlite=self._database.is_sqlite)
        if self._thread is None:
            self._start()
        self._queue.put((row, tell))

    def close(self) -> None:
        """Finish what was taken, stop the thread, close the database."""
        thread = self._thread
        if thread is not None:
            self._queue.put(None)
            thread.join()
        self._database.dispose()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="inbox-writer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        line = _Line(self._database)
        try:
            while (first := self._queue.get()) is not None:
                group = self._gather(first)
                failpoints.reached("receive.before-keep")
                failures = line.insert([row for row, _ in group])
                failpoints.reached("receive.after-keep")
                for (_, tell), failure in zip(group, failures, strict=True):
                    tell(failure)
                if self._queue.empty():
                    line.call()
        finally:
            # Whatever ends this thread, the next delivery finds another one.
            self._thread = None
            line.close()

    def _gather(self, first: _Item) -> list[_Item]:
        """The first delivery and what waits behind it, as one group."""
        group, size = [first], inbox.body_size(first[0])
        while len(group) < _GROUP and size < _GROUP_BYTES:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                self._queue.put(None)
                break
            group.append(item)
            size += inbox.body_size(item[0])
        return group


class _Promise:
    """What the thread of a delivery waits on: a tenth of the cost of a Future."""

    __slots__ = ("_failure", "_settled")

    def __init__(self) -> None:
        self._failure: Busy | None = None
        self._settled = threading.Lock()
        self._settled.acquire()

    def settle(self, failure: Busy | None) -> None:
        """Let the waiting thread go on."""
        self._failure = failure
        self._settled.release()

    def wait(self, seconds: float) -> None:
        """Return when it went well.

        Raises:
            Busy: it did not, or nobody knows yet.
        """
        if not self._settled.acquire(timeout=seconds):
            raise Busy("the database is too slow to keep the delivery")
        if self._failure is not None:
            raise self._failure


class _Line:
    """The writer's one connection to the database, held between groups: the driver's own, for its speed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert_rows = inbox.insert_rows_sqlite if database.is_sqlite else inbox.insert_rows_postgresql
        self._driver: Any = database.engine.dialect.dbapi
        self._connection: PoolProxiedConnection | None = None

    def insert(self, rows: Sequence[Row]) -> Sequence[Busy | None]:
        """Insert what is not there yet in one transaction; for each row why it was not kept, or None.

        A connection that broke meanwhile is made anew once. A group that the database refuses for what
        it holds is inserted row by row, so that a delivery stops only itself.
        """
        try:
            self._insert(rows)
        except self._driver.OperationalError as error:
            return [_as_busy(error)] * len(rows)
        except (self._driver.Error, SQLAlchemyError) as error:
            if len(rows) == 1:
                return [_as_busy(error)]
            return [self.insert([row])[0] for row in rows]
        return [None] * len(rows)

    def call(self) -> None:
        """Wake the workers; whatever fails here, they find at their next turn what was kept."""
        if self._connection is None or self._database.is_sqlite:
            return
        driver: Any = self._connection.driver_connection
        try:
            driver.execute(wakeups.CALL_FOR_INBOX)
        except self._driver.Error:
            self.close()

    def close(self) -> None:
        """Drop the connection, and with it what it had not committed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()

    def _insert(self, rows: Sequence[Row]) -> None:
        was_open = self._connection is not None
        try:
            self._insert_rows(self._open(), rows)
        except self._driver.Error:
            is_broken = self._is_broken()
            self.close()
            if not (was_open and is_broken):
                raise
            self._insert(rows)

    def _open(self) -> Any:
        if self._connection is None:
            self._connection = self._database.engine.raw_connection()
            connection: Any = self._connection.driver_connection
            if self._database.is_sqlite:
                # It only ever inserts: pages that it has written need no place in memory.
                connection.execute(f"PRAGMA cache_size=-{_SQLITE_CACHE_KIB}")
            else:
                # One statement is a transaction by itself: no ways to the server for BEGIN and COMMIT.
                connection.autocommit = True
        return self._connection.driver_connection

    def _is_broken(self) -> bool:
        """Whether PostgreSQL closed the connection, at a restart for instance."""
        return self._connection is not None and bool(
            getattr(self._connection.driver_connection, "closed", False)
        )


def _as_busy(error: Exception) -> Busy:
    return Busy(f"the delivery could not be kept: {type(error).__name__}")
