"""Merges that the shop told of: it is asked for both customers, outside any transaction, and believed."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Row

from app import timers
from app.merging import moving
from app.mirror import lookups, merges
from app.mirror.apply import apply_records
from app.models import CustomerMerge, Store
from app.stores import connections
from app.timers import NewTimer
from connectors.base import ConnectorError, CustomerRecord, Record, Resource, Unauthorized
from jobs import access
from jobs.kit import Kit

log = structlog.get_logger()
_LATER, _RECONNECTED = timedelta(minutes=10), timedelta(hours=1)
_ASK_AGAIN = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
"""News of another merge may still be under way, so a shop that does not confirm one is asked again."""


def confirm(kit: Kit, store: Store, row: Row[Any], now: datetime) -> bool:
    """Carry out the merge that a timer names if the shop has the one customer and no longer the other."""
    with kit.database.of_store(store.id).read() as session:
        merge = merges.find(session, store.id, row.subject_id)
        kept_id = merges.kept_now(session, merge) if merge is not None else ""
    if merge is None or merge.merged_at is not None:
        _sweep(kit, store, row, now)
        return False
    try:
        with access.watched(kit, store, now):
            storefront = connections.storefront(kit.runtime, store)
            merged = storefront.fetch(Resource.CUSTOMERS, merge.merged_external_id)
            kept = storefront.fetch(Resource.CUSTOMERS, kept_id)
    except Unauthorized:
        with kit.database.of_store(store.id).write() as session:
            timers.put_off(session, row, now + _RECONNECTED)
        return False
    except ConnectorError:
        with kit.database.of_store(store.id).write() as session:
            timers.put_off(session, row, now + _LATER)
        return False
    if kept is None or _called(merged) == merge.merged_external_id:
        _doubt(kit, store, row, merge, now=now)
        return False
    _believe(kit, store, row, kept=kept, now=now)
    return True


def _called(record: Record | None) -> str | None:
    """Whom the shop answered with: it may answer for a merged id with the customer who is left."""
    return record.external_id if isinstance(record, CustomerRecord) else None


def _believe(kit: Kit, store: Store, row: Row[Any], *, kept: Record, now: datetime) -> None:
    """First mirror the kept customer as they are now, then merge; a kill in between does no harm."""
    database, signer = kit.database.of_store(store.id), kit.runtime.signer
    with database.write() as session:
        held = session.get(Store, store.id)
        if held is not None:
            apply_records(session, signer, held, [kept], now=now, history_until=held.installed_at)
    with database.write() as session:
        held = session.get(Store, store.id)
        if held is not None and moving.carry_out(session, signer, held, row.subject_id, now=now):
            timers.set_timers(session, [NewTimer(store.id, now + _LATER, lookups.MERGE, row.subject_id)])
        timers.drop(session, [row])
        timers.settle_cursor(session, store.id)


def _doubt(kit: Kit, store: Store, row: Row[Any], merge: CustomerMerge, *, now: datetime) -> None:
    """The shop does not confirm it: ask again, slower each time, then take it for none."""
    is_last = row.turn >= len(_ASK_AGAIN)
    log.warning("merge not confirmed", store=store.id, merge=merge.id, is_last=is_last)
    with kit.database.of_store(store.id).write() as session:
        if is_last:
            merges.drop(session, store.id, merge.id)
            timers.drop(session, [row])
            timers.settle_cursor(session, store.id)
        else:
            timers.put_off(session, row, now + _ASK_AGAIN[row.turn], turn=row.turn + 1)


def _sweep(kit: Kit, store: Store, row: Row[Any], now: datetime) -> None:
    with kit.database.of_store(store.id).write() as session:
        held = session.get(Store, store.id)
        if held is not None:
            moving.sweep(session, held, row.subject_id, now=now)
        timers.drop(session, [row])
        timers.settle_cursor(session, store.id)
