"""Tags that we give and take: told to the storefront, which tells them back as its own."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import table_of
from app.models import Customer
from app.models.store_write import QUEUED
from app.stores import writes
from app.stores.writes import WRITES, NewWrite
from connectors.writing import TagChange

WRITE = "tags"
"""The kind of the writes by which the storefront is told."""
CUSTOMERS = table_of(Customer)


def change_tags(
    session: Session,
    store_id: int,
    customer_id: int,
    *,
    now: datetime,
    added: Iterable[str] = (),
    removed: Iterable[str] = (),
) -> None:
    """Have a customer's tags changed; of two changes of one tag that were not told yet, the later counts."""
    wishes = dict.fromkeys(removed, False) | dict.fromkeys(added, True)
    if not wishes:
        return
    write = NewWrite(store_id, WRITE, str(customer_id), customer_id, wishes)
    if writes.enqueue_once(session, [write], now):
        return
    mine = (WRITES.c.store_id == store_id, WRITES.c.kind == WRITE, WRITES.c.subject == write.subject)
    held = session.execute(
        select(WRITES.c.state, WRITES.c.payload).where(*mine).with_for_update()
    ).one_or_none()
    waiting: Mapping[str, Any] = held.payload if held is not None and held.state == QUEUED else {}
    writes.enqueue(
        session, [NewWrite(store_id, WRITE, write.subject, customer_id, {**waiting, **wishes})], now
    )


def to_tell(session: Session, store_id: int, subject: str) -> TagChange | str:
    """What the storefront is to be told now of a customer's tags, or why nothing.

    Args:
        subject: of the write, the customer's id.
    """
    statement = (
        select(CUSTOMERS.c.external_id, CUSTOMERS.c.erased_at, WRITES.c.payload)
        .join(WRITES, (WRITES.c.store_id == CUSTOMERS.c.store_id) & (WRITES.c.customer_id == CUSTOMERS.c.id))
        .where(
            CUSTOMERS.c.store_id == store_id,
            CUSTOMERS.c.id == int(subject),
            WRITES.c.kind == WRITE,
            WRITES.c.subject == subject,
        )
    )
    row = session.execute(statement).one_or_none()
    if row is None or row.erased_at is not None:
        return "erased"
    if row.external_id is None:
        return "guest"
    return TagChange(
        row.external_id,
        added=tuple(sorted(tag for tag, is_wanted in row.payload.items() if is_wanted)),
        removed=tuple(sorted(tag for tag, is_wanted in row.payload.items() if not is_wanted)),
    )
