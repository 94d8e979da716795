"""Rows as plain JSON and back, the same from both databases: what one wrote the other can take.

A table is told by the names and kinds of its columns, so that a backup can be read back into the schema of
its own time, whatever the models say by now.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

from app.db import UtcDateTime, from_micros, to_micros

Kinds = Mapping[str, str]
"""The kind of each column, by its name."""


def kinds_of(table: Table) -> dict[str, str]:
    """How the columns of a table are written.

    Raises:
        TypeError: a column is of a kind that no backup can hold yet.
    """
    return {column.name: _kind(column) for column in table.columns}


def table_like(name: str, kinds: Kinds) -> Table:
    """A table to insert into, as a backup describes it."""
    return Table(name, MetaData(), *(Column(column, _TYPES[kind]()) for column, kind in kinds.items()))


def plain(kinds: Kinds, row: Sequence[Any]) -> list[Any]:
    """A row's values for JSON, in the order of the kinds."""
    return [
        value if value is None or kind not in _OUT else _OUT[kind](value)
        for kind, value in zip(kinds.values(), row, strict=True)
    ]


def values(kinds: Kinds, told: Sequence[Any]) -> dict[str, Any]:
    """A row as it is inserted."""
    return {
        name: value if value is None or kind not in _IN else _IN[kind](value)
        for (name, kind), value in zip(kinds.items(), told, strict=True)
    }


def _kind(column: Column[Any]) -> str:
    for of, kind in _KINDS:
        if isinstance(column.type, of):
            return kind
    raise TypeError(f"{column}: no backup can hold a {type(column.type).__name__}")


def _json() -> TypeEngine[Any]:
    # JSON's null and none at all are the same to us.
    return JSON(none_as_null=True)


# In this order: a boolean is a kind of integer to some.
_KINDS: tuple[tuple[Any, str], ...] = (
    (UtcDateTime, "moment"),
    (Date, "day"),
    (LargeBinary, "bytes"),
    (JSON, "json"),
    (Boolean, "bool"),
    (Integer, "int"),
    (Float, "float"),
    (String, "text"),
)
_TYPES: Mapping[str, Callable[[], TypeEngine[Any]]] = {
    "moment": UtcDateTime,
    "day": Date,
    "bytes": LargeBinary,
    "json": _json,
    "bool": Boolean,
    "int": BigInteger,
    "float": Float,
    "text": Text,
}
_OUT: Mapping[str, Callable[[Any], Any]] = {
    "moment": to_micros,
    "day": date.isoformat,
    "bytes": lambda value: base64.b64encode(value).decode("ascii"),
}
_IN: Mapping[str, Callable[[Any], Any]] = {
    "moment": from_micros,
    "day": date.fromisoformat,
    "bytes": base64.b64decode,
}
