"""What a database's own errors mean: it is busy, or gone, or nobody has migrated it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError

from app.errors import Busy

# PostgreSQL's own codes, which its driver hands on. What may only be read (a replica that took over and is
# not promoted yet, or an operator's own switch) is no OperationalError to the driver, nor is a transaction
# that the server ended because its process stood still.
_UNDEFINED_TABLE, _READ_ONLY, _STOOD_STILL = "42P01", "25006", "25P03"

_SQLITE_ERROR = 1
"""SQLITE_ERROR of sqlite3.h. Python's module says it as well, but PostgreSQL needs no such module."""


@contextmanager
def busy_named() -> Iterator[None]:
    """Raise `Busy` where the database cannot serve now; what is wrong with a statement goes through.

    Raises:
        Busy: the database is locked, full, gone or not to be written, or its tables are not there.
    """
    try:
        yield
    except DBAPIError as error:
        if _has_no_tables(error):
            raise Busy("the database has not been set up; `ritorno migrate` does it") from error
        if _cannot_serve(error):
            raise Busy("the database cannot be reached or written now") from error
        if error.connection_invalidated:
            raise Busy("the database went away") from error
        raise


def _cannot_serve(error: DBAPIError) -> bool:
    is_operational = isinstance(error, OperationalError) and not _is_our_mistake(error)
    return is_operational or _code(error) in (_READ_ONLY, _STOOD_STILL)


def _has_no_tables(error: DBAPIError) -> bool:
    return _code(error) == _UNDEFINED_TABLE or (_is_our_mistake(error) and "no such table" in str(error.orig))


def _code(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _is_our_mistake(error: DBAPIError) -> bool:
    """SQLite calls a statement that it cannot make sense of operational, too."""
    return getattr(error.orig, "sqlite_errorcode", None) == _SQLITE_ERROR
