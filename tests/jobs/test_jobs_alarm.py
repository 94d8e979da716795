"""A worker that listens looks at once when something is left for it; one that cannot hear goes on without."""

from collections.abc import Iterator
from contextlib import closing
from queue import SimpleQueue

import pytest
from sqlalchemy import text

from app import inbox, wakeups
from app.db import Database
from app.errors import Busy
from connectors.base import Envelope
from jobs.alarm import PATH, Alarm
from tests.conftest import NOW
from tests.engines import POSTGRESQL, SQLITE
from webhooks.writer import InboxWriter

ONLY_POSTGRESQL = pytest.mark.parametrize("engine", [POSTGRESQL])
EVERYTHING = {wakeups.INBOX, wakeups.FLOWS, wakeups.OUTBOX}
_CUT = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'LISTEN%'"
)
_PATIENCE_SECONDS = 20


@pytest.fixture
def looks(database: Database) -> Iterator["SimpleQueue[str]"]:
    """The stages that an alarm over the database has run, in their order."""
    seen: SimpleQueue[str] = SimpleQueue()
    alarm = Alarm(database, seen.put)
    alarm.open()
    yield seen
    alarm.close()


@ONLY_POSTGRESQL
def test_what_is_committed_is_heard_together_and_what_is_rolled_back_never(database: Database) -> None:
    with closing(wakeups.calls(database, lambda: False)) as calls:
        at_first = next(calls)
        with database.write() as session:
            wakeups.call(session, wakeups.OUTBOX)
            session.rollback()
            wakeups.call(session, wakeups.INBOX)
            wakeups.call(session, wakeups.FLOWS)
        heard = next(calls)

    assert (at_first, heard) == (EVERYTHING, {wakeups.INBOX, wakeups.FLOWS})


@ONLY_POSTGRESQL
def test_a_cut_line_is_told_as_a_database_that_is_gone(database: Database) -> None:
    with closing(wakeups.calls(database, lambda: False)) as calls:
        next(calls)
        with database.write() as session:
            session.execute(_CUT)

        with pytest.raises(Busy):
            next(calls)


@ONLY_POSTGRESQL
def test_the_alarm_runs_the_path_from_what_is_called_for_and_listens_anew_after_a_cut(
    database: Database, looks: "SimpleQueue[str]"
) -> None:
    at_first = _next(looks, len(PATH))
    with database.write() as session:
        wakeups.call(session, wakeups.FLOWS)
    called = _next(looks, 3)
    with database.write() as session:
        session.execute(_CUT)
    after_the_cut = _next(looks, len(PATH))
    with database.write() as session:
        wakeups.call(session, "something of a later version")
        wakeups.call(session, wakeups.OUTBOX)

    assert (at_first, called) == ([*PATH], ["flows", "confirmations", "outbox"])
    assert after_the_cut == [*PATH]
    assert _next(looks, 1) == ["outbox"]


@ONLY_POSTGRESQL
def test_a_delivery_that_was_kept_wakes_the_workers(database: Database, looks: "SimpleQueue[str]") -> None:
    _next(looks, len(PATH))
    writer = InboxWriter(Database(database.url, pool_size=1))

    writer.keep(inbox.Kept(1, Envelope("shopify", "orders/create", "a.example", "d-1"), b"{}", NOW))
    woken = _next(looks, len(PATH))

    writer.close()
    assert woken == [*PATH]


@pytest.mark.parametrize("engine", [SQLITE])
def test_on_sqlite_nobody_calls_and_nobody_listens(database: Database, looks: "SimpleQueue[str]") -> None:
    with database.write() as session:
        wakeups.call(session, wakeups.INBOX)

    assert looks.empty()


def _next(looks: "SimpleQueue[str]", count: int) -> list[str]:
    return [looks.get(timeout=_PATIENCE_SECONDS) for _ in range(count)]
