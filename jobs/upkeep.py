"""The chores of stores: whatever is due is claimed, done, and put off where it fails; the others go on.

What a chore came to is written down in the transaction that claims the next store's: of many stores each
costs one. Nobody waits for another one's shop: a store's is claimed when the one before it is done.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import chain
from typing import NamedTuple

import structlog
from sqlalchemy.orm import Session

from app.db import narrow
from app.models import Store
from app.stores import chores, rows
from app.stores.chores import Held
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit

log = structlog.get_logger()
Ending = Callable[[Session], int]
"""Writes down what a chore came to, gives its row back, and counts what was done."""
Work = Callable[[Kit, Held, Store, datetime], Ending]
"""Does one claimed chore of one store, but for its ending."""
_MOST_STORES = 200


class _Claimed(NamedTuple):
    held: Held
    store: Store


def run(kit: Kit, name: str, now: datetime, work: Work) -> int:
    """Do the chore of that name for every store whose time has come; the sum of what was done."""
    with kit.database.over_all_stores().read() as session:
        due = iter(chores.stores_due(session, name, now, _MOST_STORES))
    done = 0
    claimed = _claim(kit, name, now, due)
    while claimed is not None:
        held, store = claimed
        turn = partial(_turn, kit, claimed, work, now=now, due=due)
        result = run_guarded(turn, store=store.id, chore=held.name)
        if isinstance(result, Failed):
            _put_off(kit, held, result, now)
            claimed = _claim(kit, name, now, due)
        else:
            count, claimed = result
            done += count
    return done


def _turn(
    kit: Kit, claimed: _Claimed, work: Work, *, now: datetime, due: Iterator[int]
) -> tuple[int, _Claimed | None]:
    """One store's chore; how much was done, and the next one that is claimed."""
    held, store = claimed
    ending = work(kit, held, store, now)
    with kit.database.of_store(store.id).write() as session:
        done = ending(session)
        return done, _next(session, held.name, now, due)


def _claim(kit: Kit, name: str, now: datetime, due: Iterator[int]) -> _Claimed | None:
    first = next(due, None)
    if first is None:
        return None
    with kit.database.of_store(first).write() as session:
        return _next(session, name, now, chain([first], due))


def _next(session: Session, name: str, now: datetime, due: Iterator[int]) -> _Claimed | None:
    """The first of these stores whose chore still waits, in a transaction that was another's till then."""
    for store_id in due:
        narrow(session, store_id)
        held = chores.claim(session, name, now, store_id=store_id)
        if held is not None:
            return _Claimed(held, rows.need(session, store_id))
    return None


def _put_off(kit: Kit, held: Held, failure: Failed, now: datetime) -> None:
    log.warning("chore put off", chore=held.name, store=held.store_id, error=failure.told)
    with kit.database.of_store(held.store_id).write() as session:
        chores.put_off(session, held, failure.error, now)
