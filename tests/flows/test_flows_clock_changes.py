"""The clock changes of a year in 38 zones: each birthday mail once, at nine by its owner's clock."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.db import Database
from app.flows import birthdays
from app.models import Store
from tests.e2e.years import PLACES
from tests.flows.flows_world import World
from tests.seeds import switch_on

YEAR = 2027
DAY, HALF = timedelta(days=1), timedelta(hours=12)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
STEPS = {"B1": -7, "B2": 0, "B3": 11}
"""The days from the birthday to each of its mails."""
ELSEWHERE = (date(YEAR, 3, 28), date(YEAR, 10, 31))
"""When the shop's own clocks change; so they do nowhere else on those days, and in some places never."""
SPELLS = ((date(YEAR, 2, 20), date(YEAR, 4, 30)), (date(YEAR, 9, 5), date(YEAR, 11, 30)))
"""All changes lie in these, with the mails around them."""


def test_over_the_clock_changes_of_38_zones_each_mail_is_due_once_at_nine(database: Database) -> None:
    world = World.open(database, settings={"rails.holdout_percent": "0"})
    switch_on(database, world.store_id, "birthday", since=LONG_AGO)
    expected = set()
    for place, name in PLACES.items():
        for birthday in sorted(_birthdays(ZoneInfo(name))):
            person = _born(world, place, birthday)
            expected |= {
                (person, step, _at_nine(birthday + days * DAY, name)) for step, days in STEPS.items()
            }

    for first, last in SPELLS:
        _live(world, first, last)

    made = world.messages("customer_id", "step", "due_at")
    assert len(_with_changes()) > 15
    assert len(made) == len(expected)
    assert set(made) == expected


def _with_changes() -> set[str]:
    return {name for name in PLACES.values() if _changes(ZoneInfo(name))}


def _changes(zone: ZoneInfo) -> list[date]:
    """The days of the year on which the clocks are moved."""
    days = [date(YEAR, 1, 1) + number * DAY for number in range(1, 365)]
    noon = {day: datetime.combine(day, time(12), zone).utcoffset() for day in (date(YEAR, 1, 1), *days)}
    return [day for day in days if noon[day] != noon[day - DAY]]


def _birthdays(zone: ZoneInfo) -> set[date]:
    """Such that each of the mails falls on a change for somebody, and the others on both sides of it."""
    changes = _changes(zone) or ELSEWHERE
    return {change - days * DAY for change in changes for days in STEPS.values()}


def _at_nine(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(9), ZoneInfo(zone)).astimezone(UTC)


def _born(world: World, place: tuple[str, str], day: date) -> int:
    country, region = place
    return world.customer(
        country=country,
        region=region,
        birth_month=day.month,
        birth_day=day.day,
        birth_known_at=LONG_AGO,
    )


def _live(world: World, first: date, last: date) -> None:
    """Each day's slot is planned twice, as after a crash, and the flows look twice a day."""
    for moment in _moments(first, last):
        if moment.hour == 0:
            for _ in range(2):
                with world.database.write() as session:
                    store = session.get_one(Store, world.store_id)
                    birthdays.plan(session, store, begin=moment, end=moment + DAY, now=moment)
        world.run(moment)


def _moments(first: date, last: date) -> Iterator[datetime]:
    moment = datetime.combine(first, time(0), UTC)
    while moment.date() <= last:
        yield moment
        moment += HALF
