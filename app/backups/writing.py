"""Making a backup: every row of every table as of one moment, while everything goes on."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from app import access_log, audit, migrate
from app.backups import rows
from app.backups.sealing import Json, NoBackup, Tell, Writer, new_file, unheard
from app.db import Base, table_of
from app.errors import BadInput
from app.models import Customer
from app.runtime import Runtime

CUSTOMERS = table_of(Customer)
SIGNER = "backup"
_ROWS, _BYTES = 500, 4 * 1024 * 1024
"""A piece of the file holds as many rows, or fewer that are as long as this together."""
_FETCHED = 500


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that stands in its place: how large, and how many rows of each table."""

    file: str
    bytes: int
    revision: str
    made_at: datetime
    rows: dict[str, int]


def make(runtime: Runtime, path: Path, now: datetime, tell: Tell = unheard) -> Made:
    """Write a backup of the whole database, consistent while running; nothing at all where it fails.

    Args:
        now: the business moment before anything is read: what happens from here on is not in it.
        tell: hears how far it is.

    Raises:
        BadInput: its folder is not there.
        NoBackup: the database is not at this program's version.
        OSError: the file cannot be written.
    """
    if not path.parent.is_dir():
        raise BadInput(f"there is no folder {path.parent}")
    counts: Counter[str] = Counter()
    with runtime.database.snapshot() as session, new_file(path) as file:
        revision = _revision(session)
        writer = Writer(file, runtime.vault, _header(runtime, revision, now))
        for table in Base.metadata.sorted_tables:
            for piece in _pieces(session, table, counts):
                writer.add(piece)
                tell("written", counts.total())
        writer.add({"counts": counts}, is_last=True)
        people = _people(session)
    with runtime.database.write() as session:
        for store_id, count in people.items():
            access_log.record(
                session,
                store_id,
                audit.OPERATOR,
                access_log.BACKUP,
                how=access_log.CLI,
                now=now,
                count=count,
            )
    return Made(str(path), path.stat().st_size, revision, now, dict(counts))


def fingerprint(runtime: Runtime) -> str:
    """What tells one SECRET_KEY from another: refusals and erasures are known again by it alone."""
    return runtime.signer.fingerprint(SIGNER, "the same SECRET_KEY")


def _revision(session: Session) -> str:
    current = migrate.current(session)
    if current is None or current != migrate.head():
        raise NoBackup(f"the database is at {current or 'no version'}: run `ritorno migrate` first")
    return current


def _header(runtime: Runtime, revision: str, now: datetime) -> Json:
    return {
        "revision": revision,
        "made_at": now.isoformat(),
        "signer": fingerprint(runtime),
        "tables": {table.name: rows.kinds_of(table) for table in Base.metadata.sorted_tables},
    }


def _pieces(session: Session, table: Table, counts: Counter[str]) -> Iterator[Json]:
    """A table's rows, some at a time."""
    kinds = rows.kinds_of(table)
    statement = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_FETCHED)
    held: list[Any] = []
    size = 0
    for row in session.execute(statement):
        told = rows.plain(kinds, row)
        held.append(told)
        size += _size(told)
        if len(held) >= _ROWS or size >= _BYTES:
            counts[table.name] += len(held)
            yield {"table": table.name, "rows": held}
            held, size = [], 0
    if held:
        counts[table.name] += len(held)
        yield {"table": table.name, "rows": held}


def _size(told: list[Any]) -> int:
    """About how long a row is: by its texts, among them contents and bodies; everything else is short."""
    return sum(len(value) for value in told if isinstance(value, str))


def _people(session: Session) -> dict[int, int]:
    """How many customers of each store are in it."""
    statement = select(CUSTOMERS.c.store_id, func.count()).group_by(CUSTOMERS.c.store_id)
    return dict(session.execute(statement).all())
