"""The flows' tick: timeline entries and timers become steps and messages."""

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import true
from sqlalchemy.orm import Session

from app import failpoints, timers
from app.db import table_of
from app.flows import persons, work
from app.flows.writing import TIMER_KIND
from app.messaging import due as outbox_due
from app.models import CustomerEvent, Store
from app.models.set_aside import FLOWS
from app.scans import StoreScan
from jobs.alone import Batches, Work
from jobs.guard import Failed, each_sound, raise_first
from jobs.kit import Kit

EVENTS = table_of(CustomerEvent)
BATCH = 500
_SMALLEST_SHARE = 50
_MOST_STORES = 1000
_MOST_ROUNDS = 200
_FLOWS_FIRST = timedelta(minutes=1)
"""Whoever was set aside is tried again so long before a journey of theirs may send anything."""
_PENDING = StoreScan(EVENTS.c.store_id, EVENTS.c.is_pending == true())


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Advance every store that has something pending or due, round after round with a fair share each.

    One that fails is left out of the rounds that follow, so that the others go on to their end.
    """
    total = 0
    failures: dict[int, Failed] = {}
    for _ in range(_MOST_ROUNDS):
        done, is_all = (0, True) if kit.stopping.is_set() else _round(kit, now, failures)
        total += done
        if is_all:
            break
    raise_first(failures)
    return +Counter({"advanced": total})


def _round(kit: Kit, now: datetime, failures: dict[int, Failed]) -> tuple[int, bool]:
    """One share of each store: how much was done, and whether no store can have more."""
    batches = Batches.of(kit, WORK, now)
    with kit.database.over_all_stores().read() as session:
        pending = _PENDING.run(session)
        due = timers.due_stores(session, now, _MOST_STORES + len(failures), kinds=(TIMER_KIND,))
        stores = sorted({*pending, *due, *batches.again}.difference(failures))
    share = max(_SMALLEST_SHARE, BATCH // max(1, len(stores)))
    done = [0]

    def run_store(store_id: int) -> int:
        done.append(_run_store(batches, store_id, share))
        return done[-1]

    return each_sound(stores, run_store, failures), max(done) < share


def _run_store(batches: Batches, store_id: int, share: int) -> int:
    done = batches.run(store_id, share)
    if done:
        failpoints.reached("flows.after-batch")
    return done


def _run_batch(session: Session, store: Store, now: datetime, share: int) -> int:
    done = work.run_batch(session, store, now, share)
    if done:
        failpoints.reached("flows.in-batch")
    return done


def _put_off(session: Session, store_id: int, person: int, until: datetime) -> None:
    """What their journeys decided before waits, too: the entry that fails may be the one that ends them."""
    persons.put_off(session, store_id, person, until)
    outbox_due.put_off_journeys(session, store_id, person, until + _FLOWS_FIRST)


WORK = Work(FLOWS, _run_batch, persons.people_due, persons.run_alone, _put_off)
