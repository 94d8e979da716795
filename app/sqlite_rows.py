"""New rows on SQLite, in groups: each in one statement, which takes half the time of a statement a row."""

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, bindparam, func, select
from sqlalchemy.engine import result_tuple

from app import driven
from app.bindings import Values

_MOST_VALUES = 4096
"""Of one statement: it is kept, and takes 100 bytes for each. (SQLite takes 32,766.)"""
_AT_ONCE = 16
"""So many rows and fewer are one statement, whatever their number: such are most of a small shop's."""
_MANY = 64
"""Rows from which on one look at their number is worth it."""
_NUMBER = "id"
"""The column that SQLite fills with the next higher number."""

Given = Sequence[Sequence[Any]]


def insert(connection: Connection, statement: str, rows: Given) -> list[tuple[Any, ...]]:
    """Insert rows by a statement for one; what it returns of them."""
    return [row for outcome in _inserted(connection, statement, rows) for row in outcome.rows]


def can_be_untold(table: Table, values: Values, returning: Sequence[str]) -> bool:
    """Whether `insert_untold` can do it, and sooner: what is asked for is given, and the rows are many.

    Ids that are given are the next ones, as a range.
    """
    is_numbered = _NUMBER in table.c and isinstance(values.get(_NUMBER, range(1)), range)
    return is_numbered and values.keys() >= {*returning} and len(values[returning[0]]) >= _MANY


def insert_untold(
    connection: Connection, table: Table, values: Values, *, statement: str, rows: Given, asked: Sequence[str]
) -> Sequence[Row[Any]]:
    """Insert what is not there yet, and the columns asked for of what was new.

    Mostly all is new: then the number of rows says so. To have SQLite tell each of them takes a third of the
    whole time. Who writes is alone, so that behind the last number of before are the rows of this statement.

    Args:
        statement: inserts one row, or nothing where it is there, and returns nothing.
    """
    given = values.get(_NUMBER)
    last = given[0] - 1 if given else connection.execute(_last_of(table)).scalar_one()
    if sum(outcome.written for outcome in _inserted(connection, statement, rows)) < len(rows):
        return connection.execute(_beyond(table, tuple(asked)), {"last": last}).all()
    return [*map(result_tuple(asked), zip(*(values[name] for name in asked), strict=True))]


@cache
def _last_of(table: Table) -> Select[int]:
    return select(func.coalesce(func.max(table.c[_NUMBER]), 0))


@cache
def _beyond(table: Table, asked: tuple[str, ...]) -> Select[Any]:
    return select(*(table.c[name] for name in asked)).where(table.c[_NUMBER] > bindparam("last"))


def _inserted(connection: Connection, statement: str, rows: Given) -> Iterator[driven.Outcome]:
    start, width = 0, len(rows[0])
    most = max(1, _MOST_VALUES // width)
    while start < len(rows):
        count = min(most, len(rows) - start)
        if count > _AT_ONCE:
            # Powers of two, so that few statements are prepared and kept.
            count = 1 << count.bit_length() - 1
        of_all = _for_group(statement, width, count)
        given = tuple(chain.from_iterable(rows[start : start + count]))
        yield driven.run(connection, of_all, given)
        start += count


@lru_cache(maxsize=1024)
def _for_group(statement: str, width: int, count: int) -> str:
    row = f"({', '.join('?' * width)})"
    return statement.replace(row, ", ".join([row] * count), 1)
