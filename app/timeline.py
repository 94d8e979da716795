"""The timeline of customer events, where the stages meet: written by some, read by others.

That a message arrived is told by its delivery event alone (`DeliveryEvent.is_entry`), for it would be written
twice, most often of all, and nobody listens to it. Both tables take their ids from the same numbers, so that
who reads the timeline finds its entries in one order.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import bindparam, column, delete, func, insert, select, table, update
from sqlalchemy.orm import Session

from app.db import insert_new_columns, table_of
from app.models import CustomerEvent, DeliveryEvent

EVENTS, DELIVERY_EVENTS = table_of(CustomerEvent), table_of(DeliveryEvent)
DELIVERED = "message.delivered"
UNHEARD = frozenset({"customer.created", "customer.merged", "message.sent", DELIVERED})
"""Types that no flow listens to; they are kept and not queued for the flows."""

MERGED = "customer.merged"
ERASED = "customer.erased"
"""Ends every journey, whatever its own exits are: one may have begun while the erasure was done."""


class NewEvent(NamedTuple):
    """One thing that happened to a customer.

    Attributes:
        subject: what it is about (`order:<external id>`, `message:<id>`, `consent:email`).
        source_key: equal for the same happening told twice; unique within the store.
        is_history: came by backfill or import; it is kept, and no flow reads it.
    """

    store_id: int
    customer_id: int
    type: str
    subject: str
    source_key: str
    occurred_at: datetime
    details: Mapping[str, Any] = MappingProxyType({})
    is_history: bool = False


def place_of(entry: Any) -> tuple[datetime, str, str, str]:
    """Where an entry stands among those of its customer, whichever of them was written first."""
    return entry.occurred_at, entry.type, entry.subject, entry.source_key


def is_history(moment: datetime, history_until: datetime | None) -> bool:
    """Whether something that a backfill or an import brought happened before the store was ours."""
    return history_until is not None and moment < history_until


def record(session: Session, events: Sequence[NewEvent], now: datetime) -> None:
    """Write what is not there yet."""
    if events:
        insert_new_columns(session, EVENTS, _columns(events, now))


def record_one(session: Session, event: NewEvent, now: datetime) -> bool:
    """Write an entry; False if it was there already."""
    return bool(insert_new_columns(session, EVENTS, _columns([event], now), EVENTS.c.id))


def retract(session: Session, store_id: int, source_keys: Sequence[str]) -> None:
    """Take entries back that turned out not to have happened."""
    mine = (EVENTS.c.store_id == store_id, EVENTS.c.source_key.in_(source_keys))
    session.execute(delete(EVENTS).where(*mine))


def numbers(session: Session, count: int) -> Mapping[str, Sequence[int]]:
    """The ids of so many new delivery events, as a column to insert; they are taken with it.

    None on PostgreSQL, where both tables have the same sequence. SQLite keeps the timeline's last number, and
    who writes is alone.
    """
    if session.get_bind().dialect.name != "sqlite":
        return {}
    kept, largest = session.execute(_LAST).one()
    last = max(kept or 0, largest or 0)
    session.execute(_BEGUN if kept is None else _MOVED, {"last": last + count})
    return {"id": range(last + 1, last + count + 1)}


_SEQUENCES = table("sqlite_sequence", column("name"), column("seq"))
_OURS = _SEQUENCES.c.name == EVENTS.name
_BEGUN = insert(_SEQUENCES).values(seq=bindparam("last"), name=EVENTS.name)
_MOVED = update(_SEQUENCES).where(_OURS).values(seq=bindparam("last"))
_LAST = select(
    select(_SEQUENCES.c.seq).where(_OURS).scalar_subquery(),
    select(func.max(DELIVERY_EVENTS.c.id)).scalar_subquery(),
)


def _columns(events: Sequence[NewEvent], now: datetime) -> Mapping[str, Sequence[Any]]:
    """The rows as columns: a batch of orders tells thousands of entries."""
    told = dict(zip(NewEvent._fields, zip(*events, strict=True), strict=True))
    histories = told.pop("is_history")
    return {
        **told,
        "details": [dict(details) for details in told["details"]],
        "is_pending": [
            not is_old and kind not in UNHEARD for kind, is_old in zip(told["type"], histories, strict=True)
        ],
        "recorded_at": [now] * len(events),
    }
