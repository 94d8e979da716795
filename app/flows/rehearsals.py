"""The queue of dry runs that screens ask for: the latest of each flow and of its draft is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Row, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from app.db import lease_now, table_of, upsert
from app.models import Rehearsal

REHEARSALS = table_of(Rehearsal)
LEASE = timedelta(seconds=180)
MOST_ATTEMPTS = 3
_LONGEST_ERROR = 2000
_FREE: Mapping[str, Any] = {"lease_token": None, "lease_until": None}


@dataclass(frozen=True, slots=True)
class Held:
    """A claimed rehearsal; `token` guards every later write of it."""

    token: str
    row: Row[Any]


_KEY = ("store_id", "flow_key", "is_draft")


def ask(
    session: Session,
    store_id: int,
    flow_key: str,
    *,
    begin: datetime,
    end: datetime,
    is_draft: bool = False,
    is_ahead: bool = False,
) -> None:
    """Queue a dry run; one that waits or runs already is begun anew.

    Args:
        is_ahead: of the days to come, from now on.
    """
    fresh = {
        "asked_at": begin if is_ahead else end,
        "begin": begin,
        "end": end,
        "done": 0,
        "total": 0,
        "is_waiting": True,
        "attempts": 0,
        "ended_at": None,
        "error": None,
        "result": None,
        **_FREE,
    }
    row = {"store_id": store_id, "flow_key": flow_key, "is_draft": is_draft, **fresh}
    upsert(session, REHEARSALS, [row], key=_KEY, update=list(fresh))


def of_flow(session: Session, store_id: int, flow_key: str, *, is_draft: bool = False) -> Row[Any] | None:
    """The latest dry run of a flow or of its draft, waiting, running or done."""
    mine = (REHEARSALS.c.store_id == store_id, *_of(flow_key, is_draft=is_draft))
    return session.execute(select(REHEARSALS).where(*mine)).one_or_none()


def latest_of(session: Session, store_id: int, flow_key: str) -> Row[Any] | None:
    """The latest dry run of a flow and its draft: one that is not done yet, else the one that ended last."""
    both = (of_flow(session, store_id, flow_key, is_draft=is_draft) for is_draft in (False, True))
    found = [row for row in both if row is not None]
    return max(found, key=lambda row: (row.is_waiting, row.ended_at or row.asked_at), default=None)


def follow(session: Session, store_id: int, flow_key: str, *, revision: int) -> None:
    """After a draft was published: what was tried of it was tried of the flow that holds now.

    Of the version before it nothing is kept, it says nothing of this one; whoever still waits gets this one.

    Args:
        revision: that of the draft that was published; what was tried of an earlier one is dropped.
    """
    held = of_flow(session, store_id, flow_key)
    draft = of_flow(session, store_id, flow_key, is_draft=True)
    mine = (REHEARSALS.c.store_id == store_id, REHEARSALS.c.flow_key == flow_key)
    session.execute(delete(REHEARSALS).where(*mine))
    waiting = next((row for row in (draft, held) if row is not None and row.is_waiting), None)
    if waiting is not None:
        span = {"begin": waiting.begin, "end": waiting.end}
        ask(session, store_id, flow_key, **span, is_ahead=is_ahead(waiting))
    elif draft is not None and draft.result and draft.result["revision"] == revision:
        session.execute(insert(REHEARSALS).values(**{**draft._mapping, "is_draft": False}))


def is_ahead(rehearsal: Row[Any]) -> bool:
    """Whether it is about days that had not come yet when it was asked for."""
    return bool(rehearsal.end > rehearsal.asked_at)


def is_waiting(session: Session) -> bool:
    """Whether any store waits for one."""
    statement = select(REHEARSALS.c.store_id).where(REHEARSALS.c.is_waiting).limit(1)
    return session.execute(statement).first() is not None


def claim(session: Session) -> Held | None:
    """The longest waiting one that nobody works on."""
    moment = lease_now(session)
    statement = (
        select(REHEARSALS)
        .where(
            REHEARSALS.c.is_waiting,
            or_(REHEARSALS.c.lease_until.is_(None), REHEARSALS.c.lease_until < moment),
        )
        .order_by(REHEARSALS.c.asked_at, REHEARSALS.c.store_id)
        .limit(1)
    )
    row = session.execute(statement.with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return None
    held = Held(uuid4().hex, row)
    mine = (REHEARSALS.c.store_id == row.store_id, *_of(row.flow_key, is_draft=row.is_draft))
    session.execute(
        update(REHEARSALS)
        .where(*mine)
        .values(lease_token=held.token, lease_until=moment + LEASE, attempts=row.attempts + 1)
    )
    return held


def move(session: Session, held: Held, *, done: int, total: int) -> bool:
    """Say how far it is and keep it; False when it was asked for anew, or is somebody else's by now."""
    return _write(session, held, {"done": done, "total": total, "lease_until": lease_now(session) + LEASE})


def finish(session: Session, held: Held, result: Mapping[str, Any], now: datetime) -> bool:
    """Keep what it found."""
    return _write(session, held, {"result": dict(result), **_ended(now)})


def fail(session: Session, held: Held, error: str, now: datetime) -> bool:
    """Keep why it failed; it is tried three times in all."""
    is_last = held.row.attempts + 1 >= MOST_ATTEMPTS
    values = {"error": error[:_LONGEST_ERROR], **(_ended(now) if is_last else _FREE)}
    return _write(session, held, values)


def _ended(now: datetime) -> dict[str, Any]:
    return {"is_waiting": False, "ended_at": now, **_FREE}


def _write(session: Session, held: Held, values: Mapping[str, Any]) -> bool:
    row = held.row
    mine = (
        REHEARSALS.c.store_id == row.store_id,
        *_of(row.flow_key, is_draft=row.is_draft),
        REHEARSALS.c.lease_token == held.token,
    )
    written = update(REHEARSALS).where(*mine).values(**values).returning(REHEARSALS.c.store_id)
    return bool(session.execute(written).all())


def _of(flow_key: str, *, is_draft: bool) -> tuple[ColumnElement[bool], ...]:
    return REHEARSALS.c.flow_key == flow_key, REHEARSALS.c.is_draft == is_draft
