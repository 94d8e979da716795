"""The attribution's tick: orders that changed find the message that brought them, or none."""

from collections import Counter
from datetime import datetime
from functools import partial

from sqlalchemy import true

from app.analytics import attribution
from app.scans import StoreScan
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit

_BATCH = 500
_DUE = StoreScan(attribution.ORDERS.c.store_id, attribution.ORDERS.c.is_attribution_due == true())


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Attribute what is due, a batch a commit."""
    done: Counter[str] = Counter()
    with kit.database.over_all_stores().read() as session:
        stores = _DUE.run(session)
    failures: list[Failed] = []
    for store_id in stores:
        result = run_guarded(partial(_run_store, kit, store_id), store=store_id)
        if isinstance(result, Failed):
            failures.append(result)
        else:
            done["attributed"] += result
    if failures:
        raise failures[0].error
    return +done


def _run_store(kit: Kit, store_id: int) -> int:
    total, count = 0, _BATCH
    while count == _BATCH:
        with kit.database.of_store(store_id).write() as session:
            count = attribution.attribute_due(session, store_id, _BATCH)
        total += count
    return total
