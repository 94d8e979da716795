"""The daily plan of the birthdays: a range scan, so that a missed day is made up, not lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from app.db import Among, UtcDateTime, table_of
from app.flows import facts, live, published, writing
from app.flows.batch import Batch, Held, LiveFlow
from app.flows.definition import Entry, Wait
from app.flows.engine import Journey
from app.flows.moments import Place, birthday_in, due, end_of_day, local_date
from app.flows.shop import LiveShop
from app.messaging.outbox import NewDecision
from app.models import Customer, Enrollment, Store

CUSTOMERS, ENROLLMENTS = table_of(Customer), table_of(Enrollment)
FLOW, PLAN = "birthday", "birthdays"
LEAD_DAYS = 30
BETWEEN = timedelta(days=364)
CODE_DAYS = 14
ADULT_YEARS = 18
_SLOT = timedelta(days=1)
_NOON = timedelta(hours=12)
_READ = (
    *("id", "birth_year", "birth_month", "birth_day", "birth_known_at"),
    *("country", "region", "phone"),
)
_EARLIER = select(ENROLLMENTS.c.customer_id, ENROLLMENTS.c.occurrence, ENROLLMENTS.c.entered_at).where(
    ENROLLMENTS.c.store_id == bindparam("store"),
    Among(ENROLLMENTS.c.customer_id, "people"),
    ENROLLMENTS.c.flow_key == FLOW,
    ENROLLMENTS.c.entered_at > bindparam("since", type_=UtcDateTime),
)


def plan(session: Session, store: Store, *, begin: datetime, end: datetime, now: datetime) -> int:
    """Enroll everybody whose first birthday mail is due in [begin, end); return how many.

    A range of several days is as many slots of a day: each journey is entered at its own. Planning a
    range again changes nothing.

    Args:
        begin: inclusive; dues before the flow was switched on are left out.
        now: the business moment of the run.
    """
    found = _found(session, store, begin, end)
    if found is None:
        return 0
    flow, slots, rows = found
    people = [row.id for row in rows]
    loaded = facts.load(session, store, customer_ids=people)
    shop = LiveShop(session, store.id)
    batch = Batch(shop=shop, store=store, now=now, flows={FLOW: flow}, facts=loaded, held={})
    earlier = _earlier(session, store.id, people, begin)
    for row in rows:
        consider(batch, slots, row, earlier.get(row.id, {}))
    writing.write(session, batch)
    return len(batch.fresh)


def is_due(session: Session, store: Store, *, begin: datetime, end: datetime) -> bool:
    """Whether `plan` would find anybody in that range."""
    return _found(session, store, begin, end) is not None


@dataclass(frozen=True, slots=True)
class Slots:
    """The days of a run, the first at `first`; what is due in [begin, end) is planned."""

    first: datetime
    begin: datetime
    end: datetime

    @property
    def years(self) -> tuple[int, int]:
        """Those whose birthdays are looked at."""
        return self.first.year, self.first.year + 1

    def of(self, moment: datetime) -> datetime:
        """The slot in which a moment lies."""
        return self.first + (moment - self.first) // _SLOT * _SLOT


def _found(
    session: Session, store: Store, begin: datetime, end: datetime
) -> tuple[LiveFlow, Slots, list[Row[Any]]] | None:
    """The flow, if it is on, the days in which it was, and whose first mail is due in them, if anybody is."""
    flow = published.flows_of(session, store.id).get(FLOW)
    if flow is None or not flow.is_active or flow.active_since is None:
        return None
    slots = Slots(begin, max(begin, flow.active_since), end)
    entry = flow.definition.entries[0]
    near = _candidates(session, store, entry, slots)
    # Of those near enough a fourth or fewer: nothing is read of the others.
    rows = [row for row in near if _is_due(entry, slots, row, facts.place_of(store, row))]
    return (flow, slots, rows) if rows else None


def _candidates(session: Session, store: Store, entry: Entry, slots: Slots) -> list[Row[Any]]:
    """Customers whose birthday falls near enough; which zone they live in decides later."""
    first_day = (slots.first - timedelta(days=1 + _first_wait(entry).days)).date()
    days = [first_day + timedelta(days=n) for n in range((slots.end - slots.first).days + 4)]
    pairs = {(day.month, day.day) for day in days}
    if (2, 28) in pairs:
        pairs.add((2, 29))
    asked: dict[str, int] = {"store": store.id}
    for number, (month, day) in enumerate(sorted(pairs)):
        asked |= {f"month_{number}": month, f"day_{number}": day}
    return list(session.execute(_born_on(len(pairs)), asked).all())


@cache
def _born_on(days: int) -> Select[Any]:
    """Finds those whose birthday is one of so many days."""
    born = (
        and_(
            CUSTOMERS.c.birth_month == bindparam(f"month_{n}"), CUSTOMERS.c.birth_day == bindparam(f"day_{n}")
        )
        for n in range(days)
    )
    return (
        select(*(CUSTOMERS.c[name] for name in _READ))
        .where(CUSTOMERS.c.store_id == bindparam("store"), CUSTOMERS.c.erased_at.is_(None), or_(*born))
        .order_by(CUSTOMERS.c.id)
    )


def _earlier(
    session: Session, store_id: int, people: list[int], begin: datetime
) -> dict[int, dict[str, datetime]]:
    """When each had a birthday journey in the 364 days before the first slot, or since, by occurrence."""
    found: dict[int, dict[str, datetime]] = {}
    for start in range(0, len(people), 500):
        asked = {"store": store_id, "people": people[start : start + 500], "since": begin - BETWEEN}
        for row in session.execute(_EARLIER, asked).all():
            found.setdefault(row.customer_id, {})[row.occurrence] = row.entered_at
    return found


def consider(batch: Batch, slots: Slots, row: Any, earlier: Mapping[str, datetime]) -> None:
    """Enroll a customer whose first mail is due within the slots, or note why not.

    Args:
        earlier: when each had a birthday journey in the 364 days before the first slot, by occurrence.
    """
    place = facts.place_of(batch.store, row)
    flow = batch.flows[FLOW]
    entry = flow.definition.entries[0]
    for year in slots.years:
        day, anchor, moment = _moments(entry, row, place, year)
        occurrence = entry.occurrence.replace("{year}", str(year))
        slot = slots.of(moment)
        is_planned = earlier.get(occurrence) == slot
        if is_planned or not slots.begin <= moment < slots.end:
            continue
        was_recent = any(entered_at > slot - BETWEEN for entered_at in earlier.values())
        known_on = local_date(row.birth_known_at, place.zone)
        reason = "duplicate" if was_recent else _refusal(row, day, known_on)
        if reason is not None:
            noted = NewDecision(batch.store.id, row.id, FLOW, "B1", "stop", reason, day.isoformat())
            batch.notes.append(noted)
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
            occurrence=occurrence,
            subject=f"birthday:{year}",
            entered_at=slot,
            turn=0,
            journey=Journey(entry.id, entry.steps[0].id, anchors),
        )
        live.enter(batch, entry, held)


def _is_due(entry: Entry, slots: Slots, customer: Any, place: Place) -> bool:
    """Whether a birthday's first mail is due within the slots."""
    moments = (_moments(entry, customer, place, year)[2] for year in slots.years)
    return any(slots.begin <= moment < slots.end for moment in moments)


def dues(entry: Entry, customer: Any, place: Place, *, around: int) -> list[tuple[str, datetime]]:
    """When the first mail of each birthday near a year is due, with its occurrence."""
    return [
        (entry.occurrence.replace("{year}", str(year)), _moments(entry, customer, place, year)[2])
        for year in (around - 1, around, around + 1, around + 2)
    ]


def _moments(entry: Entry, customer: Any, place: Place, year: int) -> tuple[date, datetime, datetime]:
    """The birthday of a year, its noon where the customer lives, and when the first mail is due."""
    day = birthday_in(year, customer.birth_month, customer.birth_day)
    anchor = end_of_day(day - timedelta(days=1), place.zone) + _NOON
    return day, anchor, due(_first_wait(entry), {"birthday": anchor}, place, 0)


def _first_wait(entry: Entry) -> Wait:
    return next(step for step in entry.steps if isinstance(step, Wait))


def _refusal(row: Any, day: date, known_on: date) -> str | None:
    """Why somebody is not congratulated this year, or None."""
    if (day - known_on).days < LEAD_DAYS:
        return "not-due"
    if row.birth_year is not None and day.year - row.birth_year < ADULT_YEARS:
        return "minor"
    return None
