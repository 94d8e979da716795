"""The database: table base, column types, sessions, and the few statements that both engines share."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Engine,
    Integer,
    MetaData,
    Table,
    literal_column,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.sql.elements import ColumnElement

from app import engines
from app.batches import (
    Among,
    delete_rows,
    insert_new,
    insert_new_columns,
    insert_rows,
    is_among,
    unindexed,
    update_rows,
    upsert,
    upsert_columns,
)
from app.busy import busy_named
from app.leases import lease_now, wall_now
from app.moments import Micros, Span, UtcDateTime, from_micros, to_micros
from app.prepared import PreparingSession

__all__ = [
    "BUSY_SECONDS",
    "RECEIVE_BUSY_SECONDS",
    "Among",
    "Base",
    "Database",
    "Id",
    "Micros",
    "Span",
    "UtcDateTime",
    "analyze",
    "delete_rows",
    "few_pages",
    "from_micros",
    "insert_new",
    "insert_new_columns",
    "insert_rows",
    "is_among",
    "is_one_of",
    "lease_now",
    "narrow",
    "table_of",
    "to_micros",
    "unindexed",
    "update_rows",
    "upsert",
    "upsert_columns",
    "wall_now",
]

BUSY_SECONDS = 30.0
RECEIVE_BUSY_SECONDS = 2.0
_SCRUB_BUSY_MILLISECONDS = 1000
_FEW_PAGES = -1024
"""A mebibyte, as SQLite counts it."""
_MOST_SCOPES = 1000

_A_GLANCE, _TAKE_STOCK = text("PRAGMA analysis_limit=400"), text("ANALYZE")
_PAGES_IN_USE = text("SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count")
_GROWN = 1.1
"""By how much a database is another one to SQLite's planner, which thinks in powers of ten."""
_MAPPED = text("PRAGMA mmap_size=2147418112")
"""As much as SQLite maps at most; what lies beyond is read as ever."""
_ONE_MOMENT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
_NARROWED = text("SELECT set_config('app.store', :store, true)")

Id = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """Every table; constraints get predictable names, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def is_one_of(column: Any, values: Sequence[str]) -> ColumnElement[bool]:
    """`column IN ('a', 'b')` with the words written out, as the condition of a partial index.

    A bound parameter proves nothing to a planner that is to use a partial index, so queries must hold
    the very words of the index. The values are our own constants. Parameters of a list cost more, too:
    SQLAlchemy writes them into the statement anew each time that it runs.
    """
    condition: ColumnElement[bool] = column.in_([literal_column(f"'{value}'") for value in values])
    return condition


def table_of(model: type[Base]) -> Table:
    """A model's table, typed as one, for Core statements."""
    return cast(Table, model.__table__)


class Database:
    """One engine and its two doors: `write()` commits at the end, `read()` never does.

    As it is made, it sees no store's rows on PostgreSQL (RELIABILITY.md section 3, tenant isolation): say
    `of_store()` for those of one, `over_all_stores()` for those of all, before opening a door.
    """

    def __init__(self, url: str, *, pool_size: int = 10, busy_seconds: float = BUSY_SECONDS) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine = (
            engines.sqlite(url, busy_seconds) if self.is_sqlite else engines.postgresql(url, pool_size)
        )
        self._reading = engines.reading(self.engine) if self.is_sqlite else self.engine
        self._whole = self.engine
        self._scopes: dict[str, Database] = {}
        self._sessions = PreparingSession if self.is_sqlite else Session
        self._resting: list[Session] = []

    def of_store(self, store_id: int) -> "Database":
        """The same, seeing the rows of one store: PostgreSQL shows no others, and takes no others."""
        return self._seeing(str(int(store_id)))

    def of_no_store(self) -> "Database":
        """The same, seeing what belongs to no store: the stores themselves, the ledger, sign-in links."""
        return self._seeing("")

    def over_all_stores(self) -> "Database":
        """The same, seeing every store's rows: who looks for work, and the operator; few say it."""
        return self._seeing(engines.ALL_STORES)

    def _seeing(self, scope: str) -> "Database":
        if self.is_sqlite:
            return self
        seeing = self._scopes.get(scope)
        if seeing is None:
            if len(self._scopes) >= _MOST_SCOPES:
                self._scopes.clear()
            seeing = copy(self)
            seeing.engine = seeing._reading = self._whole.execution_options(**{engines.SCOPE: scope})
            self._scopes[scope] = seeing
        return seeing

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that may write; committed when the block ends, rolled back when it raises.

        Raises:
            Busy: the database is locked, full or gone; nothing was kept.
        """
        with busy_named(), self._session(self.engine) as session:
            yield session
            session.commit()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads; on SQLite it never waits for a writer."""
        with busy_named(), self._session(self._reading) as session:
            yield session

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        """A session on this engine: the one that rested last, which made anew costs as much as to begin.

        Closed, it knows nothing of what was done with it. One whose block failed is let go.
        """
        try:
            session = self._resting.pop()
        except IndexError:
            session = self._sessions(expire_on_commit=False)
        session.bind = engine
        try:
            yield session
        finally:
            session.close()
        session.info.clear()
        self._resting.append(session)

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A transaction that sees one moment of the whole database, however long it reads."""
        with self.read() as session:
            if not self.is_sqlite:
                session.execute(_ONE_MOMENT)
            yield session

    def map_file(self) -> None:
        """Have SQLite read its file where the system holds it, without a copy of each page.

        For a process of its own that only reads, far and wide, by one connection: a quarter quicker.
        """
        if self.is_sqlite:
            with self.read() as session:
                session.execute(_MAPPED)

    def scrub(self) -> bool:
        """Leave no copy of what was just erased in the write-ahead log; False if a reader still needs it.

        SQLite alone: PostgreSQL's log is its operator's, and its vacuum takes what was erased.
        """
        if not self.is_sqlite:
            return True
        connection = self.engine.raw_connection()
        driver: Any = connection.driver_connection
        patience = driver.execute("PRAGMA busy_timeout").fetchone()[0]
        try:
            # Who checkpoints keeps writers waiting for as long as it waits for readers.
            driver.execute(f"PRAGMA busy_timeout={_SCRUB_BUSY_MILLISECONDS}")
            is_busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not is_busy
        finally:
            driver.execute(f"PRAGMA busy_timeout={patience}")
            connection.close()

    def take_stock(self) -> None:
        """Have SQLite's planner know how rows are spread, if they grew since; PostgreSQL looks by itself.

        Knowing nothing it takes a store for ten rows, and reads all of them to find one customer's.
        """
        if not self.is_sqlite:
            return
        with self.read() as session:
            pages = session.execute(_PAGES_IN_USE).scalar_one()
        taken: list[int] = self.engine.get_execution_options()[engines.STOCK_TAKEN]
        if taken and pages < taken[0] * _GROWN:
            return
        with self.write() as session:
            analyze(session)
        # A connection hears of it when it opens.
        self.dispose()
        taken.append(pages)

    def dispose(self) -> None:
        """Close the pool."""
        self.engine.dispose()
        if self.is_sqlite:
            engines.forget_file(self.engine)


@contextmanager
def few_pages(session: Session) -> Iterator[None]:
    """Work that goes far and wide and meets each page once: SQLite keeps hardly any in memory meanwhile.

    A connection that read all orders of a shop held 13 MiB of them until it was closed.
    """
    if session.get_bind().dialect.name != "sqlite":
        yield
        return
    driver: Any = session.connection().connection.driver_connection
    usual = driver.execute("PRAGMA cache_size").fetchone()[0]
    try:
        driver.execute(f"PRAGMA cache_size={_FEW_PAGES}")
        yield
    finally:
        driver.execute(f"PRAGMA cache_size={usual}")


def analyze(session: Session) -> None:
    """Have the planner know how rows are spread, from the end of this transaction on: what came in it counts.

    PostgreSQL would look by itself, a minute after so many rows came together.
    """
    if session.get_bind().dialect.name == "sqlite":
        session.execute(_A_GLANCE)
    session.execute(_TAKE_STOCK)


def narrow(session: Session, store_id: int) -> None:
    """See the rows of one store from here to the end of this transaction, which may have begun without it."""
    bind, scope = session.get_bind(), str(int(store_id))
    if bind.dialect.name != "sqlite" and bind.get_execution_options().get(engines.SCOPE) != scope:
        session.execute(_NARROWED, {"store": scope})
