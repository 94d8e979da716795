"""The flows' tick: timeline entries and timers become steps and messages."""

from collections import Counter
from datetime import datetime

from sqlalchemy import true

from app import failpoints, timers
from app.db import table_of
from app.flows import work
from app.flows.writing import TIMER_KIND
from app.models import CustomerEvent
from app.scans import StoreScan
from app.stores import rows
from jobs.guard import Failed, each_sound, raise_first
from jobs.kit import Kit

EVENTS = table_of(CustomerEvent)
BATCH = 500
_SMALLEST_SHARE = 50
_MOST_STORES = 1000
_MOST_ROUNDS = 200
_PENDING = StoreScan(EVENTS.c.store_id, EVENTS.c.is_pending == true())


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Advance every store that has something pending or due, round after round with a fair share each.

    One that fails is left out of the rounds that follow, so that the others go on to their end.
    """
    total = 0
    failures: dict[int, Failed] = {}
    for _ in range(_MOST_ROUNDS):
        done, is_all = (0, True) if kit.stopping.is_set() else _round(kit, now, failures)
        total += done
        if is_all:
            break
    raise_first(failures)
    return +Counter({"advanced": total})


def _round(kit: Kit, now: datetime, failures: dict[int, Failed]) -> tuple[int, bool]:
    """One share of each store: how much was done, and whether no store can have more."""
    with kit.database.over_all_stores().read() as session:
        pending = _PENDING.run(session)
        due = timers.due_stores(session, now, _MOST_STORES + len(failures), kinds=(TIMER_KIND,))
        stores = sorted({*pending, *due}.difference(failures))
    share = max(_SMALLEST_SHARE, BATCH // max(1, len(stores)))
    done = [0]

    def run_store(store_id: int) -> int:
        done.append(_run_store(kit, store_id, now, share))
        return done[-1]

    return each_sound(stores, run_store, failures), max(done) < share


def _run_store(kit: Kit, store_id: int, now: datetime, share: int) -> int:
    with kit.database.of_store(store_id).write() as session:
        store = rows.look(session, store_id)
        done = work.run_batch(session, store, now, share) if store is not None else 0
        if done:
            failpoints.reached("flows.in-batch")
    if done:
        failpoints.reached("flows.after-batch")
    return done
