"""The confirmations' tick: whoever waits to be asked gets a mail into the outbox."""

from collections import Counter
from datetime import datetime

from app import consent, timers
from app.messaging import confirmations
from app.stores import rows
from jobs.guard import each_store
from jobs.kit import Kit

_BATCH = 500


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Queue what is due, store by store."""
    with kit.database.over_all_stores().read() as session:
        due = timers.peek_due(session, now, (consent.CONFIRMATION,), _BATCH)
    stores = sorted({row.store_id for row in due})
    return +Counter({"asked": each_store(stores, lambda store_id: _ask(kit, store_id, now))})


def _ask(kit: Kit, store_id: int, now: datetime) -> int:
    with kit.database.of_store(store_id).write() as session:
        store = rows.find(session, store_id)
        return confirmations.ask(session, kit.runtime.signer, store, now) if store is not None else 0
