"""The chores of stores: whatever is due is claimed, done, and put off where it fails; the others go on."""

from collections.abc import Callable, Sequence
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
_MOST_STORES, _AT_ONCE = 200, 4
_HELD_SECONDS = chores.LEASE.total_seconds() / 2
"""Within these nothing is held anew."""


def run(kit: Kit, name: str, now: datetime, work: Work) -> int:
    """Do the chore of that name for every store whose time has come; the sum of what was done."""
    with kit.database.over_all_stores().read() as session:
        stores = chores.stores_due(session, name, now, _MOST_STORES)
    parts = (stores[begin : begin + _AT_ONCE] for begin in range(0, len(stores), _AT_ONCE))
    return sum(_run_some(kit, name, now, work=work, stores=part) for part in parts)


def _run_some(kit: Kit, name: str, now: datetime, *, work: Work, stores: Sequence[int]) -> int:
    """The chore of some stores, claimed together and done one after the other."""
    until = kit.stopwatch() + _HELD_SECONDS
    with kit.database.over_all_stores().write() as session:
        claimed = chores.claim(session, name, now, stores)
        rows_of = rows.several(session, [held.store_id for held in claimed])
    done = 0
    for held in claimed:
        store = rows_of[held.store_id] if kit.stopwatch() < until else _held_on(kit, held)
        if store is None:
            continue
        result = run_guarded(partial(work, kit, held, store, now), store=store.id, chore=held.name)
        if isinstance(result, Failed):
            _put_off(kit, held, result, now)
        else:
            done += result
    return done


def _held_on(kit: Kit, held: Held) -> Store | None:
    """The store of a chore that waited long for its neighbours', held anew; None if another has it by now."""
    with kit.database.of_store(held.store_id).write() as session:
        return rows.need(session, held.store_id) if chores.move(session, held) else None


def _put_off(kit: Kit, held: Held, failure: Failed, now: datetime) -> None:
    log.warning("chore put off", chore=held.name, store=held.store_id, error=failure.told)
    with kit.database.of_store(held.store_id).write() as session:
        chores.put_off(session, held, failure.error, now)
