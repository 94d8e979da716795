"""Whether anybody wrote: SQLite tells by a number that each commit changes, in some microseconds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from app.db import Database
from app.errors import Busy

_VERSION = "PRAGMA data_version"


@contextmanager
def since_asked(database: Database) -> Iterator[Callable[[], bool]]:
    """A question whether anything was committed since it was last asked; the first time it was.

    For one thread at a time, as long as the block, which holds a connection. PostgreSQL has no such number:
    there the answer is always yes.

    Raises:
        Busy: from the question, the database cannot be read now.
    """
    if not database.is_sqlite:
        yield lambda: True
        return
    connection = database.engine.raw_connection()
    driver: Any = connection.driver_connection
    driver_error = database.engine.dialect.loaded_dbapi.Error
    seen: int | None = None

    def is_changed() -> bool:
        nonlocal seen
        before = seen
        try:
            (seen,) = driver.execute(_VERSION).fetchone()
        except driver_error as error:
            raise Busy("the database cannot be read now") from error
        return seen != before

    try:
        yield is_changed
    finally:
        connection.close()
