"""The confirmations' tick: whoever waits to be asked gets a mail into the outbox."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app import consent, timers
from app.messaging import confirmations
from app.models import Store
from app.models.set_aside import CONFIRMATIONS
from jobs.alone import Batches, by_timers
from jobs.guard import each_store
from jobs.kit import Kit

_BATCH = 200
_MOST_STORES = 1000


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Queue what is due, a batch of each store."""

    def ask(session: Session, store: Store, people: Sequence[int], now: datetime) -> None:
        confirmations.ask(session, kit.runtime.signer, store, people, now=now)

    batches = Batches.of(kit, by_timers(CONFIRMATIONS, consent.CONFIRMATION, ask), now)
    with kit.database.over_all_stores().read() as session:
        due = timers.due_stores(session, now, _MOST_STORES, kinds=(consent.CONFIRMATION,))
    stores = sorted({*due, *batches.again})
    return +Counter({"asked": each_store(stores, lambda store_id: batches.run(store_id, _BATCH))})
