"""Finding the stores that have something to do, at a cost that does not grow with their history."""

from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement


class StoreScan:
    """Finds the stores that have rows of a kind, by a loose index scan; made once, run often.

    Cost: one index look-up per store, however many rows each has; the index must lead with the store
    and be partial on the conditions (or have them next). Conditions may use `bindparam("now")`.
    """

    def __init__(self, column: ColumnElement[int], *conditions: ColumnElement[bool]) -> None:
        self._first = select(func.min(column)).where(*conditions)
        self._next = self._first.where(column > bindparam("last"))

    def run(self, session: Session, **values: Any) -> list[int]:
        """The ids of the stores, ascending."""
        found: list[int] = []
        last = session.execute(self._first, values).scalar_one()
        while last is not None:
            found.append(last)
            last = session.execute(self._next, {**values, "last": last}).scalar_one()
        return found
