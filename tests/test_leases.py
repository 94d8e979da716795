"""Leases on one machine: dated by its uptime, by all processes alike, and never back over its starts."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, func, insert, select

from app import leases, models
from app.db import Database, lease_now, table_of, wall_now
from app.models import Chore, MachineStart
from tests.engines import SQLITE
from tests.seeds import new_store

ON_SQLITE = pytest.mark.parametrize("engine", [SQLITE])
STARTS, CHORES = table_of(MachineStart), table_of(Chore)
LONG_AGO, FAR_AHEAD = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
LITTLE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def boot_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the machine says which start of it this is; the test may start it again."""
    path = tmp_path / "boot_id"
    path.write_text("the-first\n")
    monkeypatch.setattr(leases, "BOOT_ID", path)
    leases._boot_id.cache_clear()
    yield path
    leases._boot_id.cache_clear()


def test_leases_begin_at_the_wall_clock_and_go_on(database: Database) -> None:
    with database.write() as session:
        first, wall, second = lease_now(session), wall_now(session), lease_now(session)

    assert abs(first - wall) < LITTLE
    assert first < second


@ON_SQLITE
def test_a_process_with_a_wrong_clock_dates_leases_as_the_others_do(
    database: Database, database_url: str
) -> None:
    """To whom the machine started in 2020 the wall clock of today is as wrong as can be."""
    _write_down(database, "the-first", LONG_AGO)
    other = Database(database_url)

    ours, theirs = _now(database), _now(other)

    other.dispose()
    assert LONG_AGO < ours < theirs < ours + LITTLE


@ON_SQLITE
@pytest.mark.parametrize("clock", ["ahead", "behind"])
def test_a_start_of_the_machine_begins_behind_every_lease_of_the_one_before(
    database: Database, boot_id: Path, clock: str
) -> None:
    store_id = new_store(database)
    held_until = FAR_AHEAD if clock == "behind" else LONG_AGO
    with database.write() as session:
        lease = {"lease_token": "of somebody who is no more", "lease_until": held_until}
        session.execute(
            insert(CHORES).values(store_id=store_id, name="webhooks", next_at=LONG_AGO, attempts=0, **lease)
        )
        wall = wall_now(session)

    before = _now(database)
    _start_again(database, boot_id)
    after = _now(database)

    assert before > max(held_until, wall - LITTLE)
    assert after > max(held_until, wall - LITTLE)
    assert _starts(database) == ["the-first", "the-second"]


@ON_SQLITE
def test_what_was_undone_is_not_relied_on(database: Database) -> None:
    with suppress(InterruptedError), database.write() as session:
        lease_now(session), lease_now(session)
        raise InterruptedError
    _write_down(database, "the-first", LONG_AGO)

    assert LONG_AGO < _now(database) < LONG_AGO + timedelta(days=2000)


@ON_SQLITE
def test_who_only_reads_writes_nothing_and_waits_for_nobody(database: Database, database_url: str) -> None:
    other = Database(database_url)

    with other.write() as busy, database.read() as session:
        busy.execute(select(func.count()).select_from(STARTS))
        found, wall = lease_now(session), wall_now(session)

    other.dispose()
    assert abs(found - wall) < LITTLE
    assert _starts(database) == []


@ON_SQLITE
def test_once_the_start_is_known_no_statement_asks_for_it(database: Database) -> None:
    _now(database), _now(database)
    said: list[str] = []

    @event.listens_for(Engine, "before_cursor_execute")
    def _listen(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    try:
        _now(database)
    finally:
        event.remove(Engine, "before_cursor_execute", _listen)

    assert said == []


@ON_SQLITE
def test_another_file_under_the_same_name_is_asked_anew(database: Database) -> None:
    _now(database), _now(database)
    with database.write() as session:
        session.execute(STARTS.delete())
    _write_down(database, "the-first", LONG_AGO)

    database.dispose()

    assert _now(database) < LONG_AGO + timedelta(days=2000)


@ON_SQLITE
def test_a_machine_that_does_not_say_when_it_started_has_the_wall_clock_alone(
    database: Database, boot_id: Path
) -> None:
    boot_id.unlink()

    with database.write() as session:
        found, wall = lease_now(session), wall_now(session)

    assert timedelta() <= wall - found < LITTLE
    assert _starts(database) == []


def test_every_lease_counts_when_a_start_is_dated() -> None:
    tables = {table_of(getattr(models, name)) for name in models.__all__}

    leased = {table.name for table in tables if "lease_until" in table.c}
    named = {name for name, column in leases.DATED_BY_LEASES.items() if column == "lease_until"}

    assert leased == named


def _now(database: Database) -> datetime:
    with database.write() as session:
        return lease_now(session)


def _write_down(database: Database, boot: str, started_at: datetime) -> None:
    with database.write() as session:
        session.execute(insert(STARTS).values(boot_id=boot, started_at=started_at))


def _start_again(database: Database, boot_id: Path) -> None:
    boot_id.write_text("the-second\n")
    leases._boot_id.cache_clear()
    database.dispose()


def _starts(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.execute(select(STARTS.c.boot_id).order_by(STARTS.c.boot_id)).scalars())
