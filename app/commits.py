"""Whether anybody wrote, asked in some microseconds: each commit changes what the database answers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from app.db import Database
from app.errors import Busy

_VERSION = "PRAGMA data_version"
_SNAPSHOT = b"SELECT pg_current_snapshot()"
"""Which transactions are over, and so seen: as long as these are the same ones, so are all rows."""


@contextmanager
def since_asked(database: Database) -> Iterator[Callable[[], bool]]:
    """A question whether anything was committed since it was last asked; the first time it was.

    For one thread at a time, as long as the block, which on SQLite holds a connection. On PostgreSQL a
    transaction that was rolled back, or of another database of the server, may count, too.

    Raises:
        Busy: from the question, the database cannot be read now.
    """
    dbapi: Any = database.engine.dialect.loaded_dbapi
    seen: object = None
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
    """SQLite's number, which is one of the connection that asks."""
    connection = database.engine.raw_connection()
    driver: Any = connection.driver_connection
    try:
        yield lambda: driver.execute(_VERSION).fetchone()
    finally:
        connection.close()


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
