"""Waking workers: who leaves work behind calls, and a worker that listens looks at once.

By LISTEN and NOTIFY of PostgreSQL; on SQLite nobody calls and nobody hears. Nothing hangs on a call: every
stage looks for itself again and again, and so does one that a pooler in between keeps from hearing.
"""

from collections.abc import Callable, Generator
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.db import Database
from app.errors import Busy

INBOX, FLOWS, OUTBOX = "inbox", "flows", "outbox"
"""What there is to do: deliveries to read, entries that may move people on, messages to send."""
CALL_FOR_INBOX = f"NOTIFY ritorno_work, '{INBOX}'"
"""For the driver itself, after a group of deliveries was kept."""
_CALL = text("SELECT pg_notify('ritorno_work', :what)")
_LISTEN = "LISTEN ritorno_work"
_LOOK_UP_SECONDS = 0.5
_QUIET_LOOKS = 60
"""After half a minute without a call the server is asked whether it is still there."""


def call(session: Session, what: str) -> None:
    """Wake who listens once this transaction is committed; when it is not, nobody is called."""
    if session.get_bind().dialect.name != "sqlite":
        session.execute(_CALL, {"what": what})


def calls(database: Database, is_over: Callable[[], bool]) -> Generator[set[str], None, None]:
    """What is called for, each time all that came meanwhile; at first everything, for nobody listened before.

    Holds a connection of its own.

    Raises:
        Busy: the connection cannot be made, or broke.
    """
    driver_errors = database.engine.dialect.loaded_dbapi.Error
    try:
        yield from _heard(database, is_over)
    except (SQLAlchemyError, driver_errors) as error:
        raise Busy("nobody can be heard now") from error


def _heard(database: Database, is_over: Callable[[], bool]) -> Generator[set[str], None, None]:
    connection = database.engine.raw_connection()
    driver: Any = connection.driver_connection
    # It is none of the pool's any more: whoever got it next would be told of every call.
    connection.detach()
    try:
        driver.autocommit = True
        driver.execute(_LISTEN)
        yield {INBOX, FLOWS, OUTBOX}
        quiet = 0
        while not is_over():
            heard = {one.payload for one in driver.notifies(timeout=_LOOK_UP_SECONDS, stop_after=1)}
            quiet = 0 if heard else quiet + 1
            if heard:
                yield heard | {one.payload for one in driver.notifies(timeout=0)}
            elif quiet >= _QUIET_LOOKS:
                driver.execute("SELECT 1")
                quiet = 0
    finally:
        driver.close()
