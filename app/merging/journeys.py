"""The journeys and messages of two customers who are one: moved, and those that are there twice collapsed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, select, update
from sqlalchemy.orm import Session

from app import timers
from app.db import table_of
from app.merging import collapse
from app.merging.collapse import Kept
from app.models import Enrollment, Message, Voucher
from app.models.enrollment import ACTIVE, EXITED
from app.models.message import CANCELLED

ENROLLMENTS, MESSAGES, VOUCHERS = table_of(Enrollment), table_of(Message), table_of(Voucher)
MERGED = "merged"
"""Why a journey ended, and why a message was cancelled: the other one's stayed."""
_TIMER = "enrollment"
_PER_QUERY = 500


def lock_messages(session: Session, store_id: int, customer_ids: Sequence[int]) -> None:
    """Keep these people's messages from other workers until the transaction ends."""
    session.execute(_messages_of(store_id, customer_ids)).all()


def move(session: Session, store_id: int, kept_id: int, merged_id: int, *, now: datetime) -> None:
    """Give the merged customer's journeys, messages and codes to the kept one, each step once."""
    both = (kept_id, merged_id)
    mine = (ENROLLMENTS.c.store_id == store_id, ENROLLMENTS.c.customer_id.in_(both))
    held = session.execute(
        select(ENROLLMENTS).where(*mine).order_by(ENROLLMENTS.c.id).with_for_update()
    ).all()
    outdone = collapse.losers(held)
    _end(session, store_id, [row for row in held if row.id in outdone], now)
    theirs = (ENROLLMENTS.c.store_id == store_id, ENROLLMENTS.c.customer_id == merged_id)
    session.execute(update(ENROLLMENTS).where(*theirs).values(customer_id=kept_id))
    # Read after the journeys: whoever was at one of them has queued its messages by now.
    rows = session.execute(_messages_of(store_id, both)).all()
    _settle(session, store_id, collapse.messages(rows, kept_id=kept_id, outdone=outdone))
    unmoved = (MESSAGES.c.store_id == store_id, MESSAGES.c.customer_id == merged_id)
    session.execute(update(MESSAGES).where(*unmoved).values(customer_id=kept_id))
    _hand_codes_on(session, store_id, outdone)


def _messages_of(store_id: int, customer_ids: Sequence[int]) -> Select[Any]:
    """Without their contents, which are most of such a row."""
    columns = (MESSAGES.c.id, MESSAGES.c.key, MESSAGES.c.status, MESSAGES.c.enrollment_id)
    mine = (MESSAGES.c.store_id == store_id, MESSAGES.c.customer_id.in_(customer_ids))
    return select(*columns).where(*mine).order_by(MESSAGES.c.id).with_for_update()


def _end(session: Session, store_id: int, outdone: Sequence[Row[Any]], now: datetime) -> None:
    """End the journeys that another one outdid, and take the occasion from them."""
    rows = [
        {
            "row_id": row.id,
            "occurrence": collapse.occasion_of_outdone(row.id),
            "state": EXITED if row.state == ACTIVE else row.state,
            "exit_reason": MERGED if row.state == ACTIVE else row.exit_reason,
            "ended_at": now if row.state == ACTIVE else row.ended_at,
            "stopped_at": row.stopped_at or now,
            "turn": row.turn + 1,
            "waits_for": None,
            "due_at": None,
        }
        for row in outdone
    ]
    _write(session, ENROLLMENTS, store_id, rows)
    table = timers.TIMERS
    for part in _parts([row.id for row in outdone]):
        waiting = (table.c.store_id == store_id, table.c.kind == _TIMER, table.c.subject_id.in_(part))
        session.execute(delete(table).where(*waiting))


def _settle(session: Session, store_id: int, kept: Kept) -> None:
    for part in _parts(sorted(kept.cancelled)):
        mine = (MESSAGES.c.store_id == store_id, MESSAGES.c.id.in_(part))
        called_off = {"status": CANCELLED, "reason": MERGED, "lease_token": None, "lease_until": None}
        session.execute(update(MESSAGES).where(*mine).values(**called_off))
    # Two messages may swap a key, which is unique at every instant: all let go of theirs first.
    freed = [{"row_id": row_id, "key": f"{MERGED}:{row_id}"} for row_id in sorted(kept.keys)]
    _write(session, MESSAGES, store_id, freed)
    _write(session, MESSAGES, store_id, [{"row_id": row_id, "key": key} for row_id, key in kept.keys.items()])
    moved = [{"row_id": row_id, "enrollment_id": number} for row_id, number in kept.journeys.items()]
    _write(session, MESSAGES, store_id, moved)


def _hand_codes_on(session: Session, store_id: int, outdone: Mapping[int, int]) -> None:
    """A code of a journey that ended is the going one's, unless that has one of the same name."""
    if not outdone:
        return
    concerned = sorted({*outdone, *outdone.values()})
    columns = (VOUCHERS.c.id, VOUCHERS.c.enrollment_id, VOUCHERS.c.name)
    mine = (VOUCHERS.c.store_id == store_id, VOUCHERS.c.enrollment_id.in_(concerned))
    found = session.execute(select(*columns).where(*mine).order_by(VOUCHERS.c.id)).all()
    held = {(row.enrollment_id, row.name) for row in found}
    rows = []
    for row in found:
        going = outdone.get(row.enrollment_id)
        if going is not None and (going, row.name) not in held:
            held.add((going, row.name))
            rows.append({"row_id": row.id, "enrollment_id": going})
    _write(session, VOUCHERS, store_id, rows)


def _write(session: Session, table: Any, store_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Give each of some rows its own values."""
    if rows:
        names = [name for name in rows[0] if name != "row_id"]
        statement = update(table).where(table.c.store_id == store_id, table.c.id == bindparam("row_id"))
        values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
        given = [{"row_id": row["row_id"], **{f"new_{name}": row[name] for name in names}} for row in rows]
        session.connection().execute(statement.values(values), given)


def _parts(items: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(items), _PER_QUERY):
        yield items[start : start + _PER_QUERY]
