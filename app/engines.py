"""The two engines, and how a transaction begins on each.

SQLite runs in WAL with synchronous FULL, because a 200 is a promise, and every writing transaction
starts with BEGIN IMMEDIATE: a plain BEGIN that turns into a write later fails at once with
"database is locked" whatever the time-out (RELIABILITY.md section 0, trap 2).
"""

import json
from copy import copy
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, create_engine, event, make_url

from app import packing

READ_ONLY = "ritorno_read_only"
"""The option of a connection whose transactions write nothing: on SQLite they never wait for a writer."""

SCOPE = "ritorno_scope"
"""The option of a connection that says whose rows its transactions see: a store's id, or ALL_STORES.

Without it they see no store's. PostgreSQL keeps to it by row-level security, whatever a statement asks for;
it stands in `app.store`, the setting that the policies of the first migration read. SQLite has no such wall.
"""
ALL_STORES = "all"
OVER_ALL_STORES = f"scope AS MATERIALIZED (SELECT set_config('app.store', '{ALL_STORES}', true))"
"""For a WITH: one statement by itself sees every store's rows, and no setting outlives its transaction.

What follows must read its rows for each row of `scope`, so that the setting stands before the policies look.
"""

MACHINE_START = "ritorno_machine_start"
"""The option of an engine for a file: what its process knows of the machine's start (app/leases.py)."""

STOCK_TAKEN = "ritorno_stock_taken"
"""The option of an engine for a file: of how many pages SQLite's planner knows how their rows are spread."""

IN_BINARY = "ritorno_in_binary"
"""The option of a statement whose rows PostgreSQL sends in binary: of bytes, half as many as in digits."""

_QUICK = msgspec.json.Decoder()
_STATEMENTS = 512
"""How many prepared statements a connection keeps: a worker's round has more than the driver's own 128."""
_PREPARING = "prepare_threshold"
STANDS_STILL_SECONDS = 120.0
"""After so long without a statement PostgreSQL ends a transaction, and gives free the rows that it holds: as
long as a lease (`app/messaging/claim.py`). Who stood still for longer has lost its work to others anyhow."""
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "cache_size=-16384",
    # What is deleted or emptied is overwritten; some builds of SQLite do so anyhow, others do not.
    "secure_delete=ON",
)


def sqlite(url: str, busy_seconds: float) -> Engine:
    """An engine for a file; a writer waits so long for another."""
    arguments = {"timeout": busy_seconds, "check_same_thread": False, "cached_statements": _STATEMENTS}
    known: dict[str, int] = {}
    stock: list[int] = []
    engine = create_engine(
        url,
        connect_args=arguments,
        pool_use_lifo=True,
        hide_parameters=True,
        json_deserializer=read_json,
        execution_options={MACHINE_START: known, STOCK_TAKEN: stock},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    _have_begin(engine, "BEGIN IMMEDIATE")
    return engine


def reading(engine: Engine) -> Engine:
    """SQLite's engine for transactions that write nothing: the same pool, another way to begin."""
    reader = engine.execution_options(**{READ_ONLY: True})
    reader.dialect = copy(engine.dialect)
    _have_begin(reader, "BEGIN")
    return reader


def forget_file(engine: Engine) -> None:
    """Know nothing of SQLite's file any more: the next connection may find another under the same name."""
    known = engine.get_execution_options()
    known[MACHINE_START].clear()
    known[STOCK_TAKEN].clear()


def postgresql(url: str, pool_size: int) -> Engine:
    """An engine for a server, with so many connections kept open.

    `prepare_threshold=none` in the query of its address is for a pooler that knows no prepared statements.
    """
    place = make_url(url)
    is_unprepared = place.query.get(_PREPARING) == "none"
    engine = create_engine(
        place.difference_update_query([_PREPARING]),
        connect_args={_PREPARING: None} if is_unprepared else {},
        pool_size=pool_size,
        max_overflow=5,
        pool_timeout=10,
        hide_parameters=True,
        json_deserializer=read_json,
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: object, _record: object) -> None:
        packing.teach(connection)

    @event.listens_for(engine, "do_execute")
    def _execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        if not context.execution_options.get(IN_BINARY):
            return False
        cursor.execute(statement, parameters, binary=True)
        return True

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        begin = _begin_in(connection.get_execution_options().get(SCOPE, ""))
        if not _has_begun(connection, begin):
            # The server ended the connection while it rested, and with it the pool's others.
            connection.invalidate()
            engine.dispose()
            _has_begun(connection, begin)

    return engine


def read_json(text: str | bytes) -> Any:
    """What a column of JSON holds, as the standard library reads it, in a fifth of its time.

    What msgspec refuses (NaN, half of a surrogate pair, numbers beyond a float) that one reads.
    """
    try:
        return _QUICK.decode(text)
    except (ValueError, RecursionError):
        return json.loads(text)


def _have_begin(engine: Engine, statement: str) -> None:
    """Begin each transaction by the driver itself: SQLAlchemy's way costs more than many a one's whole work.

    By the dialect's own method, not by a listener: an engine that has one looks for others at every statement
    of every connection, which costs a quarter of what SQLAlchemy does there.
    """
    dialect: Any = engine.dialect

    def begin(connection: Any) -> None:
        connection.driver_connection.execute(statement)

    dialect.do_begin = begin


def _begin_in(scope: str) -> bytes:
    """Begin and say whose rows are meant, on one way to the server; at the transaction's end it is forgotten.

    A setting of the session would still stand there for whom the pool gives the connection next, and a pooler
    before the server would lose it.
    """
    patience = round(STANDS_STILL_SECONDS * 1000)
    settings = f"SET LOCAL app.store = '{scope}'; SET LOCAL idle_in_transaction_session_timeout = {patience}"
    return f"BEGIN; {settings}".encode()


def _has_begun(connection: Connection, begin: bytes) -> bool:
    """Begin a transaction by the driver; False if the connection is dead.

    The driver would send BEGIN of itself, before the first statement. Sent here it shows in time whether the
    server is still there, which a question before each transaction would ask by a way of its own.
    """
    driver: Any = connection.connection.driver_connection
    dbapi: Any = connection.dialect.loaded_dbapi
    try:
        answer = driver.pgconn.exec_(begin)
    except dbapi.OperationalError:
        return False
    return bool(answer.status == dbapi.pq.ExecStatus.COMMAND_OK)
