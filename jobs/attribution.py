"""The attribution's tick: orders that changed find the message that brought them, or none."""

from collections import Counter
from datetime import datetime

from sqlalchemy import true

from app.analytics import attribution
from app.db import StoreScan
from jobs.kit import Kit

_BATCH = 500
_DUE = StoreScan(attribution.ORDERS.c.store_id, attribution.ORDERS.c.is_attribution_due == true())


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Attribute what is due, a batch a commit."""
    done: Counter[str] = Counter()
    with kit.runtime.database.read() as session:
        stores = _DUE.run(session)
    for store_id in stores:
        count = _BATCH
        while count == _BATCH:
            with kit.runtime.database.write() as session:
                count = attribution.attribute_due(session, store_id, _BATCH)
            done["attributed"] += count
    return done
