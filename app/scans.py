"""Finding the stores that have something to do, at a cost that does not grow with their history."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ScalarSelect, func, literal_column, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from app.db import table_of
from app.models import Store

STORES = table_of(Store)


class StoreScan:
    """Finds the stores that have rows of a kind, by a loose index scan; made once, run often.

    Cost: one index look-up per store, however many rows each has, all in one statement; the index must
    lead with the store and be partial on the conditions (or have them next). Conditions may use
    `bindparam("now")`.

    Args:
        column: the store's number.
        along: the next columns of that index, where the table has another one that leads with the store: by
            the number alone SQLite takes that one for as good, and goes through all that it holds.
    """

    def __init__(
        self,
        column: ColumnElement[int],
        *conditions: ColumnElement[bool],
        along: Sequence[ColumnElement[Any]] = (),
    ) -> None:
        def smallest(*more: ColumnElement[bool]) -> ScalarSelect[int]:
            found = select(column if along else func.min(column)).where(*more, *conditions)
            return (found.order_by(column, *along).limit(1) if along else found).scalar_subquery()

        walk = select(smallest().label("store")).cte("walk", recursive=True)
        following = smallest(column > walk.c.store)
        walk = walk.union_all(select(following).where(walk.c.store.is_not(None)))
        self._statement = select(walk.c.store).where(walk.c.store.is_not(None)).order_by(walk.c.store)

    def run(self, session: Session, **values: Any) -> list[int]:
        """The ids of the stores, ascending."""
        return list(session.execute(self._statement, values).scalars())


class StoreLook:
    """The same where the rows of a kind have no index of their own: one look-up for each store there is.

    The index must lead with the store and have the conditions next: a walk from store to store would pass
    all rows of those that have none of the kind.
    """

    def __init__(self, column: ColumnElement[int], *conditions: ColumnElement[bool]) -> None:
        # Not EXISTS: without statistics PostgreSQL would make it a join, and read all rows for that.
        one = select(literal_column("1")).where(column == STORES.c.id, *conditions).limit(1).scalar_subquery()
        self._statement = select(STORES.c.id).where(one.is_not(None)).order_by(STORES.c.id)

    def run(self, session: Session, **values: Any) -> list[int]:
        """The ids of the stores, ascending."""
        return list(session.execute(self._statement, values).scalars())
