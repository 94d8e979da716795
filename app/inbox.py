"""The inbox: a verified delivery is kept once, durably, before it is answered.

What keeps it (`webhooks/writer.py`) commits whole groups, with a statement that is written once and
handed to the driver as it is: what is inserted never varies, and this is the hottest insert of all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import ScalarSelect, Update, and_, bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from app.db import Among, UtcDateTime, is_one_of, table_of, to_micros
from app.engines import IN_BINARY, OVER_ALL_STORES
from app.errors import AppError
from app.models import InboundBody, InboundEvent
from app.models.inbound_event import DEAD, DONE, IGNORED, OPEN, RETRYING, STATES, WAITING
from app.packing import packed_array
from app.stores.platforms import PLATFORMS
from connectors.base import Envelope

EVENTS, BODIES = table_of(InboundEvent), table_of(InboundBody)
OF_EVENT = and_(BODIES.c.store_id == EVENTS.c.store_id, BODIES.c.id == EVENTS.c.id)
"""Which body is a delivery's."""
NOBODY = 0
"""The `store_id` of deliveries from a shop that we do not know."""
_ERROR_LENGTH = 4000

Row = tuple[Any, ...]


class Delivery(NamedTuple):
    """What is to be read of a kept delivery, and how often that failed."""

    id: int
    source: str
    topic: str
    subject_external_id: str | None
    signature: int | None
    body: bytes | None
    triggered_at: datetime | None
    received_at: datetime
    attempts: int


def _newest(state: str) -> ScalarSelect[datetime]:
    """When the last delivery of a store's platform arrived of those in some state."""
    return (
        select(EVENTS.c.received_at)
        .where(
            EVENTS.c.store_id == bindparam("store"),
            is_one_of(EVENTS.c.status, (state,)),
            is_one_of(EVENTS.c.source, PLATFORMS),
        )
        .order_by(EVENTS.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )


_NEWEST = select(*(_newest(state).label(state) for state in STATES))
_WAITING = (
    select(*(BODIES.c.body if name == "body" else EVENTS.c[name] for name in Delivery._fields))
    .outerjoin_from(EVENTS, BODIES, OF_EVENT)
    .where(
        EVENTS.c.store_id == bindparam("store_id"),
        is_one_of(EVENTS.c.status, OPEN),
        EVENTS.c.next_at <= bindparam("now", type_=UtcDateTime),
    )
    .order_by(EVENTS.c.next_at, EVENTS.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True, of=EVENTS)
    .execution_options(**{IN_BINARY: True})
)
_WAITING_ALONE = _WAITING.where(EVENTS.c.id == bindparam("only"))


@dataclass(frozen=True, slots=True)
class Kept:
    """What is to be kept of one delivery. `store_id` is 0 for a shop that we do not know."""

    store_id: int
    envelope: Envelope
    body: bytes
    received_at: datetime
    status: str = WAITING


def row_of(kept: Kept, *, is_sqlite: bool) -> Row:
    """The values to insert, as the driver takes them, the body last."""
    envelope = kept.envelope
    triggered_at = envelope.triggered_at
    values = (
        kept.store_id,
        envelope.source,
        _storable(envelope.topic, 100),
        envelope.dedupe_key,
        _storable(envelope.event_id, 128),
        _storable(envelope.subject_external_id, 64),
        envelope.signature,
        triggered_at.astimezone(UTC) if triggered_at else None,
        kept.received_at,
        kept.received_at,
        kept.status,
        kept.body,
    )
    if is_sqlite:
        return tuple(to_micros(value) if isinstance(value, datetime) else value for value in values)
    return values


def body_size(row: Row) -> int:
    """How many bytes the body of such a row has."""
    return len(row[-1])


def insert_rows_sqlite(connection: Any, rows: Sequence[Row]) -> None:
    """Insert what is not there yet, as one transaction of the driver's connection."""
    with connection:
        cursor = connection.execute("BEGIN IMMEDIATE")
        bodies = [
            (cursor.lastrowid, *_of_body(row))
            for row in rows
            if cursor.execute(_SQLITE_INSERT, row[:-1]).rowcount
        ]
        cursor.executemany(_SQLITE_BODIES, bodies)


def insert_rows_postgresql(connection: Any, rows: Sequence[Row]) -> None:
    """The same for a connection of psycopg, in one statement; a transaction of its own if in autocommit."""
    first = {_KEY(row): row for row in reversed(rows)}
    # Sorted, so that two processes with the same duplicates cannot deadlock.
    ordered = [first[key] for key in sorted(first)]
    columns = zip(*ordered, strict=True)
    # Packed here: the driver's own way takes as long as all else that a group is done with.
    given = [
        packed_array(kind, values) for kind, values in zip((*_COLUMNS.values(), _BODY), columns, strict=True)
    ]
    keys = [given[place] for place in _KEY_PLACES]
    connection.execute(_POSTGRES_INSERT, [*given[:-1], *keys, given[-1]])


_TEXT, _NUMBER, _MOMENT, _BODY = "TEXT", "BIGINT", "TIMESTAMP WITH TIME ZONE", "BYTEA"
_COLUMNS = {
    "store_id": _NUMBER,
    "source": _TEXT,
    "topic": _TEXT,
    "dedupe_key": _TEXT,
    "event_id": _TEXT,
    "subject_external_id": _TEXT,
    "signature": _NUMBER,
    "triggered_at": _MOMENT,
    "received_at": _MOMENT,
    "next_at": _MOMENT,
    "status": _TEXT,
}
_NAMES = list(_COLUMNS)
_UNIQUE = ("store_id", "source", "dedupe_key")
_KEY_PLACES = tuple(map(_NAMES.index, _UNIQUE))
_KEY = itemgetter(*_KEY_PLACES)
_of_body = itemgetter(_NAMES.index("store_id"), _NAMES.index("received_at"), -1)
_INTO = f"INSERT INTO {EVENTS.name} ({', '.join(_COLUMNS)}, attempts) "
_KEEP_OLD = " ON CONFLICT DO NOTHING"
_INTO_BODIES = f"INSERT INTO {BODIES.name} (id, store_id, received_at, body) "
_SQLITE_INSERT = _INTO + f"VALUES ({', '.join('?' * len(_COLUMNS))}, 0)" + _KEEP_OLD
_SQLITE_BODIES = _INTO_BODIES + "VALUES (?, ?, ?, ?)"
# One statement for a group of any size, its bodies sent as they are (%b) instead of in hexadecimal digits.
# Those of new rows alone are kept.
_UNNESTED = ", ".join(f"%b::{kind}[]" for kind in _COLUMNS.values())
_GIVEN = ", ".join(f"%b::{kind}[]" for kind in (*map(_COLUMNS.__getitem__, _UNIQUE), _BODY))
_POSTGRES_INSERT = (
    f"WITH {OVER_ALL_STORES}, "  # noqa: S608 (our own names)
    f"kept AS ({_INTO}SELECT new.*, 0 FROM scope, unnest({_UNNESTED}) AS new{_KEEP_OLD}"
    f" RETURNING id, received_at, {', '.join(_UNIQUE)}) {_INTO_BODIES}"
    f"SELECT id, store_id, received_at, body FROM kept "
    f"JOIN unnest({_GIVEN}) AS given ({', '.join(_UNIQUE)}, body) USING ({', '.join(_UNIQUE)})"
)


def _storable(text: str | None, length: int) -> str | None:
    """Text that both databases take: no NUL (PostgreSQL refuses it), no lone surrogate."""
    if text is None or (text.isascii() and "\0" not in text and len(text) <= length):
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:length]


def waiting(
    session: Session, store_id: int, now: datetime, *, limit: int, only: int | None = None
) -> Sequence[Delivery]:
    """A store's deliveries that are to be read now, oldest first, locked against other workers.

    Args:
        only: look at this one alone, if it still waits.
    """
    asked = {"store_id": store_id, "now": now, "limit": limit}
    if only is None:
        return list(map(Delivery._make, session.execute(_WAITING, asked).all()))
    return list(map(Delivery._make, session.execute(_WAITING_ALONE, {**asked, "only": only}).all()))


def last_received_at(session: Session, store_id: int, topic: str) -> datetime | None:
    """When the last good delivery of a topic that is still kept arrived."""
    statement = select(func.max(EVENTS.c.received_at)).where(
        EVENTS.c.store_id == store_id, EVENTS.c.topic == topic
    )
    last: datetime | None = session.execute(statement).scalar_one()
    return last


def arrived_since(session: Session, store_id: int, since: datetime) -> bool:
    """Whether any delivery of a store's platform arrived from that moment on."""
    newest = session.execute(_NEWEST, {"store": store_id}).one()
    return any(last is not None and last >= since for last in newest)


def mark_done(
    session: Session, store_id: int, ids: Sequence[int], now: datetime, *, is_forgotten: bool = False
) -> None:
    """These deliveries are in the mirror, committed together with it; emptied, too, where told."""
    _set(session, store_id, ids, status=DONE, done_at=now, error=None)
    if is_forgotten:
        remove_bodies(session, store_id, ids)


def mark_ignored(session: Session, store_id: int, ids: Sequence[int], *, now: datetime, reason: str) -> None:
    """These deliveries ask for nothing (an unknown topic, an uninstalled shop)."""
    _set(session, store_id, ids, status=IGNORED, done_at=now, error=reason)


def mark_dead(session: Session, store_id: int, ids: Sequence[int], reason: str) -> None:
    """These deliveries cannot be read; they rest with the reason and can be replayed."""
    _set(session, store_id, ids, status=DEAD, error=reason[:_ERROR_LENGTH])


def forget(session: Session, store_id: int, ids: Sequence[int]) -> None:
    """Empty these deliveries: what they said of somebody is not kept any longer."""
    _set(session, store_id, ids, error=None)
    remove_bodies(session, store_id, ids)


def remove_bodies(session: Session, store_id: int, ids: Sequence[int]) -> None:
    """Keep nothing of these deliveries but that they came, and what became of them."""
    if ids:
        session.execute(_BODIES_REMOVED, {"store": store_id, "ids": ids})


def mark_retry(session: Session, store_id: int, delivery: Delivery, *, next_at: datetime, error: str) -> None:
    """This delivery failed and is tried again later."""
    _set(
        session,
        store_id,
        [delivery.id],
        status=RETRYING,
        attempts=delivery.attempts + 1,
        next_at=next_at,
        error=error[:_ERROR_LENGTH],
    )


def replay(session: Session, ids: Sequence[int], now: datetime) -> int:
    """Put dead deliveries back in line; the same keys hold, so twice does no harm.

    Raises:
        AppError: none of the ids rests as dead.
    """
    statement = (
        update(EVENTS)
        .where(EVENTS.c.id.in_(ids), EVENTS.c.status == DEAD)
        .values(status=WAITING, attempts=0, next_at=now)
        .returning(EVENTS.c.id)
    )
    changed = len(session.execute(statement).all())
    if not changed:
        raise AppError("none of these deliveries rests as dead; see the activity page for the ids")
    return changed


def _set(session: Session, store_id: int, ids: Sequence[int], **values: Any) -> None:
    if ids:
        session.execute(_setting(tuple(values)), {"store": store_id, "ids": ids, **values})


@cache
def _setting(names: tuple[str, ...]) -> Update:
    """Sets these columns of a store's deliveries."""
    given = {name: bindparam(name, type_=EVENTS.c[name].type) for name in names}
    return (
        update(EVENTS).where(EVENTS.c.store_id == bindparam("store"), Among(EVENTS.c.id, "ids")).values(given)
    )


_BODIES_REMOVED = delete(BODIES).where(BODIES.c.store_id == bindparam("store"), Among(BODIES.c.id, "ids"))
