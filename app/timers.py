"""The one timer table: set what waits, take what is due, fair between stores."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    Insert,
    Row,
    Select,
    bindparam,
    delete,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.orm import Session

from app.db import Among, UtcDateTime, delete_rows, insert_new_columns, table_of
from app.dialects import insert_into
from app.models import Timer, TimerCursor
from app.named import named

TIMERS, CURSORS = table_of(Timer), table_of(TimerCursor)
_KEY = (TIMERS.c.store_id, TIMERS.c.due_at, TIMERS.c.kind, TIMERS.c.subject_id)
_NAMES = tuple(column.name for column in _KEY)

_NOW = bindparam("now", type_=UtcDateTime)
_STORE: BindParameter[Any] = bindparam("store")
_KINDS: BindParameter[Any] = bindparam("kinds", expanding=True)
_MOST: BindParameter[Any] = bindparam("most")
_DUE: Select[Any] = (
    select(*_KEY, TIMERS.c.turn)
    .where(TIMERS.c.due_at <= _NOW)
    .order_by(TIMERS.c.due_at, TIMERS.c.subject_id)
    .limit(_MOST)
)
_DUE_OF_STORE = _DUE.where(TIMERS.c.store_id == _STORE, TIMERS.c.kind == bindparam("kind")).with_for_update(
    skip_locked=True
)
_DUE_OF_SUBJECTS = (
    select(*_KEY, TIMERS.c.turn)
    .where(
        TIMERS.c.store_id == _STORE,
        TIMERS.c.due_at <= _NOW,
        TIMERS.c.kind == bindparam("kind"),
        Among(TIMERS.c.subject_id, "subjects"),
    )
    .order_by(TIMERS.c.due_at, TIMERS.c.subject_id)
    .with_for_update(skip_locked=True)
)
_DUE_OF_STORES = _DUE.where(
    TIMERS.c.store_id.in_(bindparam("stores", expanding=True)), TIMERS.c.kind.in_(_KINDS)
)
_DUE_STORES = (
    select(CURSORS.c.store_id)
    .where(
        CURSORS.c.next_due_at <= _NOW,
        exists().where(
            TIMERS.c.store_id == CURSORS.c.store_id, TIMERS.c.due_at <= _NOW, Among(TIMERS.c.kind, "kinds")
        ),
    )
    .order_by(CURSORS.c.next_due_at, CURSORS.c.store_id)
    .limit(_MOST)
)
_HAS_ANY = exists().where(TIMERS.c.store_id == _STORE)
_CURSOR_LOCK = select(CURSORS.c.store_id).where(CURSORS.c.store_id == _STORE).with_for_update()
_EARLIEST_OF_STORE = select(func.min(TIMERS.c.due_at)).where(TIMERS.c.store_id == _STORE)
_EARLIEST = select(func.min(CURSORS.c.next_due_at))
_CURSOR_REMOVAL = delete(CURSORS).where(CURSORS.c.store_id == _STORE, ~_HAS_ANY)
_CURSOR_MOVE = (
    update(CURSORS)
    .where(CURSORS.c.store_id == _STORE, _HAS_ANY)
    .values(next_due_at=_EARLIEST_OF_STORE.scalar_subquery())
)


class NewTimer(NamedTuple):
    """Something that waits. `turn` tells a stale timer from the current one."""

    store_id: int
    due_at: datetime
    kind: str
    subject_id: int
    turn: int = 0


def set_timers(session: Session, timers: Sequence[NewTimer]) -> None:
    """Add timers and bring each store's cursor forward if one is earlier."""
    if not timers:
        return
    columns = zip(NewTimer._fields, zip(*timers, strict=True), strict=True)
    insert_new_columns(session, TIMERS, dict(columns))
    earliest: dict[int, datetime] = {}
    for timer in timers:
        earliest[timer.store_id] = min(timer.due_at, earliest.get(timer.store_id, timer.due_at))
    for store_id, moment in sorted(earliest.items()):
        _lower_cursor(session, store_id, moment)


def due_stores(session: Session, now: datetime, limit: int, *, kinds: Sequence[str]) -> list[int]:
    """Stores that have a timer of some kinds due, the longest waiting first.

    Stores with others due are no part of the limit: they may wait for long, and would hide these.
    """
    values = {"now": now, "kinds": kinds, "most": limit}
    return list(session.execute(_DUE_STORES, values).scalars())


def take_due(session: Session, store_id: int, now: datetime, *, kind: str, limit: int) -> list[Any]:
    """Remove and return a store's due timers of one kind, earliest first; others skip locked ones.

    Whoever takes a timer does its work in the same transaction: a crash brings it back.
    """
    rows = look_due(session, store_id, now, kind=kind, limit=limit)
    drop(session, rows)
    return rows


def look_due(session: Session, store_id: int, now: datetime, *, kind: str, limit: int) -> list[Any]:
    """The same without taking them."""
    values = {"store": store_id, "now": now, "kind": kind, "most": limit}
    return named(session.execute(_DUE_OF_STORE, values))


def take_due_of(
    session: Session, store_id: int, now: datetime, *, kind: str, subjects: Sequence[int]
) -> list[Any]:
    """Remove and return the due timers of these subjects, earliest first."""
    values = {"store": store_id, "now": now, "kind": kind, "subjects": subjects}
    rows = named(session.execute(_DUE_OF_SUBJECTS, values)) if subjects else []
    drop(session, rows)
    return rows


def put_off_of(
    session: Session, store_id: int, until: datetime, *, kind: str, subjects: Sequence[int]
) -> None:
    """Have the timers of these subjects wait until then; of several of a subject the latest turn does."""
    rows = take_due_of(session, store_id, until, kind=kind, subjects=subjects)
    turns: dict[int, int] = {}
    for row in rows:
        turns[row.subject_id] = max(row.turn, turns.get(row.subject_id, row.turn))
    set_timers(session, [NewTimer(store_id, until, kind, subject, turn) for subject, turn in turns.items()])
    settle_cursor(session, store_id)


def peek_due(session: Session, now: datetime, kinds: Sequence[str], limit: int) -> Sequence[Row[Any]]:
    """Due timers of some kinds without taking them, for work that needs the network first."""
    stores = due_stores(session, now, limit, kinds=kinds)
    values = {"stores": stores, "now": now, "kinds": kinds, "most": limit}
    rows: Sequence[Row[Any]] = session.execute(_DUE_OF_STORES, values).all() if stores else []
    return rows


def drop(session: Session, rows: Sequence[Any]) -> None:
    """Remove timers by their whole key."""
    # A timer's row begins with its key.
    keys = [dict(zip(_NAMES, row, strict=False)) for row in rows]
    delete_rows(session, TIMERS, keys, key=_NAMES)


def put_off(session: Session, row: Row[Any], until: datetime, *, turn: int | None = None) -> None:
    """Have a timer again later, by default of the same turn."""
    drop(session, [row])
    later = NewTimer(row.store_id, until, row.kind, row.subject_id, row.turn if turn is None else turn)
    set_timers(session, [later])
    settle_cursor(session, row.store_id)


def settle_cursor(session: Session, store_id: int) -> None:
    """Set a store's cursor to its earliest timer, or drop it when nothing waits.

    Locked before the timers are looked at, so that one which somebody else is just setting is seen. On SQLite
    who writes is alone.
    """
    values = {"store": store_id}
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        connection.execute(_CURSOR_LOCK, values)
    if not connection.execute(_CURSOR_MOVE, values).rowcount:
        connection.execute(_CURSOR_REMOVAL, values)


def next_due(session: Session) -> datetime | None:
    """The earliest moment at which any timer may be due."""
    moment: datetime | None = session.execute(_EARLIEST).scalar_one()
    return moment


def _lower_cursor(session: Session, store_id: int, moment: datetime) -> None:
    statement = _lowering(session.get_bind().dialect.name)
    session.execute(statement, {"store_id": store_id, "next_due_at": moment})


@cache
def _lowering(dialect: str) -> Insert:
    insert = insert_into(dialect, CURSORS)
    lowering: Insert = insert.on_conflict_do_update(
        index_elements=["store_id"],
        set_={"next_due_at": insert.excluded.next_due_at},
        where=CURSORS.c.next_due_at > insert.excluded.next_due_at,
    )
    return lowering
