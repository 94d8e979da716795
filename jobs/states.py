"""The states' tick: where customers stand, worked out when there are news of them or their time has come."""

from collections import Counter
from datetime import datetime

from sqlalchemy import select

from app import timers
from app.db import table_of
from app.models import Backfill
from app.segments import standing
from app.stores import rows
from jobs.guard import each_store
from jobs.kit import Kit

BACKFILLS = table_of(Backfill)
BATCH = 500
_SMALLEST_SHARE = 50
_MOST_STORES = 1000


def run(kit: Kit, now: datetime) -> Counter[str]:
    """A fair share of each store; those whose history is still arriving wait until it is there.

    Half a history would tell of silences that are none.
    """
    with kit.database.over_all_stores().read() as session:
        arriving = select(BACKFILLS.c.store_id).where(BACKFILLS.c.finished_at.is_(None))
        unfinished = set(session.execute(arriving).scalars())
        most = _MOST_STORES + len(unfinished)
        due = timers.due_stores(session, now, most, kinds=(standing.TIMER_KIND,))
        stores = [store_id for store_id in due if store_id not in unfinished]
    share = max(_SMALLEST_SHARE, BATCH // max(1, len(stores)))
    return +Counter({"states": each_store(stores, lambda store_id: _run_store(kit, store_id, now, share))})


def _run_store(kit: Kit, store_id: int, now: datetime, share: int) -> int:
    """One transaction: the timers taken and all that follows from them; how many there were."""
    with kit.database.of_store(store_id).write() as session:
        due = timers.take_due(session, store_id, now, kind=standing.TIMER_KIND, limit=share)
        store = rows.look(session, store_id)
        if store is not None and due:
            standing.settle(session, store, sorted({row.subject_id for row in due}), now)
        if due:
            timers.settle_cursor(session, store_id)
        return len(due)
