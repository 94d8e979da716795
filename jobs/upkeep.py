"""The chores of stores: whatever is due is claimed, done, and put off where it fails; the others go on."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

import structlog

from app.models import Store
from app.stores import chores, rows
from app.stores.chores import Held
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit

log = structlog.get_logger()
Work = Callable[[Kit, Held, Store, datetime], int]
"""Does one claimed chore of one store, gives the row back, and counts what it did."""
_MOST_STORES = 200


def run(kit: Kit, name: str, now: datetime, work: Work) -> int:
    """Do the chore of that name for every store whose time has come; the sum of what was done."""
    with kit.database.over_all_stores().read() as session:
        stores = chores.stores_due(session, name, now, _MOST_STORES)
    done = 0
    for store_id in stores:
        with kit.database.of_store(store_id).write() as session:
            held = chores.claim(session, name, now, store_id=store_id)
            store = None if held is None else rows.need(session, store_id)
        if held is None or store is None:
            continue
        result = run_guarded(partial(work, kit, held, store, now), store=store.id, chore=held.name)
        if isinstance(result, Failed):
            _put_off(kit, held, result, now)
        else:
            done += result
    return done


def _put_off(kit: Kit, held: Held, failure: Failed, now: datetime) -> None:
    log.warning("chore put off", chore=held.name, store=held.store_id, error=failure.told)
    with kit.database.of_store(held.store_id).write() as session:
        chores.put_off(session, held, failure.error, now)
