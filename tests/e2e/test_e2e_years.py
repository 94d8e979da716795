"""Six years of ten thousand people in 38 zones, by the product's own planner and gate; tells its figures."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.crypto import Signer
from app.db import Base, Database
from app.flows import birthdays
from app.flows.simulate import history, memory, run
from app.flows.simulate.correspondence import Letter
from app.flows.simulate.life import Life
from app.flows.simulate.question import Report
from app.models import Enrollment, Store
from tests.bars.sizes import Note, asked
from tests.e2e.years import BEGIN, DAY, DOMAIN, END, HOLDOUT_PERCENT, PLACES, Somebody
from tests.seeds import add_store, rows_of, switch_on

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(3600)]
PEOPLE = asked(10_000, quick=500)
_CHUNK = 1000
_FLOWS = ("welcome", "review", "cross_sell", "birthday")
_WEEK = timedelta(days=7)
_DAWN, _DUSK = 8, 21
"""Mails leave from the first hour on and before the second one."""


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """Calendars are the same on both databases."""
    return str(request.param)


@dataclass
class Found:
    """What the replay of everybody showed."""

    due: dict[tuple[int, str, datetime], int] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    held_out: int = 0
    at_night: int = 0
    over_a_day: int = 0
    over_a_week: int = 0
    journeys: set[tuple[int, str, datetime]] = field(default_factory=set)


def test_every_date_is_kept_once_a_year_within_hours_and_caps(
    database: Database, capsys: pytest.CaptureFixture[str], record_property: Note
) -> None:
    store_id = _fill(database)

    found = _replay(database, store_id)
    planned = _plan(database, store_id)

    people = [Somebody(number) for number in range(1, PEOPLE + 1)]
    expected = {(one.number, step, at): 1 for one in people for _, step, at in one.birthday_mails()}
    with capsys.disabled():
        sys.stdout.write(_told(found, people))
    record_property("people", PEOPLE)
    record_property("zones", len(PLACES))
    record_property("steps due by the calendar", len(expected))
    record_property("missing, wrong or twice", len(expected.items() ^ found.due.items()))
    record_property("in quiet hours", found.at_night)
    record_property("over a cap", found.over_a_day + found.over_a_week)
    assert found.due == expected
    assert planned == found.journeys
    assert (found.held_out, found.at_night, found.over_a_day, found.over_a_week) == (0, 0, 0, 0)
    assert all(found.sent[step] > 0 for step in ("W1", "W2", "B1", "B2", "B3", "M3", "X1"))


def _replay(database: Database, store_id: int) -> Found:
    """Everybody through the planner, the engine and the gate, all flows beside each other."""
    found, signer = Found(), Signer("signing-key-of-the-tests")
    with database.read() as session:
        store = session.get_one(Store, store_id)
        question = run.ask(session, store, "birthday", since=BEGIN, until=END)
        past = history.load(session, question)
        for first in range(1, PEOPLE + 1, _CHUNK):
            held = memory.load(session, signer, question, first=first, last=first + _CHUNK - 1)
            for person in held.people.values():
                life = Life.of(question, signer, past, held, person=person, report=Report(), can_text=False)
                life.run()
                _look_at(found, Somebody(person.customer.id), life.outbox.mail.letters)
                found.journeys |= {
                    (one.customer_id, one.occurrence, one.entered_at)
                    for one in life.journeys.values()
                    if one.flow_key == "birthday"
                }
    return found


def _look_at(found: Found, somebody: Somebody, letters: Sequence[Letter]) -> None:
    for letter in letters:
        found.made[letter.step] += 1
        found.held_out += somebody.is_held_out(letter.flow_key) and letter.purpose != "answer"
        if letter.flow_key == "birthday":
            found.due[somebody.number, letter.step, letter.due_at] += 1
    left = [(one.sent_at, one) for one in letters if one.sent_at is not None]
    found.sent.update(one.step for _, one in left)
    counted = sorted(at for at, one in left if one.purpose != "answer")
    found.at_night += sum(not _DAWN <= at.astimezone(somebody.zone).hour < _DUSK for at in counted)
    found.over_a_day += _closer_than(DAY, counted, 1)
    found.over_a_week += _closer_than(_WEEK, counted, 3)


def _closer_than(span: timedelta, moments: Sequence[datetime], count: int) -> int:
    """How often more than `count` moments lie within a span."""
    return sum(later - earlier < span for earlier, later in zip(moments, moments[count:], strict=False))


def _plan(database: Database, store_id: int) -> set[tuple[int, str, datetime]]:
    """The journeys that the daily plan would have begun, its last slot at the end; in runs of a week."""
    switch_on(database, store_id, "birthday", since=BEGIN)
    begin, end = BEGIN, END + DAY
    while begin < end:
        with database.write() as session:
            store = session.get_one(Store, store_id)
            birthdays.plan(session, store, begin=begin, end=min(begin + _WEEK, end), now=begin)
        begin += _WEEK
    return set(rows_of(database, Enrollment, "customer_id", "occurrence", "entered_at"))


def _told(found: Found, people: Sequence[Somebody]) -> str:
    """The figures in lines."""
    mails = [(one, year, step, at) for one in people for year, step, at in one.birthday_mails()]
    days = (END - BEGIN).days
    leap = Counter(one.birthday(year).day for one, year, step, _ in mails if step == "B2" and _is_leap(one))
    changes = Counter(_change(one, at) for one, _, _, at in mails)
    lines = (
        f"{len(people)} people, {len(PLACES)} zones, {days} days: {len(people) * days} customer-days",
        f"made {sum(found.made.values())}, sent {dict(sorted(found.sent.items()))}",
        f"due by the calendar {len(mails)}, found {len(found.due)}, twice {_twice(found)}",
        f"to the held out {found.held_out}, in quiet hours {found.at_night}",
        f"over one a day {found.over_a_day}, over three a week {found.over_a_week}",
        f"birthdays of 29 February kept on the day of the month {dict(leap)}",
        f"known before the birthday by {_leads(people)}",
        f"on the day of a clock change {changes['forward']} forward, {changes['back']} back",
    )
    return "\n".join(("", *lines, ""))


def _twice(found: Found) -> int:
    return sum(count > 1 for count in found.due.values())


def _leads(people: Sequence[Somebody]) -> dict[str, int]:
    """Of those whose birthday became known about a month before one: how many were congratulated on it."""
    asked = [one for one in people if one.lead is not None and not one.is_held_out("birthday")]
    found = Counter(
        f"{one.lead} days, {'congratulated' if one.told_before in _years(one) else 'not'}" for one in asked
    )
    return dict(sorted(found.items()))


def _is_leap(somebody: Somebody) -> bool:
    return (somebody.born_on.month, somebody.born_on.day) == (2, 29)


def _years(somebody: Somebody) -> set[int]:
    return {year for year, _, _ in somebody.birthday_mails()}


def _change(somebody: Somebody, at: datetime) -> str:
    """Whether the clocks of a person were moved in the 24 hours before."""
    before, after = ((at - ago).astimezone(somebody.zone).utcoffset() for ago in (DAY, timedelta()))
    if before == after:
        return "none"
    return "forward" if (after or timedelta()) > (before or timedelta()) else "back"


def _fill(database: Database) -> int:
    settings = {"rails.holdout_percent": str(HOLDOUT_PERCENT)}
    with database.write() as session:
        store = add_store(session, domain=DOMAIN, settings=settings, installed_at=BEGIN - 300 * DAY)
        store_id = store.id
        people = [Somebody(number) for number in range(1, PEOPLE + 1)]
        for name, rows in _TABLES.items():
            told = [{"store_id": store_id, **row} for row in rows(people)]
            session.execute(Base.metadata.tables[name].insert(), told)
    switch_on(database, store_id, "welcome", "review", "cross_sell", since=BEGIN - 60 * DAY)
    return store_id


def _customers(people: Sequence[Somebody]) -> Iterator[dict[str, Any]]:
    for one in people:
        yield {
            "id": one.number,
            "identity": f"id:{one.number}",
            "external_id": str(one.number),
            "email": f"c{one.number}@example.com",
            "country": one.place[0],
            "region": one.place[1],
            "birth_year": one.born_on.year,
            "birth_month": one.born_on.month,
            "birth_day": one.born_on.day,
            "birth_known_at": one.birth_known_at,
            "tags": [],
            "created_at": one.agreed_at,
        }


def _consents(people: Sequence[Somebody]) -> Iterator[dict[str, Any]]:
    for one in people:
        yield {
            "customer_id": one.number,
            "channel": "email",
            "state": "subscribed",
            "basis": "consent",
            "occurred_at": one.agreed_at,
            "recorded_at": one.agreed_at,
            "source": "shopify",
            "source_key": str(one.number),
        }


def _orders(people: Sequence[Somebody]) -> Iterator[dict[str, Any]]:
    for one in people:
        for turn, at in enumerate(one.ordered_at):
            yield {
                "id": one.number * 2 + turn,
                "external_id": str(one.number * 2 + turn),
                "number": "#",
                "customer_id": one.number,
                "status": "open",
                "financial_status": "paid",
                "fulfillment_status": "fulfilled",
                "currency": "EUR",
                "total_minor": 5000,
                "is_counted": True,
                "placed_at": at,
                "paid_at": at,
                "fulfilled_at": at + DAY,
                "delivered_at": at + 3 * DAY,
                "source_updated_at": at,
            }


def _lines(people: Sequence[Somebody]) -> Iterator[dict[str, Any]]:
    for order in _orders(people):
        yield {
            "order_id": order["id"],
            "external_id": "1",
            "product_external_id": f"p{order['id'] % 2}",
            "title": "A thing",
            "quantity": 1,
            "current_quantity": 1,
            "total_minor": 5000,
        }


def _products(people: Sequence[Somebody]) -> Iterator[dict[str, Any]]:
    for name, others in (("p0", ["p2"]), ("p1", ["p3"]), ("p2", []), ("p3", [])):
        yield {
            "external_id": name,
            "title": "A thing",
            "handle": name,
            "product_type": "",
            "vendor": "",
            "status": "active",
            "is_available": True,
            "price_minor": 1000,
            "currency": "EUR",
            "cross_sell_ids": others,
            "source_updated_at": BEGIN,
        }


def _events(people: Sequence[Somebody]) -> Iterator[dict[str, Any]]:
    for one in people:
        details = {"channel": "email", "state": "subscribed", "source": "shopify"}
        yield _event(one.number, "consent.changed", f"consent:{one.number}", one.agreed_at, details)
    for order in _orders(people):
        for kind, name in _MOMENTS.items():
            yield _event(order["customer_id"], kind, f"order:{order['external_id']}", order[name], {})


def _event(
    customer_id: int, kind: str, subject: str, at: datetime, details: dict[str, str]
) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "type": kind,
        "subject": subject,
        "source_key": f"{kind}:{subject.partition(':')[2]}",
        "occurred_at": at,
        "recorded_at": at,
        "is_pending": False,
        "details": details,
    }


_MOMENTS = {
    "order.placed": "placed_at",
    "order.paid": "paid_at",
    "order.fulfilled": "fulfilled_at",
    "order.delivered": "delivered_at",
}
_TABLES: dict[str, Callable[[Sequence[Somebody]], Iterator[dict[str, Any]]]] = {
    "customers": _customers,
    "consents": _consents,
    "orders": _orders,
    "order_lines": _lines,
    "products": _products,
    "customer_events": _events,
}
