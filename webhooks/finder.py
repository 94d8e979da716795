"""Looks up where links lead, over one connection: what is asked at one moment is asked together."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from app.db import Database
from app.errors import Busy
from app.messaging import destinations
from app.messaging.destinations import Destination, Found
from app.messaging.links import ClickToken
from webhooks.groups import Groups
from webhooks.held import HeldConnection
from webhooks.promises import Tell, promised

_Item = tuple[ClickToken, Tell[Destination | None]]


class LinkFinder:
    """Asks the database where links lead.

    Args:
        database: of its own, of which one connection is held.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection = HeldConnection(database)
        self._find = destinations.find_sqlite if database.is_sqlite else destinations.find_postgresql
        self._groups: Groups[_Item] = Groups("link-finder", self._answer, ended=self._connection.close)

    def find(self, token: ClickToken) -> Destination | None:
        """Where a link leads; None for no such message.

        Raises:
            Busy: the database cannot be read now.
        """
        found: Destination | None = promised(partial(self._begin, token))
        return found

    def hand_over(self, token: ClickToken, tell: Tell[Destination | None]) -> None:
        """Take a question and return at once; the finder's thread tells the answer later."""
        self._groups.put((token, tell))

    def close(self) -> None:
        """Answer what was asked, stop the thread, close the database."""
        self._groups.close()
        self._database.dispose()

    def _begin(self, token: ClickToken, tell: Tell[Destination | None]) -> None:
        self._groups.do((token, tell))

    def _answer(self, group: Sequence[_Item]) -> None:
        for (_, tell), found in zip(group, self._found([token for token, _ in group]), strict=True):
            tell(found)

    def _found(self, tokens: Sequence[ClickToken]) -> Sequence[Found]:
        try:
            return self._connection.run(lambda connection: self._find(connection, tokens))
        except (self._connection.driver.Error, SQLAlchemyError) as error:
            return [Busy(f"the link cannot be looked up now: {type(error).__name__}")] * len(tokens)
