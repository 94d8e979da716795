"""What a database's own errors mean: it is busy, or gone, or nobody has migrated it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError

from app.errors import Busy

_UNDEFINED_TABLE = "42P01"  # PostgreSQL's own code, which its driver hands on


@contextmanager
def busy_named() -> Iterator[None]:
    """Raise `Busy` where the database cannot serve now; what is wrong with a statement goes through.

    Raises:
        Busy: the database is locked, full or gone, or its tables are not there.
    """
    try:
        yield
    except DBAPIError as error:
        if _has_no_tables(error):
            raise Busy("the database has not been set up; `ritorno migrate` does it") from error
        if isinstance(error, OperationalError) and not _is_our_mistake(error):
            raise Busy("the database cannot be reached or written now") from error
        if error.connection_invalidated:
            raise Busy("the database went away") from error
        raise


def _has_no_tables(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlstate", None)
    return code == _UNDEFINED_TABLE or (_is_our_mistake(error) and "no such table" in str(error.orig))


def _is_our_mistake(error: DBAPIError) -> bool:
    """SQLite calls a statement that it cannot make sense of operational, too."""
    return getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
