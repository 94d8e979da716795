"""The checkouts' tick: those that rested for an hour without an order count as abandoned."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app import timers
from app.mirror import checkout_ends
from app.models import Store
from app.models.set_aside import CHECKOUTS
from app.stores.platforms import UNINSTALLED
from jobs.alone import Batches, by_timers
from jobs.guard import each_store
from jobs.kit import Kit

BATCH = 500


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Settle what is due, store by store; a store that fails stops only itself."""
    batches = Batches.of(kit, WORK, now)
    with kit.database.over_all_stores().read() as session:
        due = timers.due_stores(session, now, BATCH, kinds=(checkout_ends.TIMER_KIND,))
    stores = sorted({*due, *batches.again})
    return +Counter({"checkouts": each_store(stores, lambda store_id: batches.run(store_id, BATCH))})


def _settle(session: Session, store: Store, checkout_ids: Sequence[int], now: datetime) -> None:
    if store.state != UNINSTALLED:
        checkout_ends.settle(session, store, checkout_ids, now)


WORK = by_timers(CHECKOUTS, checkout_ends.TIMER_KIND, _settle)
