"""The attribution's tick: orders that changed find the message that brought them, or none."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import true
from sqlalchemy.orm import Session

from app.analytics import attribution
from app.models import Store
from app.models.set_aside import ATTRIBUTION
from app.scans import StoreScan
from jobs.alone import Batches, Work
from jobs.guard import each_store
from jobs.kit import Kit

_BATCH = 500
_DUE = StoreScan(attribution.ORDERS.c.store_id, attribution.ORDERS.c.is_attribution_due == true())


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Attribute what is due, a batch a commit."""
    batches = Batches.of(kit, WORK, now)
    with kit.database.over_all_stores().read() as session:
        stores = _DUE.run(session)
    return +Counter({"attributed": each_store(stores, lambda store_id: _run_store(batches, store_id))})


def _run_store(batches: Batches, store_id: int) -> int:
    total, count = 0, _BATCH
    while count >= _BATCH:
        count = batches.run(store_id, _BATCH)
        total += count
    return total


def _attribute(session: Session, store: Store, _now: datetime, limit: int) -> int:
    return attribution.attribute_due(session, store.id, limit)


def _orders(session: Session, store: Store, _now: datetime, limit: int) -> Sequence[int]:
    return [order.id for order in attribution.due(session, store.id, limit)]


def _attribute_one(session: Session, store: Store, _now: datetime, order_id: int) -> int:
    return attribution.attribute_one(session, store.id, order_id)


WORK = Work(ATTRIBUTION, _attribute, _orders, _attribute_one)
