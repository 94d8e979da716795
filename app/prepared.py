"""Selects that run again and again: written out once, then handed to SQLite's driver as they are.

What SQLAlchemy does at every run of a select that it has compiled before (its key is hashed, a context, a
cursor and a result are made, parameters looked through) takes three times as long as this and SQLite.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import BindParameter, CompoundSelect, Connection, Dialect, Result, Select
from sqlalchemy.engine import IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.orm import Session

from app import driven

_Write = Callable[[Any], Any] | None
_Rows = Iterable[tuple[Any, ...]]


class Prepared:
    """A select as SQLite's driver takes it, with what its types do to values on their way in and out."""

    __slots__ = ("_metadata", "_places", "_readers", "_sql")

    def __init__(self, statement: Select[Any] | CompoundSelect[Any], compiled: Any, dialect: Dialect) -> None:
        self._sql = str(compiled)
        self._places = [_place(compiled.binds[name], dialect) for name in compiled.positiontup]
        types = [column.type.dialect_impl(dialect) for column in statement.selected_columns]
        readers = [type_.result_processor(dialect, None) for type_ in types]
        self._readers = readers if any(readers) else None
        self._metadata: SimpleResultMetaData | None = None

    def run(self, connection: Connection, given: Mapping[str, Any]) -> Result[Any] | None:
        """The rows, the first of them read at once and the rest as they are asked for.

        None where the parameters are not what the select asks for: SQLAlchemy says so best.

        Raises:
            DBAPIError: as SQLAlchemy names it, without the values; later as well, while rows are read.
        """
        try:
            values = [
                given.get(name, default) if default is not _REQUIRED else given[name]
                for name, _, default in self._places
            ]
            written = [
                value if write is None else write(value)
                for value, (_, write, _) in zip(values, self._places, strict=True)
            ]
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return None
        names, chunks = driven.select(connection, self._sql, written)
        if self._metadata is None:
            self._metadata = SimpleResultMetaData(names)
        return IteratorResult(self._metadata, chain.from_iterable(map(self._read, chunks)))

    def _read(self, rows: Sequence[tuple[Any, ...]]) -> _Rows:
        if self._readers is None:
            return rows
        columns = zip(self._readers, zip(*rows, strict=True), strict=False)
        return zip(*(values if read is None else map(read, values) for read, values in columns), strict=True)


class PreparingSession(Session):
    """A session on SQLite that prepares each select of plain columns when it meets it for the second time.

    One that is made anew for each run is met once only, and goes SQLAlchemy's way.
    """

    _line: Connection | None = None

    def execute(self, statement: Any, params: Any = None, **options: Any) -> Any:
        """As SQLAlchemy does; a select that is prepared gives a result of the same rows."""
        if options or not (params is None or type(params) is dict):
            return super().execute(statement, params, **options)
        prepared = _known.get(statement)
        if prepared is None:
            _known[statement] = _MET if _is_plain(statement) else _LEFT
        elif prepared is not _LEFT:
            line = self._line
            if line is None or line.closed:
                # A transaction's own; to ask the session for it each time costs as much as the rest.
                line = self._line = self.connection()
            if prepared is _MET:
                prepared = _known[statement] = _prepared(statement, line)
            if prepared is not _LEFT and not driven.is_watched(line):
                found = prepared.run(line, params or {})
                if found is not None:
                    return found
        return super().execute(statement, params)

    def scalars(self, statement: Any, params: Any = None, **options: Any) -> Any:
        """The first column of what `execute` gives."""
        return self.execute(statement, params, **options).scalars()

    def scalar(self, statement: Any, params: Any = None, **options: Any) -> Any:
        """The first column of the first row, or None."""
        return self.execute(statement, params, **options).scalar()


def _is_plain(statement: Any) -> bool:
    """Whether nothing of a select concerns the session: neither objects nor options."""
    if not isinstance(statement, Select | CompoundSelect):
        return False
    return not statement._propagate_attrs and not statement.get_execution_options()


def _prepared(statement: Select[Any] | CompoundSelect[Any], connection: Connection) -> Any:
    compiled: Any = statement.compile(dialect=connection.dialect)
    # Lists that are written into the statement anew each time.
    if compiled.post_compile_params or compiled.literal_execute_params:
        return _LEFT
    return Prepared(statement, compiled, connection.dialect)


def _place(bind: BindParameter[Any], dialect: Dialect) -> tuple[str, _Write, Any]:
    default = _REQUIRED if bind.required else bind.effective_value
    return bind.key, bind.type.dialect_impl(dialect).bind_processor(dialect), default


_REQUIRED: Any = object()
_MET: Any = object()
_LEFT: Any = object()
_known: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
