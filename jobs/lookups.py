"""The look-ups' tick: what the storefront must confirm, asked outside any transaction."""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Row

from app import asides, audit, timers
from app.db import from_micros
from app.mirror import lookups
from app.mirror.apply import apply_records
from app.models import Store
from app.stores import connections, install
from connectors.base import ConnectorError
from jobs import access, merges
from jobs.alone import OF_NOBODY, set_aside
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit
from jobs.proof import has_left

log = structlog.get_logger()
_BATCH = 50
_LATER, _SOON = timedelta(minutes=10), timedelta(minutes=1)


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Ask for every resource that is to be looked up, and believe the answer."""
    with kit.database.over_all_stores().read() as session:
        rows = timers.peek_due(session, now, lookups.ALL_KINDS, _BATCH)
        aside = asides.held(session, lookups.ALL_KINDS) if rows else set()
        stores = {row.store_id: session.get(Store, row.store_id) for row in rows}
    done: Counter[str] = Counter()
    for row in rows:
        store = stores[row.store_id]
        states, ask = _ASKS.get(row.kind, _ABOUT_RESOURCES)
        if store is None or store.state not in states:
            _drop(kit, row)
            continue
        result = run_guarded(partial(ask, kit, store, row, now), store=store.id)
        if isinstance(result, Failed):
            _fail(kit, row, result, now)
            continue
        if (store.id, row.kind, row.subject_id) in aside:
            _free(kit, row)
        if result:
            done["looked up"] += 1
    # What was put off is work, too: behind it others may wait whom this batch had no room for.
    done["looked for"] = len(rows)
    return +done


def _look_up(kit: Kit, store: Store, row: Row[Any], now: datetime) -> bool:
    resource = lookups.KINDS[row.kind]
    external_id = str(row.subject_id)
    try:
        with access.watched(kit, store, now):
            record = connections.storefront(kit.runtime, store).fetch(resource, external_id)
    except ConnectorError:
        _put_off(kit, row, now + _LATER)
        return False
    with kit.database.of_store(store.id).write() as session:
        timers.drop(session, [row])
        timers.settle_cursor(session, store.id)
        if record is None:
            lookups.mark_gone(session, store.id, resource, external_id, now=now)
            return True
        held = session.get(Store, store.id)
        if held is not None:
            apply_records(
                session, kit.runtime.signer, held, [record], now=now, history_until=held.installed_at
            )
    return True


def _ask_whether_gone(kit: Kit, store: Store, row: Row[Any], now: datetime) -> bool:
    """A shop that still takes our token did not remove the app: an old delivery was sent again as one."""
    is_gone = has_left(kit, store)
    if is_gone is None:
        _put_off(kit, row, now + _SOON)
        return False
    with kit.database.of_store(store.id).write() as session:
        timers.drop(session, [row])
        held = session.get(Store, store.id)
        if is_gone and held is not None and install.uninstall(session, held, from_micros(row.subject_id)):
            gone = audit.STORE_DISCONNECTED
            audit.record(session, held.id, audit.PLATFORM, gone, now=now, subject=held.domain)
    return True


_ABOUT_RESOURCES = (("connected",), _look_up)
_ASKS = {
    lookups.MERGE: (("connected", "needs_reconnect"), merges.confirm),
    lookups.UNINSTALL: (("connected", "needs_reconnect"), _ask_whether_gone),
}
"""By the timer's kind: in which states the shop is asked, and how."""


def _fail(kit: Kit, row: Row[Any], failure: Failed, now: datetime) -> None:
    """What fails by an error of ours is told as such, and waits longer each time."""
    if isinstance(failure.error, OF_NOBODY):
        log.error("look-up failed", store=row.store_id, kind=row.kind, error=failure.told)
        _put_off(kit, row, now + _LATER)
        return
    with kit.database.of_store(row.store_id).write() as session:
        until = set_aside(session, row.store_id, row.kind, row.subject_id, failure=failure, now=now)
        timers.put_off(session, row, until)


def _free(kit: Kit, row: Row[Any]) -> None:
    """It was set aside, and breaks nothing of ours any more."""
    with kit.database.of_store(row.store_id).write() as session:
        asides.drop(session, row.store_id, row.kind, row.subject_id)


def _drop(kit: Kit, row: Row[Any]) -> None:
    with kit.database.of_store(row.store_id).write() as session:
        timers.drop(session, [row])
        timers.settle_cursor(session, row.store_id)


def _put_off(kit: Kit, row: Row[Any], until: datetime) -> None:
    with kit.database.of_store(row.store_id).write() as session:
        timers.put_off(session, row, until)
