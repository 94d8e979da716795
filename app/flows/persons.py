"""The flows' work of one person at a time, where a batch of many failed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app import timers
from app.db import Among, UtcDateTime, is_one_of
from app.flows.work import ENROLLMENTS, advance, entries_of, pending
from app.flows.writing import TIMER_KIND
from app.models import Store
from app.models.enrollment import ACTIVE

_MOST_PASSES = 1000
_PEOPLE = select(ENROLLMENTS.c.customer_id).where(
    ENROLLMENTS.c.store_id == bindparam("store"), Among(ENROLLMENTS.c.id, "journeys")
)
_DUE_JOURNEYS = select(ENROLLMENTS.c.id).where(
    ENROLLMENTS.c.store_id == bindparam("store"),
    ENROLLMENTS.c.customer_id == bindparam("person"),
    is_one_of(ENROLLMENTS.c.state, (ACTIVE,)),
    ENROLLMENTS.c.due_at <= bindparam("now", type_=UtcDateTime),
)


def people_due(session: Session, store: Store, now: datetime, limit: int) -> Sequence[int]:
    """Whom a batch of so many entries or timers would be about."""
    events, is_all = pending(session, store.id, limit)
    people = [event.customer_id for event in events]
    due = timers.look_due(session, store.id, now, kind=TIMER_KIND, limit=limit) if is_all else []
    asked = {"store": store.id, "journeys": sorted({timer.subject_id for timer in due})}
    return [*people, *session.execute(_PEOPLE, asked).scalars()] if due else people


def run_alone(session: Session, store: Store, now: datetime, person: int) -> int:
    """Do what is due for one person; how many entries and timers."""
    done = 0
    for _ in range(_MOST_PASSES):
        events = entries_of(session, store.id, person)
        due = timers.take_due_of(
            session, store.id, now, kind=TIMER_KIND, subjects=_due_journeys(session, store.id, person, now)
        )
        done += len(events) + len(due)
        if not advance(session, store, now, events=events, due=due):
            break
    return done


def put_off(session: Session, store_id: int, person: int, until: datetime) -> None:
    """Have their timers wait until then."""
    journeys = _due_journeys(session, store_id, person, until)
    timers.put_off_of(session, store_id, until, kind=TIMER_KIND, subjects=journeys)


def _due_journeys(session: Session, store_id: int, person: int, now: datetime) -> list[Any]:
    asked = {"store": store_id, "person": person, "now": now}
    return list(session.execute(_DUE_JOURNEYS, asked).scalars())
