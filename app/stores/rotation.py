"""Sealed values under the first of ENCRYPTION_KEYS: found by their columns' mark, swapped one by one.

Safe beside running workers: a value is replaced only where it is still the one that was read, so a token that
was renewed meanwhile is never put back. Resumable: what stands under the first key already is passed over.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Row, Select, Table, select, update
from sqlalchemy.orm import Session

from app import audit
from app.crypto import UnreadableSecret, Vault
from app.db import Base
from app.models import Store

BATCH = 200


@dataclass(slots=True)
class Rotated:
    """What a pass over one column came to.

    Attributes:
        read: how many values there were; `current` of them stood under the first key already.
        changed: how many are under it now; `missed` were written by somebody else meanwhile.
        unreadable: the ids of rows that none of the keys opens.
    """

    read: int = 0
    current: int = 0
    changed: int = 0
    missed: int = 0
    unreadable: list[int] | None = None


def sealed_columns() -> list[Column[Any]]:
    """Every column that holds sealed values, by the mark of its definition."""
    return [
        column
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.info.get("is_sealed")
    ]


def rotate_batch(
    session: Session, vault: Vault, column: Column[Any], *, after: int, now: datetime, into: Rotated
) -> int | None:
    """Swap the values of the rows after an id; the id to go on from, None at the end."""
    table = column.table
    statement: Select[Any] = (
        select(table.c.id, column.label("sealed"))
        .where(table.c.id > after, column.is_not(None), column != "")
        .order_by(table.c.id)
        .limit(BATCH)
    )
    rows: Sequence[Row[Any]] = session.execute(statement).all()
    changed = list(_swap(session, vault, column, rows=rows, into=into))
    if table.name == Store.__tablename__:
        for store_id in changed:
            audit.record(session, store_id, audit.OPERATOR, audit.KEYS_ROTATED, now=now)
    return rows[-1].id if len(rows) == BATCH else None


def _swap(
    session: Session, vault: Vault, column: Column[Any], *, rows: Sequence[Row[Any]], into: Rotated
) -> Iterator[int]:
    """The ids of the rows that were swapped."""
    table: Table = column.table
    for row in rows:
        into.read += 1
        try:
            fresh = None if vault.is_current(row.sealed) else vault.reseal(row.sealed)
        except UnreadableSecret:
            into.unreadable = [*(into.unreadable or []), row.id]
            continue
        if fresh is None:
            into.current += 1
            continue
        # What was read must still stand there: a renewed token is newer than what we would write.
        swap = update(table).where(table.c.id == row.id, column == row.sealed).values({column.name: fresh})
        if session.execute(swap.returning(table.c.id)).all():
            into.changed += 1
            yield row.id
        else:
            into.missed += 1
