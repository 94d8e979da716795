"""Transactions of SQLite, which begin by the driver itself, and the search for stores with work."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.exc import DatabaseError

from app import engines
from app.db import Database, UtcDateTime
from app.errors import Busy
from app.messaging.claim import LEASE
from app.runtime import Runtime
from app.scans import StoreScan
from app.timers import CURSORS
from tests.conftest import NOW

_DUE = StoreScan(CURSORS.c.store_id, CURSORS.c.next_due_at <= bindparam("now", type_=UtcDateTime))


def test_who_finds_the_database_locked_is_told_so_and_writes_later(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'shop.db'}", busy_seconds=0.05)
    with database.write() as session:
        session.execute(text("CREATE TABLE orders (number)"))

    with closing(sqlite3.connect(tmp_path / "shop.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy), database.write() as session:
            session.connection()
        other.execute("ROLLBACK")
    with database.write() as session:
        session.execute(text("INSERT INTO orders VALUES (1)"))

    with database.read() as session:
        assert session.execute(text("SELECT COUNT(*) FROM orders")).scalar_one() == 1
    database.dispose()


def test_a_file_that_is_no_database_is_told_as_every_other_failure_of_it(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_bytes(b"a letter to the shop" * 500)
    database = Database(f"sqlite:///{tmp_path / 'shop.db'}")

    with pytest.raises(DatabaseError), database.write() as session:
        session.connection()

    database.dispose()


@pytest.mark.parametrize(("due", "later"), [((), (4,)), ((2, 3, 9), (1, 5, 12))])
def test_every_store_with_work_is_found_and_no_other(
    runtime: Runtime, due: Sequence[int], later: Sequence[int]
) -> None:
    rows = [{"store_id": store_id, "next_due_at": NOW} for store_id in due]
    rows += [{"store_id": store_id, "next_due_at": NOW + timedelta(seconds=1)} for store_id in later]
    with runtime.database.write() as session:
        if rows:
            session.execute(insert(CURSORS), rows)

    with runtime.database.read() as session:
        assert _DUE.run(session, now=NOW) == list(due)


@pytest.mark.parametrize("engine", ["postgresql"])
def test_who_stands_still_in_a_transaction_lets_others_at_its_rows(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"store_id": 7, "next_due_at": NOW}
    with runtime.database.write() as session:
        session.execute(insert(CURSORS), row)
    move = update(CURSORS).where(CURSORS.c.store_id == 7)
    assert timedelta(seconds=engines.STANDS_STILL_SECONDS) == LEASE
    monkeypatch.setattr(engines, "STANDS_STILL_SECONDS", 0.2)

    def oversleep() -> None:
        with runtime.database.write() as asleep:
            asleep.execute(move.values(next_due_at=NOW + timedelta(days=2)))
            with runtime.database.write() as session:
                # Waits for the row until the server has ended the one who sleeps.
                session.execute(move.values(next_due_at=NOW + timedelta(days=1)))
            asleep.execute(select(CURSORS.c.store_id))

    with pytest.raises(Busy):
        oversleep()

    with runtime.database.read() as session:
        assert session.execute(select(CURSORS.c.next_due_at)).scalars().all() == [NOW + timedelta(days=1)]
