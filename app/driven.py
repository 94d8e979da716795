"""Statements that go to SQLite's driver as they are, once they are written: its rows, or how many it wrote.

What SQLAlchemy does around one (a context, a cursor's result, its parameters looked through) takes five times
as long as the driver and SQLite do with a few rows. Of that only its errors are needed here.
"""

from collections.abc import Sequence
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
    if connection.engine.dispatch.before_cursor_execute:
        # Somebody looks at each statement.
        return _told(connection, statement, values)
    dbapi: Any = connection.dialect.loaded_dbapi
    driver: Any = connection.connection.driver_connection
    try:
        if isinstance(values, list):
            return Outcome(driver.executemany(statement, values).rowcount, ())
        cursor = driver.execute(statement, values)
        return Outcome(cursor.rowcount, cursor.fetchall())
    except dbapi.Error as error:
        named = DBAPIError.instance(
            statement, None, error, dbapi.Error, hide_parameters=True, dialect=connection.dialect
        )
        raise cast(DBAPIError, named) from error


def _told(connection: Connection, statement: str, values: Sequence[Any]) -> Outcome:
    result = connection.exec_driver_sql(statement, cast(Any, values))
    return Outcome(result.rowcount, [*map(tuple, result)] if result.returns_rows else ())
