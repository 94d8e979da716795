"""The attribution's tick: orders that changed find the message that brought them, or none."""

from collections import Counter
from datetime import datetime

from sqlalchemy import true

from app.analytics import attribution
from app.scans import StoreScan
from jobs.guard import each_store
from jobs.kit import Kit

_BATCH = 500
_DUE = StoreScan(attribution.ORDERS.c.store_id, attribution.ORDERS.c.is_attribution_due == true())


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Attribute what is due, a batch a commit."""
    with kit.database.over_all_stores().read() as session:
        stores = _DUE.run(session)
    return +Counter({"attributed": each_store(stores, lambda store_id: _run_store(kit, store_id))})


def _run_store(kit: Kit, store_id: int) -> int:
    total, count = 0, _BATCH
    while count == _BATCH:
        with kit.database.of_store(store_id).write() as session:
            count = attribution.attribute_due(session, store_id, _BATCH)
        total += count
    return total
