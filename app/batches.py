"""Many rows in one statement: inserted, merged or changed, by the same call on both engines.

SQLAlchemy writes a statement once for a table and a set of columns. The rows then go to the driver a column
at a time, which costs a third of what binding them row by row does. SQLite gets new rows in groups
(`sqlite_rows.py`). PostgreSQL gets one packed array a column and merges from them, which is one way to the
server. (COPY into a temporary table would take four, and rows of the catalogue for each table that is made
and dropped.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Row,
    String,
    Table,
    any_,
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.visitors import InternalTraversal

from app import driven, sqlite_rows
from app.bindings import Listing, Values, bound, default_of, read_back
from app.changes import OF_ROW, Change, Insertion, Names, Removal, Update
from app.dialects import writer_of
from app.packing import packed_keys, packed_parameter, packed_values

Rows = Sequence[Mapping[str, Any]]

_GIVEN = "given_rows"


def insert_rows(session: Session, table: Table, rows: Rows) -> None:
    """Insert rows that nobody else can have inserted."""
    _write(session, table, rows, Insertion(keeps_old=False))


def insert_new(session: Session, table: Table, rows: Rows, *returning: Column[Any]) -> Sequence[Row[Any]]:
    """Insert what is not there yet and return the columns of the new rows, in no order.

    Row counts of inserts lie on PostgreSQL (−1), so what is new is known by RETURNING only.
    """
    names = tuple(column.name for column in returning)
    return _write(session, table, rows, Insertion(keeps_old=True, returning=names))


def insert_new_columns(
    session: Session, table: Table, values: Values, *returning: Column[Any]
) -> Sequence[Row[Any]]:
    """The same for rows that stand as columns, each with one value a row; there is at least one."""
    names = tuple(column.name for column in returning)
    return _write_columns(session, table, values, Insertion(keeps_old=True, returning=names))


def upsert(
    session: Session,
    table: Table,
    rows: Rows,
    *,
    key: Sequence[str],
    update: Sequence[str],
    add: Sequence[str] = (),
    newer_by: str | None = None,
    returning: Sequence[Column[Any]] = (),
) -> Sequence[Row[Any]]:
    """Insert rows or update the named columns of those that exist; with `newer_by` only if not older.

    The columns named by `add` grow by what the rows say.

    Rows are sorted by their key, so that two batches cannot deadlock on PostgreSQL; of several with one
    key the last counts.

    Returns:
        the columns asked for of what was written, in no order.
    """
    names = tuple(column.name for column in returning)
    insertion = Insertion(False, tuple(key), tuple(update), newer_by, added=tuple(add), returning=names)
    return _write(session, table, _sorted_by(key, rows), insertion)


def upsert_columns(
    session: Session,
    table: Table,
    values: Values,
    *,
    key: Sequence[str],
    update: Sequence[str],
    add: Sequence[str] = (),
) -> None:
    """The same for rows that stand as columns: in the order of their keys, each key once; at least one."""
    _write_columns(session, table, values, Insertion(False, tuple(key), tuple(update), added=tuple(add)))


def update_rows(
    session: Session, table: Table, rows: Rows, *, key: Sequence[str] = ("store_id", "id")
) -> None:
    """Write each row's other columns where its key is found; rows that do not exist are passed over."""
    _write(session, table, _sorted_by(key, rows), Update(tuple(key)))


def delete_rows(session: Session, table: Table, rows: Rows, *, key: Sequence[str]) -> None:
    """Remove the rows of these keys; those that do not exist are passed over."""
    _write(session, table, _sorted_by(key, rows), Removal())


class Among(ColumnElement[bool]):
    """`column IN (…)` of a batch's many values, for a statement that is written once: a parameter's name.

    PostgreSQL gets them as one array, SQLite as one list in JSON: the statement's words stay the same, so
    that it is compiled once. Not to be joined by OR to others, but by UNION of the ids that each finds: both
    engines take a store for a few rows until they know better, and would read all of it; PostgreSQL would
    compare each row with each value, too, where otherwise it looks the row's own up among them.
    """

    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012 (as SQLAlchemy declares it: what makes two of them equal)
        ("column", InternalTraversal.dp_clauseelement),
        ("name", InternalTraversal.dp_string),
    ]

    def __init__(self, column: Column[Any], name: str) -> None:
        self.column = column
        self.name = name


@compiles(Among)
def _any_of_array(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.column == any_(packed_keys(element.name, element.column)), **options)


@compiles(Among, "sqlite")
def _in_list(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    given = func.json_each(bindparam(element.name, type_=Listing(element.column))).table_valued("value")
    return compiler.process(element.column.in_(select(given.c.value)), **options)


def is_among(session: Session, column: Column[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """The same for a statement that is written where it is needed."""
    if session.get_bind().dialect.name == "sqlite":
        # A list as such would be looked through value by value for expressions.
        return column.in_(bindparam(None, values, expanding=True, unique=True))
    return column == any_(packed_values(list(values), column))


class _Unindexed(ColumnElement[Any]):
    inherit_cache = True
    _traverse_internals = [("column", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 (as SQLAlchemy has it)

    def __init__(self, column: Any) -> None:
        self.column = column
        self.type = column.type


@compiles(_Unindexed)
def _without_statistics(element: _Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    # By the number of a store PostgreSQL knows how many rows it has: it must see that.
    is_text = isinstance(element.type, String)
    seen = func.coalesce(element.column, literal_column("''")) if is_text else element.column
    return compiler.process(seen, **options)


@compiles(_Unindexed, "sqlite")
def _signed(element: _Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return f"+{compiler.process(element.column, **options)}"


def unindexed(column: Any) -> ColumnElement[Any]:
    """A column as no index holds it, where it only sifts the rows that another one leads to, or an order.

    SQLite follows the index with the most equal columns, be it to half of a store's rows; and it would rather
    sort all rows of a store than go along their ids. Without statistics PostgreSQL follows texts so, too.
    """
    return _Unindexed(column)


_ALL_OF = "all_"
"""Before the names of parameters that hold a whole column."""


def _sorted_by(key: Sequence[str], rows: Rows) -> Rows:
    unique = {tuple(row[name] for name in key): row for row in rows}
    return [unique[one] for one in sorted(unique)]


def _write(session: Session, table: Table, rows: Rows, change: Change) -> Sequence[Row[Any]]:
    if not rows:
        return []
    values = {name: [row[name] for row in rows] for name in sorted(rows[0])}
    return _write_columns(session, table, values, change)


def _write_columns(session: Session, table: Table, given: Values, change: Change) -> Sequence[Row[Any]]:
    connection = session.connection()
    values = _with_defaults(table, given) if isinstance(change, Insertion) else given
    if connection.dialect.name != "sqlite":
        return _merge(connection, table, values, change)
    statement, names = _sqlite_statement(change, table, tuple(values))
    placed = bound(table, {name: values[name] for name in names}, connection.dialect)
    rows = list(zip(*placed, strict=True))
    if not isinstance(change, Insertion):
        driven.run(connection, statement, rows)
        return []
    asked = change.returning
    if change.keeps_old and asked and sqlite_rows.can_be_untold(table, given, asked):
        silent, _ = _sqlite_statement(replace(change, returning=()), table, tuple(values))
        return sqlite_rows.insert_untold(connection, table, given, statement=silent, rows=rows, asked=asked)
    found = sqlite_rows.insert(connection, statement, rows)
    return read_back(found, [table.c[name] for name in asked], connection.dialect)


def _with_defaults(table: Table, given: Values) -> Values:
    """The columns, with the defaults of those that new rows leave out."""
    count = len(next(iter(given.values())))
    left_out = _left_out(table, tuple(given))
    return {**given, **{column.name: [default_of(column)] * count for column in left_out}}


@cache
def _left_out(table: Table, names: Names) -> Sequence[Column[Any]]:
    """The columns with a default that are not among these."""
    return [column for column in table.columns if column.default is not None and column.name not in names]


@cache
def _sqlite_statement(change: Change, table: Table, names: Names) -> tuple[str, Names]:
    """The statement as the driver takes it, and the columns whose values it takes, in their order."""
    compiled: Any = change.row_by_row(table, names, "sqlite").compile(dialect=writer_of("sqlite"))
    return str(compiled), tuple(name.removeprefix(OF_ROW) for name in compiled.positiontup)


def _merge(connection: Connection, table: Table, values: Values, change: Change) -> Sequence[Row[Any]]:
    if isinstance(change, Insertion) and len(next(iter(values.values()))) == 1:
        row = {name: value for name, (value,) in values.items()}
        result = connection.execute(_of_one(change, table, tuple(values)), row)
    else:
        arrays = {f"{_ALL_OF}{name}": column for name, column in values.items()}
        result = connection.execute(_over_arrays(change, table, tuple(values)), arrays)
    return result.all() if change.returning else []


@cache
def _of_one(change: Insertion, table: Table, names: Names) -> UpdateBase:
    """For one row, of which arrays would take the server three times as long."""
    return change.row_by_row(table, names, "postgresql")


@cache
def _over_arrays(change: Change, table: Table, names: Names) -> UpdateBase:
    # What is inserted finds its place without a plan.
    pack = packed_parameter if isinstance(change, Insertion) else packed_keys
    arrays = {name: pack(f"{_ALL_OF}{name}", table.c[name]) for name in names}
    columns = (func.unnest(array).label(name) for name, array in arrays.items())
    return change.merged(table, names, select(*columns).subquery(_GIVEN))
