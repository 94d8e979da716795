"""How Alembic reaches the database, and how it writes a new migration down."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Literal, cast

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import BigInteger, Connection, text
from sqlalchemy.dialects import postgresql, sqlite

from app import config, models
from app.db import Database, UtcDateTime

_METADATA = models.Store.metadata
_UPGRADE_LOCK = 7_262_686_683
_LIMITS = ("SET lock_timeout = '5s'", "SET statement_timeout = '15min'")
_DIALECTS = {
    "sqlite_where": sqlite.dialect(),
    "postgresql_where": postgresql.dialect(),  # type: ignore[no-untyped-call]
}


def _run() -> None:
    # Whatever a migration moves, it moves for every store.
    database = Database(_url()).over_all_stores()
    with database.engine.connect() as connection:
        (_prepare_sqlite if database.is_sqlite else _prepare_postgres)(connection)
        context.configure(
            connection=connection,
            target_metadata=_METADATA,
            compare_server_default=True,
            render_as_batch=database.is_sqlite,
            # On SQLite the writer's lock, taken once, also keeps a second process out, and all
            # migrations are applied or none. On PostgreSQL each commits by itself, so that none
            # holds its locks while the next one works.
            transactional_ddl=True,
            transaction_per_migration=not database.is_sqlite,
            render_item=_render_type,
            process_revision_directives=_tidy,
        )
        with context.begin_transaction():
            context.run_migrations()
    database.dispose()


def _write_sql() -> None:
    """`alembic upgrade head --sql`: the statements themselves, for review and for squawk."""
    context.configure(
        url=_url(), target_metadata=_METADATA, literal_binds=True, transaction_per_migration=True
    )
    if context.get_context().dialect.name == "postgresql":
        for limit in _LIMITS:
            context.execute(limit)
    with context.begin_transaction():
        context.run_migrations()


def _url() -> str:
    """What app.migrate passes on, else what the environment says."""
    return str(context.config.attributes.get("url") or config.load().database)


def _prepare_sqlite(connection: Connection) -> None:
    """Foreign keys rest while a batch copies a table; inside a transaction the pragma would do nothing."""
    driver = cast(sqlite3.Connection, connection.connection.driver_connection)
    driver.execute("PRAGMA foreign_keys=OFF")


def _prepare_postgres(connection: Connection) -> None:
    """One process upgrades and the others wait; a migration that cannot get its locks soon gives up.

    The lock belongs to the session: migrate over a direct connection, not through a transaction pooler.
    """
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _UPGRADE_LOCK})
    for limit in _LIMITS:
        connection.execute(text(limit))
    connection.commit()


def _render_type(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Our two column types, by the names that every migration gives them for itself."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "MOMENT"
    if kind == "type" and isinstance(item, BigInteger) and item._variant_mapping:
        return "ID"
    return False


def _tidy(_context: object, _revision: object, directives: list[ops.MigrationScript]) -> None:
    """Index by index instead of batches of them, and none apart that goes with its table."""
    for script in directives:
        for part in (script.upgrade_ops, script.downgrade_ops):
            if part is not None:
                gone = {found.table_name for found in part.ops if isinstance(found, ops.DropTableOp)}
                part.ops = [found for found in _flat(part.ops) if not _goes_with(found, gone)]


def _flat(found: Sequence[ops.MigrateOperation]) -> Iterator[ops.MigrateOperation]:
    for operation in found:
        if isinstance(operation, ops.ModifyTableOps) and _is_indexes_only(operation):
            yield from _flat(operation.ops)
            continue
        if isinstance(operation, ops.CreateIndexOp):
            for name in operation.kw.keys() & _DIALECTS.keys():
                operation.kw[name] = text(_sql(operation.kw[name], name))
        yield operation


def _goes_with(operation: ops.MigrateOperation, gone: set[str]) -> bool:
    return isinstance(operation, ops.DropIndexOp) and operation.table_name in gone


def _is_indexes_only(operation: ops.ModifyTableOps) -> bool:
    return all(isinstance(inner, ops.CreateIndexOp | ops.DropIndexOp) for inner in operation.ops)


def _sql(condition: Any, name: str) -> str:
    """A condition as the engine keeps it: SQLite uses a partial index only for the very same words."""
    inline = {"literal_binds": True, "include_table": False}
    return str(condition.compile(dialect=_DIALECTS[name], compile_kwargs=inline))


if context.is_offline_mode():
    _write_sql()
else:
    _run()
