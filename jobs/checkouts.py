"""The checkouts' tick: those that rested for an hour without an order count as abandoned."""

from collections import Counter
from datetime import datetime

from app import timers
from app.mirror import checkout_ends
from app.stores import rows
from app.stores.platforms import UNINSTALLED
from jobs.guard import each_store
from jobs.kit import Kit

BATCH = 500


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Settle what is due, store by store; a store that fails stops only itself."""
    with kit.database.over_all_stores().read() as session:
        stores = sorted(timers.due_stores(session, now, BATCH, kinds=(checkout_ends.TIMER_KIND,)))
    return +Counter({"checkouts": each_store(stores, lambda store_id: _run_store(kit, store_id, now))})


def _run_store(kit: Kit, store_id: int, now: datetime) -> int:
    """One transaction: the timers taken and all that follows from them; how many there were."""
    with kit.database.of_store(store_id).write() as session:
        due = timers.take_due(session, store_id, now, kind=checkout_ends.TIMER_KIND, limit=BATCH)
        store = rows.look(session, store_id)
        if store is not None and store.state != UNINSTALLED and due:
            checkout_ends.settle(session, store, sorted({row.subject_id for row in due}), now)
        timers.settle_cursor(session, store_id)
        return len(due)
