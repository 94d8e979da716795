"""Putting a backup back: into an empty database, whole or not at all, and nothing is sent twice."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Table, delete, inspect, select
from sqlalchemy.orm import Session

from app import migrate
from app.backups import aftermath, rows
from app.backups.sealing import Json, NoBackup, Tell, pieces, read_header, unheard
from app.backups.writing import fingerprint
from app.db import Base, Database, analyze, insert_rows
from app.runtime import Runtime

_OF_PROCESSES = frozenset(
    {"heartbeats", "install_attempts", "job_runs", "machine_starts", "scheduled_jobs", "sign_in_links"}
)
"""What a process that was only started leaves in an empty database."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back. `held` messages were due by then and wait for a person."""

    made_at: datetime
    restored_at: datetime
    rows: dict[str, int]
    held: int


def restore(
    runtime: Runtime, path: Path, now: datetime, *, is_forced: bool = False, tell: Tell = unheard
) -> Restored:
    """Put a backup back and hold everything that was due before.

    Stop web and worker processes first: what they hold in memory is of the other database.

    Args:
        is_forced: throw away what is in the database.
        tell: hears how far it is.

    Raises:
        NoBackup: the file is none, torn, of other keys or of a newer program, or the database is not empty.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        header = read_header(file)
        counts = _verify(runtime, file, header, tell)
        revision, made_at = str(header["revision"]), datetime.fromisoformat(header["made_at"])
        _prepare(runtime.database, revision, is_forced=is_forced)
        with runtime.database.write() as session:
            _check_empty(session, is_forced=is_forced)
            _load(session, runtime, file, header, tell=partial(tell, "put back", total=sum(counts.values())))
            held = aftermath.settle(session, backed_up_at=made_at, revision=revision, now=now)
            analyze(session)
    migrate.upgrade(runtime.database.url)
    # A connection hears of what was analyzed when it opens.
    runtime.database.dispose()
    return Restored(made_at, now, counts, held)


def _verify(runtime: Runtime, file: IO[bytes], header: Json, tell: Tell) -> dict[str, int]:
    """Read the file to its end before anything is touched; how many rows of each table it holds."""
    counts: Counter[str] = Counter()
    told: dict[str, int] = {}
    for piece in pieces(file, runtime.vault):
        if "counts" in piece:
            told = piece["counts"]
        else:
            counts[piece["table"]] += len(piece["rows"])
            tell("checked", counts.total())
    if counts != told:
        raise NoBackup("the file does not hold the rows that it tells of")
    if header["signer"] != fingerprint(runtime):
        raise NoBackup(
            "the backup was made under another SECRET_KEY: without that one refusals and erasures would not"
            " be known again"
        )
    if not migrate.is_known(str(header["revision"])):
        raise NoBackup(
            f"the backup is of a newer Ritorno (version {header['revision']} of the database, this program"
            f" knows up to {migrate.head()}): install that one"
        )
    return told


def _prepare(database: Database, revision: str, *, is_forced: bool) -> None:
    """Bring an empty database to the backup's version; one of another version with rows is refused."""
    with database.read() as session:
        current = migrate.current(session)
        if current is not None:
            _check_empty(session, is_forced=is_forced)
    if current is None:
        migrate.upgrade(database.url, revision)
    elif current != revision:
        raise NoBackup(
            f"the database is at version {current}, the backup at {revision}: restore into one without tables"
        )


def _check_empty(session: Session, *, is_forced: bool) -> None:
    if is_forced:
        return
    present = set(inspect(session.connection()).get_table_names())
    for table in Base.metadata.sorted_tables:
        if table.name in _OF_PROCESSES or table.name not in present:
            continue
        if session.execute(select(*table.primary_key.columns).limit(1)).first() is not None:
            raise NoBackup(
                f"the database is not empty ({table.name} holds rows): restore into another one, or throw"
                " away what is in it with --force"
            )


def _load(
    session: Session, runtime: Runtime, file: IO[bytes], header: Json, *, tell: Callable[[int], None]
) -> None:
    tables = {name: rows.table_like(name, kinds) for name, kinds in header["tables"].items()}
    _check_columns(session, header["tables"])
    for table in reversed(Base.metadata.sorted_tables):
        if table.name in tables:
            session.execute(delete(tables[table.name]))
    done = 0
    for piece in pieces(file, runtime.vault):
        if "rows" in piece:
            _insert(session, tables[piece["table"]], header["tables"][piece["table"]], piece["rows"])
            done += len(piece["rows"])
            tell(done)


def _insert(session: Session, table: Table, kinds: rows.Kinds, told: list[list[Any]]) -> None:
    insert_rows(session, table, [rows.values(kinds, row) for row in told])


def _check_columns(session: Session, tables: dict[str, rows.Kinds]) -> None:
    """Refuse a file whose tables are not those of its version, as only a program under development makes."""
    found = inspect(session.connection())
    for name, kinds in tables.items():
        there = {column["name"] for column in found.get_columns(name)} if found.has_table(name) else set()
        if there != set(kinds):
            raise NoBackup(f"the tables of the backup are not those of its version: {name} is another one")
