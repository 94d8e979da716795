"""Erasing a shop: every row of its tables in batches, the shop itself last."""

from collections import Counter
from datetime import timedelta

from sqlalchemy import Table, delete, select, tuple_
from sqlalchemy.orm import Session

from app.db import Base, table_of
from app.models import InstallAttempt, PrivacyRequest, Store

STORES, HANDSHAKES = table_of(Store), table_of(InstallAttempt)
BATCH = 2000
SOFT_DELETE = timedelta(hours=48)
"""Between the uninstall (or the first sign of it) and the erasure of a shop."""


def erase_once(session: Session, store: Store) -> Counter[str]:
    """Delete one batch of the shop's rows; the counts by table. When nothing is left, the shop goes, too.

    The rows of `privacy_requests` stay: they are the proof, and hold nothing personal. The caller has
    locked the shop's row and found that it may be erased.
    """
    for table in _tables():
        count = _delete(session, table, store.id)
        if count:
            return Counter({table.name: count})
    handshakes = delete(HANDSHAKES).where(HANDSHAKES.c.shop.in_((store.domain, store.url)))
    session.execute(handshakes)
    session.execute(delete(STORES).where(STORES.c.id == store.id))
    return Counter({STORES.name: 1})


def _tables() -> list[Table]:
    """The tables of tenants, those that refer to others first."""
    kept = table_of(PrivacyRequest)
    tables = reversed(Base.metadata.sorted_tables)
    return [table for table in tables if "store_id" in table.c and table is not kept]


def _delete(session: Session, table: Table, store_id: int) -> int:
    key = tuple_(*table.primary_key.columns)
    some = select(*table.primary_key.columns).where(table.c.store_id == store_id).limit(BATCH)
    gone = delete(table).where(table.c.store_id == store_id, key.in_(some)).returning(table.c.store_id)
    return len(session.execute(gone).all())
