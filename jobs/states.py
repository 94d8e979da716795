"""The states' tick: where customers stand, worked out when there are news of them or their time has come."""

from collections import Counter
from datetime import datetime

from sqlalchemy import select

from app import timers
from app.db import table_of
from app.models import Backfill
from app.models.set_aside import STATES
from app.segments import standing
from jobs.alone import Batches, by_timers
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
    batches = Batches.of(kit, WORK, now)
    with kit.database.over_all_stores().read() as session:
        arriving = select(BACKFILLS.c.store_id).where(BACKFILLS.c.finished_at.is_(None))
        unfinished = set(session.execute(arriving).scalars())
        most = _MOST_STORES + len(unfinished)
        due = timers.due_stores(session, now, most, kinds=(standing.TIMER_KIND,))
        stores = [store_id for store_id in due if store_id not in unfinished]
        stores = sorted({*stores, *(batches.again - unfinished)})
    share = max(_SMALLEST_SHARE, BATCH // max(1, len(stores)))
    return +Counter({"states": each_store(stores, lambda store_id: batches.run(store_id, share))})


WORK = by_timers(STATES, standing.TIMER_KIND, standing.settle)
