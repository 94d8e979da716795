"""Keeps deliveries over one connection of the process, in groups, each group committed once.

Many threads committing each to SQLite wait for each other's locks for up to a second; one writer with
group commit doubles the rate (PERFORMANCE.md P1). On PostgreSQL a group costs one flush.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice

from sqlalchemy.exc import SQLAlchemyError

from app import failpoints, inbox, wakeups, watching
from app.db import Database
from app.errors import Busy
from app.inbox import Kept, Row
from webhooks.groups import Groups
from webhooks.held import HeldConnection
from webhooks.promises import Tell, promised

Outcomes = Sequence[Busy | None]
"""Of each delivery why it is not durable, or None."""
_Item = tuple[Sequence[Row], Callable[[Outcomes], None]]
"""What was handed over together, and whom to tell."""


class InboxWriter:
    """Commits deliveries in groups.

    Args:
        database: of its own, with a short patience for locks: who delivers waits for five seconds only.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._line = _Line(database)
        self._groups: Groups[_Item] = Groups(
            "inbox-writer",
            self._insert,
            ended=self._line.close,
            rested=self._line.call,
            weigh=lambda item: sum(map(inbox.body_size, item[0])),
        )

    def keep(self, kept: Kept) -> None:
        """Return once the delivery is durable (or was kept before).

        Raises:
            Busy: the database cannot write now; nothing may be acknowledged.
        """
        promised(partial(self._begin, self._row(kept)))

    def hand_over(self, kept: Kept, tell: Tell[None]) -> None:
        """Take a delivery and return at once; the writer's thread says later how it went.

        Args:
            tell: called with None once the delivery is durable, else with why it is not.
        """
        self._groups.put(([self._row(kept)], partial(_tell_one, tell)))

    def hand_over_all(self, kept: Sequence[Kept], tell: Callable[[Outcomes], None]) -> None:
        """The same for several: they are of one group, and told of at once."""
        self._groups.put(([self._row(one) for one in kept], tell))

    def close(self) -> None:
        """Finish what was taken, stop the thread, close the database."""
        self._groups.close()
        self._database.dispose()

    def _begin(self, row: Row, tell: Tell[None]) -> None:
        self._groups.do(([row], partial(_tell_one, tell)))

    def _row(self, kept: Kept) -> Row:
        return inbox.row_of(kept, is_sqlite=self._database.is_sqlite)

    def _insert(self, group: Sequence[_Item]) -> None:
        failpoints.reached("receive.before-keep")
        rows = [row for together, _ in group for row in together]
        with watching.span("keep deliveries", deliveries=len(rows)):
            failures = iter(self._line.insert(rows))
        failpoints.reached("receive.after-keep")
        for together, tell in group:
            tell(list(islice(failures, len(together))))


class _Line:
    """Inserts groups over the writer's one connection."""

    def __init__(self, database: Database) -> None:
        self._insert_rows = inbox.insert_rows_sqlite if database.is_sqlite else inbox.insert_rows_postgresql
        self._connection = HeldConnection(database)
        self._hears_calls = not database.is_sqlite

    def insert(self, rows: Sequence[Row]) -> Outcomes:
        """Insert what is not there yet in one transaction; for each row why it was not kept, or None.

        A group that the database refuses for what it holds is inserted row by row, so that a delivery stops
        only itself.
        """
        driver = self._connection.driver
        try:
            self._connection.run(lambda connection: self._insert_rows(connection, rows))
        except driver.OperationalError as error:
            return [_as_busy(error)] * len(rows)
        except (driver.Error, SQLAlchemyError) as error:
            if len(rows) == 1:
                return [_as_busy(error)]
            return [self.insert([row])[0] for row in rows]
        return [None] * len(rows)

    def call(self) -> None:
        """Wake the workers; whatever fails here, they find at their next turn what was kept."""
        if self._hears_calls and self._connection.is_open:
            with suppress(self._connection.driver.Error, SQLAlchemyError):
                self._connection.run(lambda connection: connection.execute(wakeups.CALL_FOR_INBOX))

    def close(self) -> None:
        """Drop the connection, and with it what it had not committed."""
        self._connection.close()


def _tell_one(tell: Tell[None], outcomes: Outcomes) -> None:
    (outcome,) = outcomes
    tell(outcome)


def _as_busy(error: Exception) -> Busy:
    return Busy(f"the delivery could not be kept: {type(error).__name__}")
