"""What becomes of many rows, as statements: for one row each, and for all rows of a relation at once."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import FromClause, Table, bindparam, delete, select, update
from sqlalchemy.sql.dml import UpdateBase

from app.bindings import unbounded
from app.dialects import insert_into

Names = tuple[str, ...]

OF_ROW = "row_"
"""Before the names of parameters that find a row: SQLAlchemy keeps the plain names for what is set."""


@dataclass(frozen=True, slots=True)
class Insertion:
    """What becomes of rows that exist: kept, or changed where a key is named; else they are an error."""

    keeps_old: bool
    key: Names = ()
    changed: Names = ()
    newer_by: str | None = None
    added: Names = ()
    returning: Names = ()

    def row_by_row(self, table: Table, names: Names, dialect: str) -> UpdateBase:
        """One INSERT for each row's parameters, of the engine's own kind."""
        given = {name: bindparam(name, type_=unbounded(table.c[name])) for name in names}
        # Of many rows SQLite would keep each page as it was before, lest one of them is refused: whoever is
        # refused takes the whole transaction back.
        insert = insert_into(dialect, table).prefix_with("OR FAIL", dialect="sqlite")
        return self._completed(table, insert.values(given))

    def merged(self, table: Table, names: Names, given: FromClause) -> UpdateBase:
        """One INSERT of all rows of a relation."""
        source = select(*(given.c[name] for name in names))
        return self._completed(table, insert_into("postgresql", table).from_select(names, source))

    def _completed(self, table: Table, insert: Any) -> UpdateBase:
        statement = insert.on_conflict_do_nothing() if self.keeps_old else insert
        if self.key:
            newer = None
            if self.newer_by is not None:
                newer = table.c[self.newer_by] <= insert.excluded[self.newer_by]
            changed = {name: insert.excluded[name] for name in self.changed}
            grown = {name: table.c[name] + insert.excluded[name] for name in self.added}
            statement = insert.on_conflict_do_update(
                index_elements=self.key, set_=changed | grown, where=newer
            )
        if self.returning:
            statement = statement.returning(*(table.c[name] for name in self.returning))
        completed: UpdateBase = statement
        return completed


@dataclass(frozen=True, slots=True)
class Update:
    """All columns but those of the key are written."""

    key: Names
    returning: Names = ()

    def row_by_row(self, table: Table, names: Names, _dialect: str) -> UpdateBase:
        """One UPDATE for each row's parameters."""
        where = (table.c[name] == bindparam(f"{OF_ROW}{name}") for name in self.key)
        return update(table).where(*where).values({name: bindparam(name) for name in self._set(names)})

    def merged(self, table: Table, names: Names, given: FromClause) -> UpdateBase:
        """One UPDATE from all rows of a relation."""
        where = (table.c[name] == given.c[name] for name in self.key)
        return update(table).where(*where).values({name: given.c[name] for name in self._set(names)})

    def _set(self, names: Names) -> Names:
        return tuple(name for name in names if name not in self.key)


@dataclass(frozen=True, slots=True)
class Removal:
    """The rows of these keys go; all columns that are given are the key."""

    returning: Names = ()

    def row_by_row(self, table: Table, names: Names, _dialect: str) -> UpdateBase:
        """One DELETE for each row's parameters."""
        return delete(table).where(*(table.c[name] == bindparam(f"{OF_ROW}{name}") for name in names))

    def merged(self, table: Table, names: Names, given: FromClause) -> UpdateBase:
        """One DELETE of all rows of a relation."""
        return delete(table).where(*(table.c[name] == given.c[name] for name in names))


Change = Insertion | Update | Removal
