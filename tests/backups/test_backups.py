"""A backup is everything as of one moment, sealed; what is wrong with the file or the database is told."""

import json
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from app.backups import restoring, rows, sealing, writing
from app.backups.sealing import NoBackup, Writer
from app.cli import main
from app.db import Base, Database
from app.models import AccessEntry, Customer, InboundEvent, Restore, Store
from app.runtime import Runtime
from app.stores import credentials
from tests import seeds
from tests.backups.backup_seed import DAY, EMAIL, SECRET, fill, stores_of
from tests.backups.conftest import Elsewhere
from tests.bars.sizes import Note, asked
from tests.conftest import NOW
from tests.engines import POSTGRESQL, SQLITE

ONLY_SQLITE = pytest.mark.parametrize("engine", [SQLITE])
POSTGRESQL_APART = pytest.mark.parametrize(
    "engine", [SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.oracle)]
)
"""On both, but PostgreSQL by `make oracle`: it takes seconds."""
CHANGED_BY_A_RESTORE = {
    *("access_log", "audit_log", "restores"),
    *("backfills", "chores", "reconciliations", "sign_in_links"),
}
RENEWALS = 25
BACKUPS = asked(2, full=15, quick=3)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ritorno.backup"


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with database.read() as session:
        return {
            table.name: [
                tuple(row)
                for row in session.execute(select(table).order_by(*table.primary_key.columns)).all()
            ]
            for table in Base.metadata.sorted_tables
        }


def _note(told: list[Any], step: str, done: int, total: int | None = None) -> None:
    told.append((step, done, total))


@pytest.mark.parametrize(("engine", "other"), [(SQLITE, POSTGRESQL), (POSTGRESQL, SQLITE)])
def test_what_one_database_wrote_the_other_takes_value_for_value(
    runtime: Runtime, elsewhere: Elsewhere, file: Path, other: str
) -> None:
    store_id = fill(runtime)
    before = everything(runtime.database)

    told: list[tuple[str, int, int | None]] = []
    made = writing.make(runtime, file, NOW, partial(_note, told))
    target = elsewhere(other)
    restored = restoring.restore(target, file, NOW + DAY, tell=partial(_note, told))

    after = everything(target.database)
    same = before.keys() - CHANGED_BY_A_RESTORE
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert made.rows == restored.rows == {name: len(found) for name, found in before.items() if found}
    all_of_it = sum(made.rows.values())
    assert told[-1] == ("put back", all_of_it, all_of_it)
    assert [done for step, done, _ in told if step == "written"][-1] == all_of_it
    assert [done for step, done, _ in told if step == "checked"][-1] == all_of_it
    with target.database.read() as session:
        opened = credentials.unseal(target.vault, session.get_one(Store, store_id).credentials)
    assert opened.access == SECRET


@ONLY_SQLITE
def test_the_file_tells_nothing_and_belongs_to_its_owner(runtime: Runtime, file: Path) -> None:
    store_id = fill(runtime)

    writing.make(runtime, file, NOW)

    text = file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not [word for word in (EMAIL, *SECRET.values(), "bottega") if word.encode() in text]
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert seeds.rows_of(runtime.database, AccessEntry, "store_id", "what", "how", "count") == [
        (store_id, "backup", "cli", 2)
    ]


@ONLY_SQLITE
def test_a_backup_that_fails_leaves_the_one_before_it(
    runtime: Runtime, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(runtime)
    file.write_bytes(b"of yesterday")
    monkeypatch.setattr(rows, "plain", _full)

    with pytest.raises(OSError, match="disk full"):
        writing.make(runtime, file, NOW)

    assert file.read_bytes() == b"of yesterday"
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def _full(*_: object) -> list[Any]:
    raise OSError("disk full")


@POSTGRESQL_APART
def test_a_backup_under_load_is_of_one_moment(
    runtime: Runtime, elsewhere: Elsewhere, file: Path, record_property: Note
) -> None:
    """Somebody moves from one table to another all the while, in one transaction each time."""
    store_id = fill(runtime)
    stop = threading.Event()

    def move() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with runtime.database.write() as session:
                seeds.add_customer(session, store_id, f"n{number}")
                session.add(_delivery(store_id, f"n{number}"))

    moving = threading.Thread(target=move)
    moving.start()
    counts: list[list[int]] = []
    try:
        while len(counts) < BACKUPS:
            writing.make(runtime, file, NOW)
            counts.append(list(_counted(runtime, file)))
    finally:
        stop.set()
        moving.join()

    restoring.restore(target := elsewhere(), file, NOW)
    assert len(seeds.values_of(target.database, Customer, "id")) == counts[-1][0]
    record_property("backups under load", len(counts))
    record_property("rows written between the first and the last", counts[-1][0] - counts[0][0])
    record_property("backups not of one moment", sum(people - told != 1 for people, told in counts))
    # Two people and one delivery were there before.
    assert [people - deliveries for people, deliveries in counts] == [1] * len(counts)
    assert counts[0] != counts[-1]


def _counted(runtime: Runtime, file: Path) -> Iterator[int]:
    with file.open("rb") as opened:
        *_, last = sealing.pieces(opened, runtime.vault)
    yield from (last["counts"][name] for name in ("customers", "inbound_events"))


def _delivery(store_id: int, key: str) -> InboundEvent:
    moments = {"received_at": NOW, "next_at": NOW}
    told = {"source": "shopify", "topic": "orders/paid", "dedupe_key": key, "status": "done"}
    return InboundEvent(store_id=store_id, **moments, **told)


SPOILT: Mapping[str, tuple[Callable[[bytes], bytes], str]] = {
    "without its last byte": (lambda text: text[:-1], "its end is missing"),
    "a half": (lambda text: text[: len(text) // 2], "torn"),
    "a header": (lambda text: text[:60], "header"),
    "another byte": (lambda text: text[:-40] + bytes([text[-40] ^ 1]) + text[-39:], "altered"),
    "another version": (lambda text: text.replace(b'"revision": "0001"', b'"revision": "0000"'), "altered"),
    "more": (lambda text: text + b"more", "behind its end"),
    "empty": (lambda _: b"", "no backup of Ritorno"),
    "foreign": (lambda text: b"SQLite format 3\0" + text, "no backup of Ritorno"),
}


@ONLY_SQLITE
def test_a_torn_or_foreign_file_changes_nothing(runtime: Runtime, elsewhere: Elsewhere, file: Path) -> None:
    fill(runtime)
    writing.make(runtime, file, NOW)
    whole, target = file.read_bytes(), elsewhere()

    for spoil, why in SPOILT.values():
        file.write_bytes(spoil(whole))
        with pytest.raises(NoBackup, match=why):
            restoring.restore(target, file, NOW)

    assert stores_of(target) == []


@ONLY_SQLITE
def test_a_file_of_other_keys_is_refused_by_name(runtime: Runtime, elsewhere: Elsewhere, file: Path) -> None:
    fill(runtime)
    writing.make(runtime, file, NOW)
    other = Fernet.generate_key().decode()
    before = runtime.settings.encryption_keys

    with pytest.raises(NoBackup, match="other ENCRYPTION_KEYS"):
        restoring.restore(elsewhere(encryption_keys=other), file, NOW)
    with pytest.raises(NoBackup, match="another SECRET_KEY"):
        restoring.restore(elsewhere(secret_key="another"), file, NOW)
    rotated = elsewhere(encryption_keys=f"{other},{before}")
    restoring.restore(rotated, file, NOW)

    assert stores_of(rotated) == ["bottega.example"]


@ONLY_SQLITE
def test_a_backup_of_a_newer_program_is_refused(runtime: Runtime, elsewhere: Elsewhere, file: Path) -> None:
    told = {"revision": "9999", "made_at": NOW.isoformat(), "signer": writing.fingerprint(runtime)}
    with file.open("wb") as opened:
        Writer(opened, runtime.vault, told | {"tables": {}}).add({"counts": {}}, is_last=True)

    with pytest.raises(NoBackup, match="newer Ritorno"):
        restoring.restore(elsewhere(), file, NOW)


@ONLY_SQLITE
def test_only_an_empty_database_is_restored_into_unless_it_is_to_be_thrown_away(
    runtime: Runtime, elsewhere: Elsewhere, file: Path
) -> None:
    fill(runtime)
    writing.make(runtime, file, NOW)
    target = elsewhere()
    seeds.new_store(target.database, "another")

    with pytest.raises(NoBackup, match="not empty"):
        restoring.restore(target, file, NOW)
    kept = stores_of(target)
    restoring.restore(target, file, NOW, is_forced=True)

    assert kept == ["another.example"]
    assert stores_of(target) == ["bottega.example"]


@ONLY_SQLITE
def test_a_file_that_is_no_database_yet_becomes_one(runtime: Runtime, file: Path, tmp_path: Path) -> None:
    fill(runtime)
    writing.make(runtime, file, NOW)
    fresh = Database(f"sqlite:///{tmp_path / 'fresh.db'}")

    restoring.restore(Runtime.build(runtime.settings, fresh), file, NOW)

    assert stores_of(Runtime.build(runtime.settings, fresh)) == ["bottega.example"]
    fresh.dispose()


@ONLY_SQLITE
def test_the_commands_say_what_they_did_and_what_it_needs(
    runtime: Runtime,
    elsewhere: Elsewhere,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(runtime)
    target = elsewhere()

    def command(of: Runtime, *words: str) -> int:
        for name in ("database_url", "secret_key", "encryption_keys"):
            monkeypatch.setenv(name.upper(), str(getattr(of.settings, name)))
        return main(words)

    codes = [
        command(runtime, "backup", str(file), "--json"),
        command(target, "restore", str(file), "--json"),
        command(target, "restore", str(file)),
    ]

    told, refused = capsys.readouterr()
    backup, restore = (json.loads(line) for line in told.splitlines())
    assert codes == [0, 0, 1]
    assert "SECRET_KEY" in backup["needs"]
    assert (backup["rows"], restore["held"]) == (restore["rows"], 0)
    assert refused.startswith("ritorno: the database is not empty")
    assert len(seeds.values_of(target.database, Restore, "id")) == 1
