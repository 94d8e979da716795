"""The sums of the screens: what each store's messages did and how long its lists are, once an hour."""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from app.analytics import days
from app.models import Store
from app.stores import chores
from app.stores.chores import Held
from jobs import upkeep
from jobs.kit import Kit

EVERY = timedelta(hours=1)


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Add up for the stores whose hour has passed."""
    return +Counter({"figures": upkeep.run(kit, chores.FIGURES, now, _count)})


def _count(kit: Kit, held: Held, store: Store, now: datetime) -> upkeep.Ending:
    """Read and count first: a transaction that writes is not kept waiting for that."""
    with kit.database.of_store(store.id).read() as session:
        counted = days.count(session, store, held.row.done_at, now)
    return partial(_keep, held=held, counted=counted, now=now)


def _keep(session: Session, *, held: Held, counted: days.Counted, now: datetime) -> int:
    if not chores.finish(session, held, now=now, next_at=now + EVERY):
        return 0
    days.keep(session, counted)
    return 1
