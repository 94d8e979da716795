"""Values as the drivers take them, a column at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    Float,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
)
from sqlalchemy.engine import result_tuple
from sqlalchemy.types import TypeEngine, UserDefinedType

from connectors import exact_json

_MOST_KEPT = 4096
"""Columns of an engine whose processors are kept: to ask for those of a row takes as long as to bind it."""

Values = Mapping[str, Sequence[Any]]
"""The values of each column, one a row."""


def bound(table: Table, values: Values, dialect: Dialect) -> Iterator[Sequence[Any]]:
    """The values as the driver takes them, column by column."""
    for name, column in values.items():
        process = processor_of(table.c[name], dialect)
        yield column if process is None else _processed(column, process)


def default_of(column: Column[Any]) -> Any:
    """The value of a column that a new row leaves out."""
    value = cast(Any, column.default).arg
    return value(None) if callable(value) else value


def read_back(
    rows: Sequence[tuple[Any, ...]], columns: Sequence[Column[Any]], dialect: Dialect
) -> Sequence[Row[Any]]:
    """What the driver gave back of new rows, as the columns' types read it."""
    if not rows:
        return []
    processors = [_reader_of(column, dialect) for column in columns]
    read = [
        values if process is None else map(process, values)
        for process, values in zip(processors, zip(*rows, strict=True), strict=False)
    ]
    return [*map(result_tuple([column.name for column in columns]), zip(*read, strict=True))]


def unbounded(column: Column[Any]) -> TypeEngine[Any]:
    """The type that lets any value through, so that the table alone refuses what it has no room for.

    A cast to VARCHAR(n) would cut a text without a word.
    """
    return _UNBOUNDED.get(type(column.type), column.type)


_UNBOUNDED: Mapping[type, TypeEngine[Any]] = {
    String: Text(),
    Integer: BigInteger(),
    Float: Double(),
}


@cache
class Listing(UserDefinedType[Sequence[Any]]):
    """The type of a parameter that takes a list of a column's values and sends it to SQLite as JSON."""

    cache_ok = True

    def __init__(self, column: Column[Any]) -> None:
        self.column = column

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        """Whole numbers and text. One with NUL, which no database keeps, is refused, as PostgreSQL does."""
        process = processor_of(self.column, dialect)

        def listed(values: Any) -> str:
            given = list(values if process is None else map(process, values))
            text = _to_json(given)
            if "\\u0000" in text and any("\0" in str(value) for value in given):
                raise ValueError("a text holds NUL")
            return text

        return listed


@lru_cache(maxsize=_MOST_KEPT)
def processor_of(column: Column[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """What turns a column's value into one that the driver takes, or None where it takes it as it is."""
    if isinstance(column.type, Boolean | LargeBinary):
        return None
    if isinstance(column.type, JSON):
        # As text, which both take: PostgreSQL's driver would wrap each value in an object first.
        return _json_or_none if column.type.none_as_null else _to_json
    return column.type.dialect_impl(dialect).bind_processor(dialect)


@lru_cache(maxsize=_MOST_KEPT)
def _reader_of(column: Column[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    return column.type.dialect_impl(dialect).result_processor(dialect, None)


_to_json = exact_json.written


def _json_or_none(value: Any) -> str | None:
    return None if value is None else _to_json(value)


def _processed(column: Sequence[Any], process: Callable[[Any], Any]) -> Sequence[Any]:
    """Each value as the driver takes it; where all rows have the very same one, it is worked out once."""
    first = column[0]
    if all(value is first for value in column):
        return [process(first)] * len(column)
    return [process(value) for value in column]
