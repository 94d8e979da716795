from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.messaging.hours import at_local, next_allowed, public_holidays

ROME = ZoneInfo("Europe/Rome")
NEW_YORK = ZoneInfo("America/New_York")
HONOLULU = ZoneInfo("Pacific/Honolulu")
EMAIL, SMS = (8, 21), (9, 20)
YEARS = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC))


def rome(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ROME).astimezone(UTC)


def email_at(text: str, purpose: str = "marketing") -> datetime:
    return next_allowed(rome(text), "email", (ROME,), "IT", EMAIL, purpose)


def sms_at(text: str, purpose: str = "marketing") -> datetime:
    return next_allowed(rome(text), "sms", (ROME,), "IT", SMS, purpose)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-11-25T07:59:59", "2026-11-25T08:00"),
        ("2026-11-25T08:00", "2026-11-25T08:00"),
        ("2026-11-25T20:59:59.999999", "2026-11-25T20:59:59.999999"),
        ("2026-11-25T21:00", "2026-11-26T08:00"),
        ("2026-11-25T23:59", "2026-11-26T08:00"),
        ("2026-11-29T12:00", "2026-11-29T12:00"),
        ("2026-12-31T22:00", "2027-01-01T08:00"),
    ],
)
def test_email_leaves_from_eight_until_before_nine_in_the_evening(now: str, then: str) -> None:
    assert email_at(now) == rome(then)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-11-25T08:30", "2026-11-25T09:00"),
        ("2026-11-25T20:00", "2026-11-26T09:00"),
        ("2026-11-28T20:30", "2026-11-30T09:00"),  # Sunday between
        ("2026-11-29T12:00", "2026-11-30T09:00"),  # Sunday
        ("2026-12-24T21:00", "2026-12-28T09:00"),  # Christmas, Santo Stefano, Sunday
        ("2026-12-08T10:00", "2026-12-09T09:00"),  # Immacolata
    ],
)
def test_marketing_by_sms_rests_on_sundays_and_public_holidays(now: str, then: str) -> None:
    assert sms_at(now) == rome(then)


def test_service_by_sms_keeps_the_hours_but_not_the_sundays() -> None:
    assert sms_at("2026-11-29T12:00", "service") == rome("2026-11-29T12:00")
    assert sms_at("2026-11-29T21:00", "service") == rome("2026-11-30T09:00")


@pytest.mark.parametrize("purpose", ["answer", "transactional"])
def test_answers_and_transactional_messages_leave_at_any_hour(purpose: str) -> None:
    assert sms_at("2026-12-25T03:00", purpose) == rome("2026-12-25T03:00")


def test_where_a_country_has_several_zones_all_of_them_must_allow() -> None:
    at_eight_in_new_york = datetime(2026, 11, 25, 13, 0, tzinfo=UTC)

    found = next_allowed(at_eight_in_new_york, "email", (NEW_YORK, HONOLULU), "US", EMAIL, "marketing")

    assert found == datetime(2026, 11, 25, 18, 0, tzinfo=UTC)
    assert found.astimezone(HONOLULU).hour == 8


def test_zones_that_never_agree_leave_it_to_the_likeliest() -> None:
    auckland, apia = ZoneInfo("Pacific/Auckland"), ZoneInfo("Etc/GMT+11")

    found = next_allowed(
        datetime(2026, 6, 1, 12, 0, tzinfo=UTC), "sms", (auckland, apia), None, (9, 10), "marketing"
    )

    assert found.astimezone(auckland).hour == 9


@pytest.mark.parametrize("country", [None, "XX", ""])
def test_a_country_without_known_holidays_has_sundays_only(country: str | None) -> None:
    found = next_allowed(rome("2026-12-25T10:00"), "sms", (ROME,), country, SMS, "marketing")

    assert found == rome("2026-12-25T10:00")


def test_holidays_are_those_of_the_country() -> None:
    assert date(2026, 6, 2) in public_holidays("IT", 2026)
    assert date(2026, 7, 4) in public_holidays("us", 2026)
    assert date(2026, 6, 2) not in public_holidays("DE", 2026)


@pytest.mark.parametrize(
    ("now", "opens_utc"),
    [
        ("2026-03-28T22:00", datetime(2026, 3, 29, 6, 0, tzinfo=UTC)),
        ("2026-10-24T22:00", datetime(2026, 10, 25, 7, 0, tzinfo=UTC)),
    ],
)
def test_the_morning_after_a_clock_change_is_eight_on_the_new_clock(now: str, opens_utc: datetime) -> None:
    assert email_at(now) == opens_utc


@pytest.mark.parametrize(
    ("day", "clock", "expected_utc"),
    [
        (date(2026, 3, 29), time(2, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # skipped: 03:30
        (date(2026, 10, 25), time(2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # repeated: the first
        (date(2026, 10, 25), time(2, 30, fold=1), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (date(2026, 7, 1), time(9), datetime(2026, 7, 1, 7, 0, tzinfo=UTC)),
        (date(2028, 2, 29), time(9), datetime(2028, 2, 29, 8, 0, tzinfo=UTC)),
    ],
)
def test_a_local_time_is_one_moment(day: date, clock: time, expected_utc: datetime) -> None:
    assert at_local(day, clock, ROME) == expected_utc


def test_leap_day_is_a_day_like_others() -> None:
    assert email_at("2028-02-28T22:00") == rome("2028-02-29T08:00")
    assert email_at("2028-02-29T22:00") == rome("2028-03-01T08:00")


@cache
def zones_by_offset() -> list[ZoneInfo]:
    """One zone for each of the offsets that clocks of the world show in 2026."""
    january, july = datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC)
    found: dict[timedelta | None, ZoneInfo] = {}
    for name in sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")):
        zone = ZoneInfo(name)
        for moment in (january, july):
            found.setdefault(moment.astimezone(zone).utcoffset(), zone)
    return list(found.values())


def test_the_world_has_at_least_thirty_eight_offsets() -> None:
    assert len(zones_by_offset()) >= 37


@st.composite
def cases(draw: st.DrawFn) -> tuple[datetime, str, tuple[ZoneInfo, ...], str]:
    moment = draw(st.datetimes(YEARS[0].replace(tzinfo=None), YEARS[1].replace(tzinfo=None)))
    zones = draw(st.lists(st.sampled_from(zones_by_offset()), min_size=1, max_size=2, unique=True))
    channel = draw(st.sampled_from(["email", "sms"]))
    return moment.replace(tzinfo=UTC), channel, tuple(zones), draw(st.sampled_from(["marketing", "service"]))


def is_open(moment: datetime, channel: str, zones: tuple[ZoneInfo, ...], purpose: str) -> bool:
    """The rule said the long way."""
    hours = EMAIL if channel == "email" else SMS
    for zone in zones:
        local = moment.astimezone(zone)
        if not hours[0] <= local.hour < hours[1]:
            return False
        is_rest_day = local.weekday() == 6 or local.date() in public_holidays("IT", local.year)
        if channel == "sms" and purpose == "marketing" and is_rest_day:
            return False
    return True


def first_open_by_steps(
    moment: datetime, channel: str, zones: tuple[ZoneInfo, ...], purpose: str
) -> datetime | None:
    """Quarter by quarter, as every offset and every window is a multiple of that; None after 8 days."""
    if is_open(moment, channel, zones, purpose):
        return moment
    quarter = timedelta(minutes=15)
    start = moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)
    for step in range(1, 8 * 96):
        if is_open(start + step * quarter, channel, zones, purpose):
            return start + step * quarter
    return None


@settings(max_examples=400, deadline=None)
@given(cases())
def test_the_moment_found_is_the_first_that_is_allowed_in_every_zone(
    case: tuple[datetime, str, tuple[ZoneInfo, ...], str],
) -> None:
    moment, channel, zones, purpose = case
    expected = first_open_by_steps(moment, channel, zones, purpose)

    found = next_allowed(moment, channel, zones, "IT", EMAIL if channel == "email" else SMS, purpose)

    if expected is not None:
        assert found == expected
    assert found == next_allowed(
        found, channel, zones, "IT", EMAIL if channel == "email" else SMS, purpose
    ) or (expected is None)


@pytest.mark.parametrize("zone", zones_by_offset(), ids=str)
def test_no_night_of_two_years_lets_a_message_out(zone: ZoneInfo) -> None:
    moment, wrong = YEARS[0], []

    while moment < YEARS[1]:
        found = next_allowed(moment, "email", (zone,), None, EMAIL, "marketing")
        if (
            not 8 <= found.astimezone(zone).hour < 21
            or found < moment
            or found - moment > timedelta(hours=14)
        ):
            wrong.append((moment, found))
        moment += timedelta(hours=7, minutes=13)

    assert wrong == []
