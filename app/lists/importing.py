"""Importing a list: batch by batch in transactions of their own, with a report of what became of each row."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import IO, Any

from sqlalchemy import select, update

from app import audit
from app.audit import Actor
from app.db import insert_new, table_of
from app.errors import BadInput
from app.lists import reading, taking
from app.lists.reading import Entry, Place, Refused
from app.lists.taking import KINDS, ListFile, Taken
from app.messaging import zones
from app.models import ListImport
from app.runtime import Runtime
from app.stores import settings
from app.stores.known import known

IMPORTS = table_of(ListImport)
BATCH = 500
MOST_SHOWN = 1000
_DONE = {"consent.import": "done"}


@dataclass(slots=True)
class Report:
    """What became of a list. Lines are named by number and reason: no address is in it.

    Attributes:
        rows: how many rows there were, empty ones aside.
        refused: the first `MOST_SHOWN` of those that could not be used; `reasons` counts all of them.
    """

    kind: str
    rows: int = 0
    imported: int = 0
    known: int = 0
    without_proof: int = 0
    refusals: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    refused: list[Refused] = field(default_factory=list)

    def add(self, taken: Taken, rows: int) -> None:
        """One batch more."""
        self.rows += rows
        self.imported += taken.imported
        self.known += taken.known
        self.without_proof += taken.without_proof
        self.refusals += taken.refusals
        self.reasons.update(one.reason for one in taken.refused)
        self.refused += taken.refused[: max(0, MOST_SHOWN - len(self.refused))]

    def shown(self) -> dict[str, Any]:
        """The report as plain JSON."""
        return {
            "kind": self.kind,
            "rows": self.rows,
            "imported": self.imported,
            "known": self.known,
            "without_proof": self.without_proof,
            "refused": {
                "count": self.reasons.total(),
                "reasons": dict(sorted(self.reasons.items())),
                "lines": [{"line": one.line, "reason": one.reason} for one in self.refused],
            },
        }


def import_list(
    runtime: Runtime,
    store_id: int,
    stream: IO[bytes],
    *,
    kind: str,
    now: datetime,
    by: Actor = audit.OPERATOR,
    tell: Callable[[int], None] = lambda _: None,
) -> Report:
    """Take a list in; once one told of refusals the store's `consent.import` is done.

    A run that ends half way leaves whole batches; the same file again does the rest.

    Args:
        stream: the file, from its beginning; it must be seekable.
        by: who brought it.
        tell: called with the rows so far after each batch.

    Raises:
        BadInput: not a kind, too large, or without a header that we know.
        NotFound: there is no such store.
    """
    if kind not in KINDS:
        raise BadInput(f"A list is one of {', '.join(KINDS)}.", "kind")
    digest, encoding = reading.examine(stream)
    with runtime.database.read() as session:
        store = known(session, store_id)
        place = Place(store.country or "", zones.zone_named(settings.read(store, "timezone")), now)
    rows = reading.read(stream, encoding, place)
    batches = _batches(rows)
    first = next(batches, [])
    file = _begin(runtime, store_id, kind, digest, now=now)
    report = Report(kind)
    for batch in (first, *batches) if first else ():
        report.add(_take(runtime, store_id, file, batch, now=now), len(batch))
        tell(report.rows)
    _finish(runtime, store_id, file, report, by=by, now=now)
    return report


def _batches(rows: Iterable[Entry | Refused]) -> Iterator[list[Entry | Refused]]:
    waiting = iter(rows)
    while batch := list(islice(waiting, BATCH)):
        yield batch


def _begin(runtime: Runtime, store_id: int, kind: str, digest: str, *, now: datetime) -> ListFile:
    """The file as it is known; one that was imported before keeps the moment of its first time."""
    row = {"store_id": store_id, "kind": kind, "digest": digest, "started_at": now, "counts": {}}
    mine = (IMPORTS.c.store_id == store_id, IMPORTS.c.kind == kind, IMPORTS.c.digest == digest)
    with runtime.database.write() as session:
        insert_new(session, IMPORTS, [row])
        return ListFile(kind, digest, session.execute(select(IMPORTS.c.started_at).where(*mine)).scalar_one())


def _take(
    runtime: Runtime, store_id: int, file: ListFile, batch: list[Entry | Refused], *, now: datetime
) -> Taken:
    entries = [one for one in batch if isinstance(one, Entry)]
    with runtime.database.write() as session:
        store = known(session, store_id)
        taken = taking.take(session, runtime.signer, store, file=file, entries=entries, now=now)
    unusable = [one for one in batch if isinstance(one, Refused)]
    taken.refused = sorted([*unusable, *taken.refused], key=lambda one: one.line)
    return taken


def _finish(
    runtime: Runtime, store_id: int, file: ListFile, report: Report, *, by: Actor, now: datetime
) -> None:
    counts = {**report.shown(), "refused": report.reasons.total()}
    mine = (IMPORTS.c.store_id == store_id, IMPORTS.c.kind == file.kind, IMPORTS.c.digest == file.digest)
    with runtime.database.write() as session:
        session.execute(update(IMPORTS).where(*mine).values(counts=counts))
        told = {name: counts[name] for name in ("kind", "rows", "imported", "refused")}
        audit.record(session, store_id, by, audit.LIST_IMPORTED, now=now, details=told)
        if report.refusals:
            # Subscribers alone do not say who must not be written to.
            changes = settings.write(session, known(session, store_id), _DONE, vault=runtime.vault)
            audit.record_settings(session, store_id, by, changes, now=now)
