"""The queue of what is written back to storefronts: filled with the fact, emptied by jobs/writes.py.

A row says that something is to be told, not what: that is read right before the call, so that of two news
the newest is told. News that come during a call count up the row's turn, and the row is worked on again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from sqlalchemy import BindParameter, Row, bindparam, func, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from app.db import Among, UtcDateTime, insert_new, is_one_of, lease_now, table_of
from app.dialects import insert_into
from app.models import StoreWrite
from app.models.store_write import DEAD, QUEUED, RESTING

WRITES = table_of(StoreWrite)
LEASE = timedelta(seconds=180)
_LONGEST_CALL = timedelta(seconds=70)
_KEY = ("store_id", "kind", "subject")
_LONGEST_ERROR = 2000
_FREE: dict[str, Any] = {"lease_token": None, "lease_until": None}
_STORE: BindParameter[Any] = bindparam("store")
_TOKEN: BindParameter[Any] = bindparam("token")
_MOMENT = bindparam("moment", type_=UtcDateTime)
_DUE = (
    select(WRITES.c.id)
    .where(
        WRITES.c.store_id == _STORE,
        is_one_of(WRITES.c.state, (QUEUED,)),
        WRITES.c.next_at <= bindparam("now", type_=UtcDateTime),
        or_(WRITES.c.lease_until.is_(None), WRITES.c.lease_until < _MOMENT),
    )
    .order_by(WRITES.c.next_at, WRITES.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(WRITES)
    .where(WRITES.c.store_id == _STORE, Among(WRITES.c.id, "ids"))
    .values(lease_token=_TOKEN, lease_until=bindparam("until"))
)
_HELD = select(WRITES).where(
    WRITES.c.store_id == _STORE,
    WRITES.c.id == bindparam("write"),
    WRITES.c.state == QUEUED,
    WRITES.c.lease_token == _TOKEN,
    WRITES.c.lease_until > _MOMENT,
)
_RELEASE = (
    update(WRITES)
    .where(WRITES.c.store_id == _STORE, WRITES.c.lease_token == _TOKEN)
    .values(**_FREE, next_at=bindparam("next"))
)
_OF_HELD = update(WRITES).where(
    WRITES.c.store_id == _STORE, WRITES.c.id == bindparam("write"), WRITES.c.lease_token == _TOKEN
)
_FREED = _OF_HELD.values(**_FREE)
_AGAIN: dict[str, Any] = {
    "state": QUEUED,
    "turn": WRITES.c.turn + 1,
    "attempts": 0,
    "reason": None,
    "error": None,
    "done_at": None,
}


@dataclass(frozen=True, slots=True)
class NewWrite:
    """Something that the storefront is to be told; the same kind and subject again is the same row.

    Attributes:
        payload: what stands nowhere else; what can be read when the call is made is not here.
    """

    store_id: int
    kind: str
    subject: str
    customer_id: int | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """A row that is ours until its lease ends, as of a turn; both guard every later write of it."""

    id: int
    store_id: int
    kind: str
    subject: str
    attempts: int
    turn: int
    token: str


def enqueue(session: Session, writes: Iterable[NewWrite], now: datetime) -> None:
    """Have these told at the next tick; what was told, refused or given up before begins anew."""
    rows = _rows(writes, now)
    if not rows:
        return
    insert = insert_into(session.get_bind().dialect.name, WRITES)
    statement = insert.on_conflict_do_update(
        index_elements=list(_KEY),
        set_={**_AGAIN, **{name: insert.excluded[name] for name in ("next_at", "payload")}},
    )
    session.execute(statement, rows)


def enqueue_once(session: Session, writes: Iterable[NewWrite], now: datetime) -> int:
    """Have these told at the next tick unless they ever were to be told before; how many are new."""
    rows = _rows(writes, now)
    filled = [{**row, "turn": 0, "attempts": 0} for row in rows]
    return len(insert_new(session, WRITES, filled, WRITES.c.id))


def claim(session: Session, store_id: int, now: datetime, limit: int) -> tuple[str, list[int]]:
    """Take due rows of a store, the longest waiting first: a token, and the rows that are held by it."""
    moment, token = lease_now(session), uuid4().hex
    asked = {"store": store_id, "now": now, "moment": moment, "most": limit}
    ids = list(session.execute(_DUE, asked).scalars())
    if ids:
        session.execute(_CLAIM, {"store": store_id, "ids": ids, "token": token, "until": moment + LEASE})
    return token, ids


def held(session: Session, store_id: int, write_id: int, token: str) -> Held | None:
    """The row as it is now, if it is ours for as long as a call may take; else somebody else's.

    Read in the transaction that reads what is to be told: the turn vouches for both.
    """
    until = lease_now(session) + _LONGEST_CALL
    asked = {"store": store_id, "write": write_id, "token": token, "moment": until}
    row = session.execute(_HELD, asked).one_or_none()
    if row is None:
        return None
    return Held(row.id, store_id, row.kind, row.subject, row.attempts, row.turn, token)


def payload_of(session: Session, store_id: int, kind: str, subject: str) -> Mapping[str, Any]:
    """What of a write stands nowhere else."""
    mine = (WRITES.c.store_id == store_id, WRITES.c.kind == kind, WRITES.c.subject == subject)
    payload: Mapping[str, Any] = session.execute(select(WRITES.c.payload).where(*mine)).scalar_one()
    return payload


def finish(
    session: Session, write: Held, state: str, *, reason: str | None, error: str, now: datetime
) -> None:
    """Note how the write ended; if news came meanwhile, the row stays open for them."""
    values = {"state": state, "reason": reason, "error": error[:_LONGEST_ERROR] or None, "done_at": now}
    _settle(session, write, values)


def put_off(session: Session, write: Held, error: str, *, next_at: datetime | None, now: datetime) -> None:
    """Note a failed try; the next one is at `next_at`, or never."""
    tried = {"attempts": write.attempts + 1, "error": error[:_LONGEST_ERROR]}
    if next_at is None:
        _settle(session, write, {**tried, "state": DEAD, "reason": "given-up", "done_at": now})
    else:
        _settle(session, write, {**tried, "next_at": next_at})


def release(session: Session, store_id: int, token: str, *, next_at: datetime) -> None:
    """Give back what was claimed and not worked on."""
    session.execute(_RELEASE, {"store": store_id, "token": token, "next": next_at})


def release_own(session: Session, store_id: int) -> None:
    """Give back what a killed process held, where nobody else works on the database."""
    session.execute(update(WRITES).where(WRITES.c.store_id == store_id).values(**_FREE))


def try_again(session: Session, store_id: int, now: datetime, *, reason: str | None = None) -> int:
    """Put what rests (for this reason, or for any) back in line; how many."""
    resting = [WRITES.c.store_id == store_id, is_one_of(WRITES.c.state, RESTING)]
    if reason is not None:
        resting.append(WRITES.c.reason == reason)
    again = update(WRITES).where(WRITES.c.store_id == store_id, *resting).values(**_AGAIN, next_at=now)
    return len(session.execute(again.returning(WRITES.c.id)).all())


def counts(session: Session, store_id: int) -> Sequence[Row[Any]]:
    """How much of each kind waits, was told, or rests and why: kind, state, reason, n, an error of theirs."""
    how_many, an_error = func.count().label("n"), func.max(WRITES.c.error).label("error")
    statement = (
        select(WRITES.c.kind, WRITES.c.state, WRITES.c.reason, how_many, an_error)
        .where(WRITES.c.store_id == store_id)
        .group_by(WRITES.c.kind, WRITES.c.state, WRITES.c.reason)
        .order_by(WRITES.c.kind, WRITES.c.state, WRITES.c.reason)
    )
    return session.execute(statement).all()


def _rows(writes: Iterable[NewWrite], now: datetime) -> list[dict[str, Any]]:
    unique = {(one.store_id, one.kind, one.subject): one for one in writes}
    return [
        {
            "store_id": one.store_id,
            "kind": one.kind,
            "subject": one.subject,
            "customer_id": one.customer_id,
            "payload": dict(one.payload),
            "state": QUEUED,
            "created_at": now,
            "next_at": now,
        }
        for _, one in sorted(unique.items())
    ]


def _settle(session: Session, write: Held, values: dict[str, Any]) -> None:
    mine = {"store": write.store_id, "write": write.id, "token": write.token}
    settled = session.execute(_settling(tuple(values)), mine | {"as_of": write.turn} | values)
    if not settled.all():
        session.execute(_FREED, mine)


@cache
def _settling(names: tuple[str, ...]) -> ReturningUpdate[Any]:
    """Writes these columns of a row that is still held and of which no news came, and gives it back."""
    values = {name: bindparam(name, type_=WRITES.c[name].type) for name in names}
    as_it_was = _OF_HELD.where(WRITES.c.turn == bindparam("as_of"))
    return as_it_was.values({**values, **_FREE}).returning(WRITES.c.id)
