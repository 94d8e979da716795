"""Whether anybody wrote, asked in some microseconds: each commit changes what the database answers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.db import Database
from app.errors import Busy

_VERSION = "PRAGMA data_version"
_SNAPSHOT = b"SELECT pg_current_snapshot()"
"""Which transactions are over, and so seen: as long as these are the same ones, so are all rows."""


def mark(session: Session) -> object:
    """How SQLite answers once this transaction is committed, as long as nobody writes; None on PostgreSQL.

    Take it last in a transaction that writes, whose lock keeps all others out to its end. On PostgreSQL they
    commit beside it.
    """
    if session.get_bind().dialect.name != "sqlite":
        return None
    return _state_of(session.connection().connection.driver_connection)


@contextmanager
def since_asked(database: Database, since: object = None) -> Iterator[Callable[[], bool]]:
    """A question whether anything was committed since it was last asked; the first time it was.

    For one thread at a time, as long as the block, which on SQLite holds a connection. On PostgreSQL a
    transaction that was rolled back, or of another database of the server, may count, too.

    Args:
        since: a `mark`, for the first time to tell what was committed since that transaction's end.

    Raises:
        Busy: from the question, the database cannot be read now.
    """
    dbapi: Any = database.engine.dialect.loaded_dbapi
    seen: object = since
    asked = partial(_snapshot, database, dbapi)
    with _versions(database) if database.is_sqlite else nullcontext(asked) as state:

        def is_changed() -> bool:
            nonlocal seen
            before, seen = seen, None
            try:
                seen = state()
            except (SQLAlchemyError, dbapi.Error) as error:
                raise Busy("the database cannot be read now") from error
            return seen != before

        yield is_changed


@contextmanager
def _versions(database: Database) -> Iterator[Callable[[], object]]:
    """SQLite's state, which is one of the connection that asks."""
    connection = database.engine.raw_connection()
    driver: Any = connection.driver_connection
    try:
        yield partial(_state_of, driver)
    finally:
        connection.close()


def _state_of(driver: Any) -> object:
    """A connection, what it saw of the others' commits, and how many rows it changed itself, ever.

    Of its own commits its number says nothing: a connection goes from one thread of a process to another.
    """
    return driver, driver.execute(_VERSION).fetchone(), driver.total_changes


def _snapshot(database: Database, dbapi: Any) -> object:
    """PostgreSQL's, over whichever connection rests: one that was held would be missing where few are."""
    connection = database.engine.raw_connection()
    driver: Any = connection.driver_connection
    try:
        # By the driver's own way to the server, on which no transaction is begun.
        answer = driver.pgconn.exec_(_SNAPSHOT)
        if answer.status != dbapi.pq.ExecStatus.TUPLES_OK:
            raise dbapi.OperationalError("no snapshot")
    except dbapi.Error:
        # The server ended it while it rested, and with it the pool's others.
        connection.invalidate()
        database.engine.dispose()
        raise
    value: bytes | None = answer.get_value(0, 0)
    connection.close()
    return value
