"""The look-ups' tick: what the storefront must confirm, asked outside any transaction."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from app import timers
from app.db import from_micros
from app.mirror import lookups
from app.mirror.apply import apply_records
from app.models import Store
from app.stores import connections, install
from connectors.base import ConnectorError, Unauthorized
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit

_BATCH = 50
_LATER, _SOON = timedelta(minutes=10), timedelta(minutes=1)
_GONE = 404
_ASKED_IN = {False: ("connected",), True: ("connected", "needs_reconnect")}
"""In which states a shop is asked, by whether it is said to have removed the app."""


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Ask for every resource that is to be looked up, and believe the answer."""
    with kit.runtime.database.read() as session:
        rows = timers.peek_due(session, now, (*lookups.KINDS, lookups.UNINSTALL), _BATCH)
        stores = {row.store_id: session.get(Store, row.store_id) for row in rows}
    done: Counter[str] = Counter()
    for row in rows:
        store = stores[row.store_id]
        ask = _ask_whether_gone if row.kind == lookups.UNINSTALL else _look_up
        if store is None or store.state not in _ASKED_IN[row.kind == lookups.UNINSTALL]:
            _drop(kit, row)
            continue
        result = run_guarded(lambda ask=ask, store=store, row=row: ask(kit, store, row, now))  # type: ignore[misc]
        if isinstance(result, Failed):
            _put_off(kit, row, now + _LATER)
        elif result:
            done["looked up"] += 1
    return done


def _look_up(kit: Kit, store: Store, row: Row[Any], now: datetime) -> bool:
    resource = lookups.KINDS[row.kind]
    external_id = str(row.subject_id)
    try:
        record = connections.storefront(kit.runtime, store).fetch(resource, external_id)
    except Unauthorized:
        with kit.runtime.database.write() as session:
            install.ask_to_reconnect(session, store.id)
        return False
    except ConnectorError:
        _put_off(kit, row, now + _LATER)
        return False
    with kit.runtime.database.write() as session:
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
    try:
        connections.storefront(kit.runtime, store).identity()
    except ConnectorError as error:
        if not isinstance(error, Unauthorized) and error.status != _GONE:
            _put_off(kit, row, now + _SOON)
            return False
        with kit.runtime.database.write() as session:
            held = session.get(Store, store.id)
            if held is not None:
                install.uninstall(session, held, from_micros(row.subject_id))
    _drop(kit, row)
    return True


def _drop(kit: Kit, row: Row[Any]) -> None:
    with kit.runtime.database.write() as session:
        timers.drop(session, [row])


def _put_off(kit: Kit, row: Row[Any], until: datetime) -> None:
    with kit.runtime.database.write() as session:
        timers.drop(session, [row])
        later = timers.NewTimer(row.store_id, until, row.kind, row.subject_id)
        timers.set_timers(session, [later])
