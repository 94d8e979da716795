"""Birthdays over years, zones and missed days: each person once a year, at 09:00 of their own."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.db import Database
from app.flows import birthdays
from app.models import Customer, Decision, Enrollment, Store
from tests.flows.flows_world import World
from tests.seeds import rows_of, switch_on, values_of

DAY = timedelta(days=1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ZONES = {
    ("IT", ""): "Europe/Rome",
    ("US", "CA"): "America/Los_Angeles",
    ("WS", ""): "Pacific/Apia",
    ("AS", ""): "Pacific/Pago_Pago",
    ("IN", ""): "Asia/Kolkata",
    ("NP", ""): "Asia/Kathmandu",
    ("AU", "NSW"): "Australia/Sydney",
}
"""Where people live, by country and region: from UTC−11 to UTC+13, halves and quarters included."""


def test_everybody_is_planned_once_a_year_at_nine_of_their_own(database: Database) -> None:
    world = _birthday_world(database)
    days = [date(2000, 1, 1), date(2000, 2, 28), date(2000, 2, 29), date(2000, 3, 1), date(2000, 3, 29)]
    days += [date(2000, 10, 25), date(2000, 11, 1), date(2000, 12, 31), date(2000, 7, 15)]
    for country, region in ZONES:
        for day in days:
            _born(world, day, country=country, region=region)

    for week in range(157):
        begin = datetime(2026, 12, 28, tzinfo=UTC) + week * 7 * DAY
        _plan_at_once(world, begin, begin + 7 * DAY)

    planned = rows_of(database, Enrollment, "customer_id", "occurrence", "due_at")
    years = Counter(occurrence for _, occurrence, _ in planned)
    zones = {
        row_id: ZoneInfo(ZONES[country, region])
        for row_id, country, region in rows_of(database, Customer, "id", "country", "region")
    }
    assert {due.astimezone(zones[person]).strftime("%H:%M") for person, _, due in planned} == {"09:00"}
    assert years["year:2028"] == years["year:2029"] == len(ZONES) * len(days)
    assert len({(person, occurrence) for person, occurrence, _ in planned}) == len(planned)


@pytest.mark.parametrize(("year", "day"), [(2027, 28), (2028, 29), (2029, 28), (2032, 29)])
def test_a_leap_day_is_kept_on_the_last_of_february(database: Database, year: int, day: int) -> None:
    world = _birthday_world(database)
    _born(world, date(2000, 2, 29))

    _plan(world, datetime(year, 1, 1, tzinfo=UTC), days=100)

    assert values_of(database, Enrollment, "due_at") == [datetime(year, 2, day - 7, 8, 0, tzinfo=UTC)]


@pytest.mark.parametrize("missed", [1, 3, 7])
def test_missed_slots_are_made_up_for_who_was_congratulated_last_year(
    database: Database, missed: int
) -> None:
    """The gap of 364 days is measured from each one's own slot, not from the first of the range."""
    world = _birthday_world(database)
    _born(world, date(2000, 5, 20))
    _plan_at_once(world, datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))
    own_slot = datetime(2028, 5, 13, tzinfo=UTC)

    _plan_at_once(world, own_slot - missed * DAY, own_slot + DAY)

    assert rows_of(database, Enrollment, "occurrence", "entered_at") == [
        ("year:2027", datetime(2027, 5, 13, tzinfo=UTC)),
        ("year:2028", own_slot),
    ]
    assert rows_of(database, Decision) == []


def test_a_range_that_is_planned_again_plans_and_refuses_nobody(database: Database) -> None:
    world = _birthday_world(database)
    for day in (20, 21, 22):
        _born(world, date(2000, 5, day))
    begin = datetime(2028, 5, 13, tzinfo=UTC)

    planned = [_plan_at_once(world, begin, begin + n * DAY) for n in (1, 3, 3)]

    assert planned == [1, 2, 0]
    assert rows_of(database, Decision) == []


def test_a_range_over_new_year_belongs_to_the_years_of_the_birthdays(database: Database) -> None:
    world = _birthday_world(database)
    for day in (date(2000, 12, 31), date(2000, 1, 1), date(2000, 1, 6), date(2000, 1, 9)):
        _born(world, day)

    _plan_at_once(world, datetime(2027, 12, 24, tzinfo=UTC), datetime(2028, 1, 3, tzinfo=UTC))

    assert values_of(database, Enrollment, "occurrence") == ["year:2027"] + ["year:2028"] * 3


def test_a_date_that_is_moved_every_day_fires_once(database: Database) -> None:
    world = _birthday_world(database)
    anna = _born(world, date(2000, 5, 20))

    for n in range(40):
        slot = datetime(2028, 5, 10, tzinfo=UTC) + n * DAY
        moved = slot.date() + 7 * DAY
        world.change(Customer, anna, birth_month=moved.month, birth_day=moved.day)
        _plan_at_once(world, slot, slot + DAY)

    assert values_of(database, Enrollment, "entered_at") == [datetime(2028, 5, 10, tzinfo=UTC)]


@pytest.mark.parametrize(("apart", "planned"), [(363, 1), (364, 2)])
def test_two_birthdays_are_364_days_apart(database: Database, apart: int, planned: int) -> None:
    world = _birthday_world(database)
    anna = _born(world, date(2000, 5, 20))
    first = datetime(2027, 5, 13, tzinfo=UTC)
    _plan_at_once(world, first, first + DAY)

    moved = (first + (apart + 7) * DAY).date()
    world.change(Customer, anna, birth_month=moved.month, birth_day=moved.day)
    _plan_at_once(world, first + apart * DAY, first + (apart + 1) * DAY)

    assert len(values_of(database, Enrollment, "id")) == planned


@pytest.mark.parametrize(
    ("birth_year", "planned"), [(2010, 1), (2011, 0), (None, 1)], ids=["18 that day", "17", "year unknown"]
)
def test_who_turns_eighteen_that_day_is_no_minor(
    database: Database, birth_year: int | None, planned: int
) -> None:
    world = _birthday_world(database)
    anna = _born(world, date(2000, 5, 20))
    world.change(Customer, anna, birth_year=birth_year)

    assert (
        _plan_at_once(world, datetime(2028, 5, 13, tzinfo=UTC), datetime(2028, 5, 14, tzinfo=UTC)) == planned
    )


@pytest.mark.parametrize(("known_at", "planned"), [(20, 1), (21, 0)], ids=["30 days", "29 days"])
def test_a_birthday_is_known_for_thirty_days_of_the_customers_calendar(
    database: Database, known_at: int, planned: int
) -> None:
    """Told at 20:00 UTC: in Sydney that is already the next day."""
    world = _birthday_world(database)
    sydney = {"country": "AU", "region": "NSW"}
    told_at = datetime(2028, 4, known_at - 1, 20, 0, tzinfo=UTC)
    _born(world, date(2000, 5, 20), birth_known_at=told_at, **sydney)

    _plan(world, datetime(2028, 5, 10, tzinfo=UTC), days=5)

    assert len(values_of(database, Enrollment, "id")) == planned


def test_what_was_due_before_the_flow_was_switched_on_is_left_out(database: Database) -> None:
    world = _birthday_world(database, since=datetime(2028, 5, 13, 8, 30, tzinfo=UTC))
    _born(world, date(2000, 5, 20))
    _born(world, date(2000, 5, 20), country="US", region="CA")

    _plan_at_once(world, datetime(2028, 5, 12, tzinfo=UTC), datetime(2028, 5, 14, tzinfo=UTC))

    assert values_of(database, Enrollment, "due_at") == [datetime(2028, 5, 13, 16, 0, tzinfo=UTC)]


def test_the_code_lives_until_the_fourteenth_day_ends(database: Database) -> None:
    world = _birthday_world(database)
    _born(world, date(2000, 10, 20))
    _plan_at_once(world, datetime(2028, 10, 13, tzinfo=UTC), datetime(2028, 10, 14, tzinfo=UTC))

    for day in (13, 20, 31):
        world.run(datetime(2028, 10, day, 23, tzinfo=UTC))

    due = {
        step: (due_at, expires_at)
        for step, due_at, expires_at in world.messages("step", "due_at", "expires_at")
    }
    midnight = datetime(2028, 11, 3, 23, 0, tzinfo=UTC)
    assert due == {
        "B1": (datetime(2028, 10, 13, 7, 0, tzinfo=UTC), datetime(2028, 10, 15, 7, 0, tzinfo=UTC)),
        "B2": (datetime(2028, 10, 20, 7, 0, tzinfo=UTC), datetime(2028, 10, 20, 22, 0, tzinfo=UTC)),
        "B3": (datetime(2028, 10, 31, 8, 0, tzinfo=UTC), midnight),
    }


def test_the_redemption_of_its_own_code_ends_a_birthday(database: Database) -> None:
    world = _birthday_world(database)
    anna = _born(world, date(2000, 5, 20))
    _plan_at_once(world, datetime(2028, 5, 13, tzinfo=UTC), datetime(2028, 5, 14, tzinfo=UTC))
    (journey,) = world.journeys("id")
    world.happens("voucher.redeemed", anna, datetime(2028, 5, 14, tzinfo=UTC), {"enrollment_id": journey + 1})
    world.run(datetime(2028, 5, 14, tzinfo=UTC))
    before = world.journeys("state")

    world.happens("voucher.redeemed", anna, datetime(2028, 5, 15, tzinfo=UTC), {"enrollment_id": journey})
    world.run(datetime(2028, 5, 20, 23, tzinfo=UTC))

    assert before == ["active"]
    assert world.journeys("state", "exit_reason") == [("exited", "voucher.redeemed")]
    assert world.messages() == ["B1"]


def _birthday_world(database: Database, since: datetime = LONG_AGO) -> World:
    world = World.open(database)
    switch_on(database, world.store_id, "birthday", since=since)
    return world


def _born(world: World, day: date, **values: Any) -> int:
    fields: dict[str, Any] = {"birth_month": day.month, "birth_day": day.day, "birth_known_at": LONG_AGO}
    return world.customer(**(fields | values))


def _plan(world: World, begin: datetime, days: int) -> None:
    """The slots of so many days, each by its own run."""
    for n in range(days):
        _plan_at_once(world, begin + n * DAY, begin + (n + 1) * DAY)


def _plan_at_once(world: World, begin: datetime, end: datetime) -> int:
    with world.database.write() as session:
        store = session.get(Store, world.store_id)
        assert store is not None
        return birthdays.plan(session, store, begin=begin, end=end, now=begin)
