"""Columns packed as PostgreSQL receives arrays, so that neither side writes or reads text.

Source: PostgreSQL's own `array_recv` and the `…recv` of each type; all numbers are big-endian.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from itertools import repeat
from operator import is_
from struct import Struct
from typing import Any

from sqlalchemy import ARRAY, BindParameter, Cast, Column, Dialect, bindparam, cast, literal
from sqlalchemy.types import UserDefinedType

from app.bindings import processor_of, unbounded


def packed_parameter(name: str, column: Column[Any]) -> Cast[Any]:
    """One parameter that holds all of a column's values, as an array of the column's type.

    It lets any value through, so that the table alone refuses what it has no room for.
    """
    return _array(bindparam(name, type_=_Packing(column)), column)


def packed_keys(name: str, column: Column[Any]) -> Cast[Any]:
    """The same for what is looked for: the server plans for these values, each time.

    A plan for any values would be kept from when the tables were small. It takes hundreds of values for ten,
    reads all rows of a store and compares each of them with each value.
    """
    return _array(bindparam(name, type_=_Packing(column, _Keys)), column)


def packed_values(values: Sequence[Any], column: Column[Any]) -> Cast[Any]:
    """The same with the values in it."""
    return _array(literal(values, _Packing(column)), column)


def packed_array(kind: str, values: Iterable[Any]) -> bytes:
    """Values as an array of a type of PostgreSQL's, for the driver's own statements (`%b::text[]`).

    Args:
        kind: one of PACKERS; None among the values is NULL.
    """
    return _packed(_Packed, *PACKERS[kind], values)


def teach(connection: Any) -> None:
    """Have a connection of psycopg send packed columns as they are, and keep no plans that look for keys."""
    connection.adapters.register_dumper(_Packed, _AsItIs)
    connection.cursor_factory = _planning(connection.cursor_factory)


def _array(parameter: BindParameter[Any], column: Column[Any]) -> Cast[Any]:
    return cast(parameter, ARRAY(unbounded(column), dimensions=1))


class _Packed(bytes):
    """An array as PostgreSQL receives it."""


class _Keys(_Packed):
    """One of values that are looked for."""


@cache
def _planning(cursor: Any) -> Any:
    """A kind of psycopg's cursors that prepares nothing that looks for keys, and reads the rows in binary."""

    def execute(self: Any, query: Any, parameters: Any = None, **options: Any) -> Any:
        if isinstance(parameters, dict) and any(type(value) is _Keys for value in parameters.values()):
            options |= {"prepare": False, "binary": True}
        return cursor.execute(self, query, parameters, **options)

    return type("PlanningCursor", (cursor,), {"execute": execute})


class _AsItIs:
    """What psycopg calls a dumper; of which type the array is, the statement's cast says."""

    format = 1
    oid = 0

    def __init__(self, packed: type, _context: object = None) -> None:
        self._type = packed

    def get_key(self, _packed: _Packed, _format: object) -> type:
        return self._type

    def dump(self, packed: _Packed) -> _Packed:
        return packed


class _Packing(UserDefinedType[Sequence[Any]]):
    """The type of a parameter that takes a list and sends it packed."""

    cache_ok = True

    def __init__(self, column: Column[Any], kind: type[_Packed] = _Packed) -> None:
        self.column = column
        self.kind = kind

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], _Packed]:
        process = processor_of(self.column, dialect)
        oid, pack = PACKERS[unbounded(self.column).compile(dialect)]

        def packed(values: Any) -> _Packed:
            given, times = list(values), 1
            if given and all(map(is_, given, repeat(given[0]))):
                # The very same in all rows, as much of what a batch writes is: worked out once.
                given, times = given[:1], len(given)
            column = given if process is None else [process(value) for value in given]
            return _packed(self.kind, oid, pack, column, times=times)

        return packed


def _packed(
    kind: type[_Packed], oid: int, pack: Callable[[Any], bytes], values: Iterable[Any], *, times: int = 1
) -> _Packed:
    elements = [_NULL if value is None else pack(value) for value in values]
    return kind(_HEADER(1, 1, oid, len(elements) * times, 1) + b"".join(elements) * times)


_HEADER = Struct("!iiIii").pack
"""How many dimensions, whether there are NULLs, of which type, how many elements, counted from one."""
_NULL = b"\xff\xff\xff\xff"
_length, _int4, _int8, _float8 = (Struct(form).pack for form in ("!i", "!ii", "!iq", "!id"))
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_FIRST_DAY = _EPOCH.toordinal()


def _bytes(value: bytes) -> bytes:
    return _length(len(value)) + value


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _length(len(encoded)) + encoded


def _whole(value: int) -> bytes:
    return _int8(8, value)


def _fraction(value: float) -> bytes:
    return _float8(8, value)


def _flag(value: bool) -> bytes:
    return b"\0\0\0\1\1" if value else b"\0\0\0\1\0"


def _moment(value: datetime) -> bytes:
    since = value - _EPOCH
    return _int8(8, (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


def _day(value: date) -> bytes:
    return _int4(4, value.toordinal() - _FIRST_DAY)


PACKERS: Mapping[str, tuple[int, Callable[[Any], bytes]]] = {
    "BIGINT": (20, _whole),
    "BOOLEAN": (16, _flag),
    "BYTEA": (17, _bytes),
    "DATE": (1082, _day),
    "DOUBLE PRECISION": (701, _fraction),
    "JSON": (114, _text),
    "TEXT": (25, _text),
    "TIMESTAMP WITH TIME ZONE": (1184, _moment),
}
"""By PostgreSQL's name of the type: the OID of the array's elements, and how one of them is packed."""
