"""Whose clock: the zones of a customer, local moments, and the hours in which a channel may be used."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import holidays

from tests.oracle.model import StoreSettings
from tests.oracle.moments import moment, seconds_of
from tests.oracle.state import Person

# The zone in which most of a state's people live. Source: tzdata, zone.tab and its comments.
_US = {
    "America/New_York": "CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC VA VT WV",
    "America/Chicago": "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI",
    "America/Denver": "CO MT NM UT WY",
    "America/Boise": "ID",
    "America/Phoenix": "AZ",
    "America/Los_Angeles": "CA NV OR WA",
    "America/Anchorage": "AK",
    "Pacific/Honolulu": "HI",
}
_REGIONS = {("US", state): zone for zone, states in _US.items() for state in states.split()}
_CALLING_CODES = {"+39": "IT", "+49": "DE", "+33": "FR", "+1": ""}
_MIDNIGHT = time(0)


@cache
def _country_zones(country: str) -> tuple[str, ...]:
    """The zones of a country; those that keep the same hours count once (Büsingen keeps Berlin's)."""
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text()
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    by_hours: dict[tuple[timedelta | None, ...], str] = {}
    for row in rows:
        if row[0] == country:
            zone = row[2].strip()
            by_hours.setdefault(_hours_of(zone), zone)
    return tuple(by_hours.values())


@cache
def _hours_of(zone: str) -> tuple[timedelta | None, ...]:
    days = (datetime(year, month, 15, tzinfo=UTC) for year in range(2020, 2031) for month in range(1, 13))
    return tuple(day.astimezone(ZoneInfo(zone)).utcoffset() for day in days)


def zone_of(person: Person, store: StoreSettings) -> ZoneInfo:
    """The one zone in which dates and hours are counted for a customer."""
    named = _REGIONS.get((person.country, person.region))
    if named is None:
        for country in (person.country, _phone_country(person.phone)):
            zones = _country_zones(country) if country else ()
            if len(zones) == 1:
                named = zones[0]
                break
    return ZoneInfo(named or store.timezone)


def possible_zones(person: Person, store: StoreSettings) -> tuple[ZoneInfo, ...]:
    """Every zone the customer may be in; the phone counts only where there is no address."""
    named = _REGIONS.get((person.country, person.region))
    if named:
        return (ZoneInfo(named),)
    country = person.country or _phone_country(person.phone)
    zones = _country_zones(country) if country else ()
    return tuple(ZoneInfo(zone) for zone in zones) or (ZoneInfo(store.timezone),)


def local_date(at: int, zone: ZoneInfo) -> date:
    """The day on a zone's calendar."""
    return moment(at).astimezone(zone).date()


def local_moment(day: date, clock: time, zone: ZoneInfo) -> int:
    """The moment of a wall time: a skipped one moves forward, of a repeated one the first counts."""
    return seconds_of(datetime.combine(day, clock, zone).astimezone(UTC))


def next_open(at: int, channel: str, person: Person, store: StoreSettings, *, is_marketing: bool) -> int:
    """The first moment from `at` on at which the channel's hours allow a message in all zones."""
    zones = possible_zones(person, store)
    country = person.country or store.country if is_marketing and channel == "sms" else ""
    while True:
        latest = max(_open_in(at, zone, _hours(channel, store), country) for zone in zones)
        if latest == at:
            return at
        at = latest


def _open_in(at: int, zone: ZoneInfo, hours: tuple[int, int], country: str) -> int:
    local = moment(at).astimezone(zone)
    is_free = bool(country) and _is_free_day(local.date(), country)
    if not is_free and hours[0] <= local.hour < hours[1]:
        return at
    day = local.date()
    if is_free or local.hour >= hours[1]:
        day += timedelta(days=1)
    return local_moment(day, time(hours[0]), zone)


def _is_free_day(day: date, country: str) -> bool:
    return day.weekday() == 6 or day in _holidays(country, day.year)


@cache
def _holidays(country: str, year: int) -> frozenset[date]:
    if country not in holidays.list_supported_countries(include_aliases=True):
        return frozenset()
    return frozenset(holidays.country_holidays(country, years=year))


def _hours(channel: str, store: StoreSettings) -> tuple[int, int]:
    return store.sms_hours if channel == "sms" else store.email_hours


def _phone_country(phone: str) -> str:
    codes: Iterable[tuple[str, str]] = _CALLING_CODES.items()
    return next((country for code, country in codes if phone.startswith(code)), "")
