"""The letter of the week: raised on Monday morning by each store's own clock, once for each week."""

from collections import Counter
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from app.analytics import weekly
from app.models import Store
from app.stores import chores, notices, settings
from app.stores.chores import Held
from jobs import upkeep
from jobs.kit import Kit


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Raise the letters of the stores whose Monday has come."""
    return +Counter({"weeks": upkeep.run(kit, chores.WEEKLY, now, _raise)})


def _raise(_kit: Kit, held: Held, store: Store, now: datetime) -> upkeep.Ending:
    """One letter, in the transaction that plans the next; of a quiet week, and to a new shop, none."""
    return partial(_raise_in, held=held, store=store, now=now)


def _raise_in(session: Session, *, held: Held, store: Store, now: datetime) -> int:
    if not chores.finish(session, held, now=now, next_at=weekly.next_monday(store, now)):
        return 0
    is_wanted = held.row.done_at is not None and settings.is_on(store, "notices.weekly")
    if not is_wanted or weekly.is_quiet(session, store, weekly.week_before(store, now)):
        return 0
    notices.raise_again(session, store.id, notices.WEEKLY, n=1, now=now)
    return 1
