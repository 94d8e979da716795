"""Whether anybody wrote, asked in some microseconds: each commit changes what the database answers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import PoolProxiedConnection
from sqlalchemy.exc import SQLAlchemyError

from app.db import Database
from app.errors import Busy

_VERSION = "PRAGMA data_version"
_SNAPSHOT = b"SELECT pg_current_snapshot()"
"""Which transactions are over, and so seen: the same ones, the same rows. Whose database is all the same."""


@contextmanager
def since_asked(database: Database) -> Iterator[Callable[[], bool]]:
    """A question whether anything was committed since it was last asked; the first time it was.

    For one thread at a time, as long as the block, which holds a connection. On PostgreSQL a transaction that
    ended without writing, or of another database of the server, may count, too.

    Raises:
        Busy: from the question, the database cannot be read now.
    """
    dbapi: Any = database.engine.dialect.loaded_dbapi
    state = _version if database.is_sqlite else _snapshot
    held: list[PoolProxiedConnection] = []
    seen: object = None

    def is_changed() -> bool:
        nonlocal seen
        before, seen = seen, None
        try:
            if not held:
                held.append(database.engine.raw_connection())
            seen = state(held[0].driver_connection, dbapi)
        except (SQLAlchemyError, dbapi.Error) as error:
            _drop(held)
            raise Busy("the database cannot be read now") from error
        return seen != before

    try:
        yield is_changed
    finally:
        for connection in held:
            connection.close()


def _version(driver: Any, _dbapi: Any) -> object:
    return driver.execute(_VERSION).fetchone()


def _snapshot(driver: Any, dbapi: Any) -> object:
    """By the driver's own way to the server, on which no transaction is begun."""
    answer = driver.pgconn.exec_(_SNAPSHOT)
    if answer.status != dbapi.pq.ExecStatus.TUPLES_OK:
        raise dbapi.OperationalError("no snapshot")
    return answer.get_value(0, 0)


def _drop(held: list[PoolProxiedConnection]) -> None:
    """Keep no connection that failed: the next question is asked over another one."""
    while held:
        held.pop().invalidate()
