"""The daily plan of the birthdays: a range scan, so that a missed day is made up, not lost."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, or_, select
from sqlalchemy.orm import Session

from app.db import table_of
from app.flows import facts, live, writing
from app.flows.batch import Batch, Held, LiveFlow
from app.flows.definition import Entry, Wait
from app.flows.engine import Journey
from app.flows.moments import birthday_in, due, end_of_day, local_date
from app.messaging import outbox
from app.messaging.outbox import NewDecision
from app.models import Customer, Enrollment, Store

CUSTOMERS, ENROLLMENTS = table_of(Customer), table_of(Enrollment)
FLOW = "birthday"
LEAD_DAYS = 30
BETWEEN = timedelta(days=364)
CODE_DAYS = 14
ADULT_YEARS = 18
_NOON = timedelta(hours=12)


def plan(session: Session, store: Store, begin: datetime, end: datetime, now: datetime) -> int:
    """Enroll everybody whose first birthday mail is due in [begin, end); return how many.

    Args:
        begin: inclusive; dues before the flow was switched on are left out.
        now: the business moment of the run, kept as the enrollment's `entered_at` is `begin`.
    """
    flow = live.flows_of(session, store.id).get(FLOW)
    if flow is None or not flow.is_active or flow.active_since is None:
        return 0
    entry = flow.definition.entries[0]
    rows = _candidates(session, store, entry, begin, end)
    batch = Batch(
        session=session,
        store=store,
        now=now,
        flows={FLOW: flow},
        facts=facts.load(
            session,
            store,
            customer_ids=[row.id for row in rows],
            order_external_ids=[],
            enrollment_ids=[],
        ),
        held={},
    )
    recent = _recent(session, store.id, [row.id for row in rows], begin)
    for row in rows:
        _consider(batch, flow, entry, row, begin, max(begin, flow.active_since), end, recent)
    writing.write(session, batch)
    return len(batch.fresh)


def _candidates(
    session: Session, store: Store, entry: Entry, begin: datetime, end: datetime
) -> list[Row[Any]]:
    """Customers whose birthday falls near enough; which zone they live in decides later."""
    first = next(step for step in entry.steps if isinstance(step, Wait))
    days = [
        (begin - timedelta(days=1 + first.days)).date() + timedelta(days=n)
        for n in range((end - begin).days + 4)
    ]
    pairs = {(day.month, day.day) for day in days}
    if (2, 28) in pairs:
        pairs.add((2, 29))
    statement = (
        select(CUSTOMERS)
        .where(
            CUSTOMERS.c.store_id == store.id,
            CUSTOMERS.c.erased_at.is_(None),
            or_(
                *(
                    (CUSTOMERS.c.birth_month == month) & (CUSTOMERS.c.birth_day == day)
                    for month, day in sorted(pairs)
                )
            ),
        )
        .order_by(CUSTOMERS.c.id)
    )
    return list(session.execute(statement).all())


def _recent(session: Session, store_id: int, people: list[int], begin: datetime) -> frozenset[int]:
    """Who had a birthday journey in the last 364 days; a changed date cannot fire twice."""
    found: set[int] = set()
    for start in range(0, len(people), 500):
        statement = select(ENROLLMENTS.c.customer_id).where(
            ENROLLMENTS.c.store_id == store_id,
            ENROLLMENTS.c.customer_id.in_(people[start : start + 500]),
            ENROLLMENTS.c.flow_key == FLOW,
            ENROLLMENTS.c.entered_at > begin - BETWEEN,
        )
        found |= set(session.execute(statement).scalars())
    return frozenset(found)


def _consider(
    batch: Batch,
    flow: LiveFlow,
    entry: Entry,
    row: Row[Any],
    slot: datetime,
    begin: datetime,
    end: datetime,
    recent: frozenset[int],
) -> None:
    place = facts.place_of(batch.store, row)
    first = next(step for step in entry.steps if isinstance(step, Wait))
    for year in (slot.year, slot.year + 1):
        day = birthday_in(year, row.birth_month, row.birth_day)
        anchor = end_of_day(day - timedelta(days=1), place.zone) + _NOON
        moment = due(first, {"birthday": anchor}, place, 0)
        if not begin <= moment < end:
            continue
        reason = _refusal(row, day, local_date(row.birth_known_at, place.zone), recent)
        if reason is not None:
            refused = NewDecision(batch.store.id, row.id, FLOW, "B1", "stop", reason, day.isoformat())
            outbox.note(batch.session, [refused], batch.now)
            return
        anchors = {
            "entered": slot,
            "birthday": anchor,
            "code_ends": end_of_day(day + timedelta(days=CODE_DAYS), place.zone),
        }
        held = Held(
            id=None,
            flow_key=FLOW,
            version_id=flow.version_id,
            customer_id=row.id,
            occurrence=entry.occurrence.replace("{year}", str(year)),
            subject=f"birthday:{year}",
            entered_at=slot,
            turn=0,
            journey=Journey(entry.id, entry.steps[0].id, anchors),
        )
        live.enter(batch, entry, held)


def _refusal(row: Row[Any], day: date, known_on: date, recent: frozenset[int]) -> str | None:
    """Why somebody is not congratulated this year, or None."""
    if row.id in recent:
        return "duplicate"
    if (day - known_on).days < LEAD_DAYS:
        return "not-due"
    if row.birth_year is not None and day.year - row.birth_year < ADULT_YEARS:
        return "minor"
    return None
