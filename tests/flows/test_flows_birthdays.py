"""The daily plan of the birthdays, on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.db import Database
from app.flows import birthdays
from app.models import Decision, Enrollment, Store
from tests import seeds

DAY = timedelta(days=1)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def plan(database: Database, store_id: int, begin: datetime, days: int = 1) -> int:
    with database.write() as session:
        store = session.get(Store, store_id)
        assert store is not None
        return birthdays.plan(session, store, begin=begin, end=begin + days * DAY, now=begin)


def born(month: int, day: int, year: int | None = 1990, **values: Any) -> dict[str, Any]:
    return {
        "birth_month": month,
        "birth_day": day,
        "birth_year": year,
        "birth_known_at": LONG_AGO,
        **values,
    }


@pytest.fixture
def store_id(database: Database) -> int:
    found = seeds.new_store(database)
    seeds.switch_on(database, found, "birthday", since=LONG_AGO)
    return found


def add(database: Database, store_id: int, **values: Any) -> None:
    with database.write() as session:
        seeds.add_customer(session, store_id, **values)


def test_the_first_mail_is_planned_for_nine_local_a_week_before(database: Database, store_id: int) -> None:
    add(database, store_id, **born(11, 20))

    assert plan(database, store_id, datetime(2026, 11, 12, tzinfo=UTC)) == 0
    assert plan(database, store_id, datetime(2026, 11, 13, tzinfo=UTC)) == 1

    [(occurrence, due_at)] = seeds.rows_of(database, Enrollment, "occurrence", "due_at")
    assert occurrence == "year:2026"
    assert due_at == datetime(2026, 11, 13, 8, 0, tzinfo=UTC)


def test_the_plan_made_twice_is_made_once(database: Database, store_id: int) -> None:
    add(database, store_id, **born(11, 20))

    plan(database, store_id, datetime(2026, 11, 13, tzinfo=UTC))
    plan(database, store_id, datetime(2026, 11, 13, tzinfo=UTC))

    assert len(seeds.rows_of(database, Enrollment, "id")) == 1


def test_a_range_of_missed_days_is_made_up(database: Database, store_id: int) -> None:
    for day in (20, 21, 22):
        add(database, store_id, **born(11, day))

    assert plan(database, store_id, datetime(2026, 11, 13, tzinfo=UTC), days=3) == 3


def test_the_turn_of_the_year_belongs_to_the_birthdays_own_year(database: Database, store_id: int) -> None:
    add(database, store_id, **born(1, 3))

    plan(database, store_id, datetime(2026, 12, 27, tzinfo=UTC))

    assert seeds.values_of(database, Enrollment, "occurrence") == ["year:2027"]


@pytest.mark.parametrize(("year", "day"), [(2027, 28), (2028, 29)])
def test_a_leap_day_is_kept_on_the_last_of_february(
    database: Database, store_id: int, year: int, day: int
) -> None:
    add(database, store_id, **born(2, 29))

    planned = plan(database, store_id, datetime(year, 2, day - 7, tzinfo=UTC))

    assert planned == 1


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"birth_known_at": datetime(2026, 10, 22, 12, 0, tzinfo=UTC)}, "not-due"),
        ({"birth_year": 2009}, "minor"),
    ],
)
def test_guards_keep_a_birthday_quiet_and_say_why(
    database: Database, store_id: int, values: dict[str, Any], reason: str
) -> None:
    add(database, store_id, **(born(11, 20) | values))

    planned = plan(database, store_id, datetime(2026, 11, 13, tzinfo=UTC))

    assert planned == 0
    assert seeds.values_of(database, Decision, "reason") == [reason]


def test_a_birthday_told_exactly_thirty_days_before_is_in_time(database: Database, store_id: int) -> None:
    add(database, store_id, **born(11, 20, birth_known_at=datetime(2026, 10, 21, 12, 0, tzinfo=UTC)))

    assert plan(database, store_id, datetime(2026, 11, 13, tzinfo=UTC)) == 1


def test_a_changed_date_does_not_fire_twice_in_364_days(database: Database, store_id: int) -> None:
    add(database, store_id, **born(11, 20))
    plan(database, store_id, datetime(2026, 11, 13, tzinfo=UTC))
    with database.write() as session:
        session.execute(
            birthdays.CUSTOMERS.update()
            .where(birthdays.CUSTOMERS.c.store_id == store_id)
            .values(birth_month=12, birth_day=20)
        )

    assert plan(database, store_id, datetime(2026, 12, 13, tzinfo=UTC)) == 0
    assert "duplicate" in seeds.values_of(database, Decision, "reason")


def test_the_hour_is_the_customers_own(database: Database, store_id: int) -> None:
    add(database, store_id, **born(11, 20, country="US", region="CA"))

    plan(database, store_id, datetime(2026, 11, 13, tzinfo=UTC))

    assert seeds.values_of(database, Enrollment, "due_at") == [datetime(2026, 11, 13, 17, 0, tzinfo=UTC)]


def test_a_flow_that_is_off_plans_nobody(database: Database) -> None:
    store_id = seeds.new_store(database)
    add(database, store_id, **born(11, 20))

    assert plan(database, store_id, datetime(2026, 11, 13, tzinfo=UTC)) == 0
