"""What merchants are to be told by mail: that a store stands still, somebody is unhappy, money runs out."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, delete, or_, select, update
from sqlalchemy.orm import Session

from app.db import insert_new, lease_now, table_of
from app.models import Flow, Notice, Sender, Store
from app.stores.platforms import CONNECTED, NEEDS_RECONNECT

NOTICES, SENDERS, FLOWS = table_of(Notice), table_of(Sender), table_of(Flow)
STORES = table_of(Store)
RECONNECT, LOW_RATING, TEXT_BUDGET = "needs_reconnect", "low_rating", "text_budget"
SENDER, WEEKLY = "sender_stopped", "weekly"
QUEUED, SENDING, UNKNOWN = "queued", "sending", "unknown"
UNSENT = (UNKNOWN, "failed")
"""How a notice rests of which the merchant may know nothing."""
CUT_OFF = "cut off before the answer"
_LEASE = timedelta(minutes=5)
SPACED = {LOW_RATING: timedelta(hours=1)}
"""How long after one mail the next of the same kind may leave; what happens meanwhile is told with it."""


_RUNNING = select(FLOWS.c.store_id).where(FLOWS.c.is_active)
_STANDING = {
    RECONNECT: select(STORES.c.id).where(STORES.c.state == NEEDS_RECONNECT),
    SENDER: select(SENDERS.c.store_id)
    .where(
        SENDERS.c.problem.is_not(None),
        SENDERS.c.store_id.in_(select(STORES.c.id).where(STORES.c.state == CONNECTED)),
        SENDERS.c.store_id.in_(_RUNNING),
    )
    .distinct(),
}
"""What stands still, and is told once while it does: a store, or an account that its flows send by."""


def follow(session: Session, now: datetime) -> None:
    """Queue a notice of everything that began to stand still, and forget those of what goes on."""
    for kind, standing in _STANDING.items():
        session.execute(delete(NOTICES).where(NOTICES.c.kind == kind, NOTICES.c.store_id.not_in(standing)))
        fresh = {"status": QUEUED, "raised_at": now, "next_at": now, "error": None, "cut_off": 0, "n": 1}
        stores = session.execute(standing).scalars()
        insert_new(session, NOTICES, [{"store_id": one, "kind": kind, **fresh} for one in stores])


def raise_again(session: Session, store_id: int, kind: str, *, n: int, now: datetime) -> None:
    """Queue a notice of something that happened `n` times more, no sooner than its kind allows."""
    row = {"store_id": store_id, "kind": kind, "status": QUEUED, "raised_at": now, "next_at": now, "n": n}
    if insert_new(session, NOTICES, [row | {"error": None, "cut_off": 0}], NOTICES.c.store_id):
        return
    is_waiting = NOTICES.c.status == QUEUED
    session.execute(
        update(NOTICES)
        .where(NOTICES.c.store_id == store_id, NOTICES.c.kind == kind)
        .values(n=case((is_waiting, NOTICES.c.n + n), else_=n), status=QUEUED, raised_at=now, cut_off=0)
    )


def raise_once(session: Session, store_id: int, kind: str, *, since: datetime, now: datetime) -> None:
    """Queue a notice unless it was raised since that moment already."""
    raised = select(NOTICES.c.raised_at).where(NOTICES.c.store_id == store_id, NOTICES.c.kind == kind)
    last = session.execute(raised).scalar_one_or_none()
    if last is None or last < since:
        raise_again(session, store_id, kind, n=1, now=now)


def is_due(session: Session, now: datetime) -> bool:
    """Whether something began to stand still or goes on again, or a notice waits or was cut off."""
    asked = [select(NOTICES.c.store_id).where(_waits(session, now))]
    for kind, standing in _STANDING.items():
        noticed = select(NOTICES.c.store_id).where(NOTICES.c.kind == kind)
        (column,) = standing.selected_columns
        asked += [standing.where(column.not_in(noticed)), noticed.where(NOTICES.c.store_id.not_in(standing))]
    return any(session.execute(statement.limit(1)).first() is not None for statement in asked)


def claim(session: Session, now: datetime) -> Sequence[Row[Any]]:
    """Notices that are to be sent now.

    What was cut off between claim and answer is sent once more: it goes to the merchant alone, who rather
    reads twice that his shop stands still than never. After that it rests as unknown.
    """
    rows = session.execute(
        select(NOTICES).where(_waits(session, now)).with_for_update(skip_locked=True)
    ).all()
    lease_until = lease_now(session) + _LEASE
    claimed = []
    for row in rows:
        if row.status == SENDING and row.cut_off:
            _note(session, row.store_id, row.kind, status=UNKNOWN, error=CUT_OFF)
            continue
        cut_off = row.cut_off + (row.status == SENDING)
        claim = {"status": SENDING, "cut_off": cut_off, "lease_until": lease_until}
        _note(session, row.store_id, row.kind, **claim, next_at=now + SPACED.get(row.kind, timedelta(0)))
        claimed.append(row)
    return claimed


def of_store(session: Session, store_id: int) -> Sequence[Row[Any]]:
    """What the merchant was to be told, and how far that is."""
    return session.execute(select(NOTICES).where(NOTICES.c.store_id == store_id)).all()


def finish(session: Session, store_id: int, kind: str, **values: Any) -> None:
    """Write down the answer, unless somebody else has one, or the notice was raised again meanwhile."""
    _note(session, store_id, kind, NOTICES.c.status == SENDING, lease_until=None, **values)


def _note(session: Session, store_id: int, kind: str, *guards: ColumnElement[bool], **values: Any) -> None:
    mine = (NOTICES.c.store_id == store_id, NOTICES.c.kind == kind)
    session.execute(update(NOTICES).where(*mine, *guards).values(**values))


def _waits(session: Session, now: datetime) -> ColumnElement[bool]:
    """What is queued and due, and what nobody is sending any more."""
    is_left = and_(NOTICES.c.status == SENDING, NOTICES.c.lease_until < lease_now(session))
    return or_(and_(NOTICES.c.status == QUEUED, NOTICES.c.next_at <= now), is_left)
