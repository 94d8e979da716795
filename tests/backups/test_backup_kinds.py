"""Every kind of value has its way out of one database and into the other, of one row and of many."""

from typing import Any

import pytest
from sqlalchemy import Table, select

from app.backups import rows
from app.bindings import unbounded
from app.db import Base, Database
from app.dialects import writer_of
from app.packing import PACKERS
from app.runtime import Runtime
from tests.backups.backup_seed import fill
from tests.engines import POSTGRESQL, SQLITE


@pytest.mark.parametrize("engine", [SQLITE])
def test_the_seed_holds_two_values_of_every_kind(runtime: Runtime) -> None:
    """Of one row alone PostgreSQL is not sent columns."""
    fill(runtime)

    seen = {
        kind
        for table in Base.metadata.sorted_tables
        for kind, column in zip(rows.kinds_of(table).values(), _columns(runtime.database, table), strict=True)
        if sum(value is not None for value in column) > 1
    }

    assert seen == {kind for table in Base.metadata.sorted_tables for kind in rows.kinds_of(table).values()}


def _columns(database: Database, table: Table) -> list[list[Any]]:
    with database.read() as session:
        found = [tuple(row) for row in session.execute(select(table)).all()]
    return [[row[place] for row in found] for place in range(len(table.columns))]


def test_every_column_of_every_table_can_be_written_and_read_back_into_postgresql() -> None:
    """A new kind of column needs a way into a backup first, and one to the server, by columns."""
    dialect = writer_of(POSTGRESQL)
    for table in Base.metadata.sorted_tables:
        told = rows.table_like(table.name, rows.kinds_of(table))
        for column in (*table.columns, *told.columns):
            assert unbounded(column).compile(dialect) in PACKERS, f"{table.name}.{column.name}"
