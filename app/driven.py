"""Statements that go to SQLite's driver as they are, once they are written: its rows, or how many it wrote.

What SQLAlchemy does around one (a context, a cursor's result, its parameters looked through) takes five times
as long as the driver and SQLite do with a few rows. Of that only its errors are needed here.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


class Outcome(NamedTuple):
    """How many rows a statement wrote, and what it returned of them."""

    written: int
    rows: Sequence[tuple[Any, ...]]


def run(connection: Connection, statement: str, values: Sequence[Any]) -> Outcome:
    """Run a statement within the connection's transaction, which has begun.

    Args:
        values: one for each place; a list of such tuples to run it for each, where it returns nothing.

    Raises:
        DBAPIError: as SQLAlchemy names it, without the values.
    """
    if is_watched(connection):
        return _told(connection, statement, values)
    dbapi: Any = connection.dialect.loaded_dbapi
    driver: Any = connection.connection.driver_connection
    try:
        if isinstance(values, list):
            return Outcome(driver.executemany(statement, values).rowcount, ())
        cursor = driver.execute(statement, values)
        return Outcome(cursor.rowcount, cursor.fetchall())
    except dbapi.Error as error:
        raise _named(error, statement, connection) from error


def select(
    connection: Connection, statement: str, values: Sequence[Any]
) -> tuple[Sequence[str], Iterator[Sequence[tuple[Any, ...]]]]:
    """The names of a select's columns, and its rows by the thousand: the first of them are read at once.

    Raises:
        DBAPIError: as `run`; while later rows are read, too.
    """
    dbapi: Any = connection.dialect.loaded_dbapi
    driver: Any = connection.connection.driver_connection
    try:
        cursor = driver.execute(statement, values)
        first = cursor.fetchmany(_AT_ONCE)
    except dbapi.Error as error:
        raise _named(error, statement, connection) from error
    names = [column[0] for column in cursor.description]
    if len(first) < _AT_ONCE:
        return names, iter((first,) if first else ())
    return names, chain((first,), _later(cursor, statement, connection))


def is_watched(connection: Connection) -> bool:
    """Whether somebody looks at each statement."""
    return bool(connection.engine.dispatch.before_cursor_execute)


def _later(cursor: Any, statement: str, connection: Connection) -> Iterator[Sequence[tuple[Any, ...]]]:
    dbapi: Any = connection.dialect.loaded_dbapi
    try:
        while rows := cursor.fetchmany(_AT_ONCE):
            yield rows
    except dbapi.Error as error:
        raise _named(error, statement, connection) from error


def _named(error: Exception, statement: str, connection: Connection) -> DBAPIError:
    dbapi: Any = connection.dialect.loaded_dbapi
    named = DBAPIError.instance(
        statement, None, error, dbapi.Error, hide_parameters=True, dialect=connection.dialect
    )
    return cast(DBAPIError, named)


def _told(connection: Connection, statement: str, values: Sequence[Any]) -> Outcome:
    result = connection.exec_driver_sql(statement, cast(Any, values))
    return Outcome(result.rowcount, [*map(tuple, result)] if result.returns_rows else ())


_AT_ONCE = 1000
