"""Quiet hours: the first moment a message may leave, in every zone where its customer may be."""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib import import_module
from typing import NamedTuple
from zoneinfo import ZoneInfo

EMAIL_HOURS, SMS_HOURS = (8, 21), (9, 20)
EXEMPT_PURPOSES = frozenset({"answer", "transactional"})

_MARKETING = "marketing"
_CHANNELS_WITH_REST_DAYS = frozenset({"sms", "whatsapp"})
_SUNDAY = 7
_MIDNIGHT = 24
_ONE_DAY = timedelta(days=1)
_ONE_MINUTE = timedelta(minutes=1)

# A country can span so many zones that no moment suits them all (Antarctica); after two weeks
# without one, the first zone decides alone.
_HORIZON = timedelta(days=14)

_HOLIDAYS = "holidays"
"""By its name: it brings the calendars of half the world, 3 MiB that only who sends texts needs."""


def next_allowed(  # noqa: PLR0917 - flows and limits pass the six in the order in which one says them
    moment: datetime,
    channel: str,
    zones: tuple[ZoneInfo, ...],
    country: str | None,
    hours: tuple[int, int],
    purpose: str,
) -> datetime:
    """The first moment from `moment` on at which a message may leave.

    Allowed means: from the first hour on and before the second one in every zone and, for marketing by
    SMS, on no Sunday and no public holiday of the country there. Answers and transactional messages
    may always leave.

    Args:
        moment: aware; returned as it is if it is allowed.
        channel: email, sms or whatsapp.
        zones: where the customer may be (`zones.zones_for_hours`), the likeliest first.
        country: ISO code, for the public holidays; None or an unknown one has none.
        hours: the channel's first hour and the hour that ends it, 0 to 24 (`(8, 21)`: 08:00 to 20:59).
        purpose: answer, service, marketing or transactional.

    Returns:
        `moment`, or a later whole minute, aware UTC.
    """
    if purpose in EXEMPT_PURPOSES:
        return moment
    keeps_rest_days = purpose == _MARKETING and channel in _CHANNELS_WITH_REST_DAYS
    start, end = hours
    shown = [moment.astimezone(zone).hour for zone in zones]
    if not keeps_rest_days and start <= min(shown) <= max(shown) < end:
        return moment
    rule = _Rule(start, end, keeps_rest_days, country)
    return _first_open(moment, zones, rule) or _first_open(moment, zones[:1], rule) or moment


def at_local(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The moment (UTC) when a zone's clock shows this.

    A repeated hour is the first one. A skipped one moves forward by the length of the gap: 02:30 on the
    night that 02:00 becomes 03:00 is 03:30.
    """
    return datetime.combine(day, clock.replace(fold=0), tzinfo=zone).astimezone(UTC)


@lru_cache(maxsize=1024)
def public_holidays(country: str, year: int) -> frozenset[date]:
    """The national public holidays of a year; empty for a country whose holidays are not known."""
    known = import_module(_HOLIDAYS)
    try:
        return frozenset(known.country_holidays(country.upper(), years=year))
    except NotImplementedError:
        return frozenset()


class _Rule(NamedTuple):
    start_hour: int
    end_hour: int
    keeps_rest_days: bool
    country: str | None

    def is_rest_day(self, day: date) -> bool:
        if day.isoweekday() == _SUNDAY:
            return True
        return self.country is not None and day in public_holidays(self.country, day.year)


def _first_open(moment: datetime, zones: Collection[ZoneInfo], rule: _Rule) -> datetime | None:
    """Push the moment past each zone's obstacle until no zone objects."""
    candidate, last = moment, None
    while last is None or candidate <= last:
        pushed = candidate
        for zone in zones:
            pushed = max(pushed, _opening(candidate, zone, rule))
        if pushed == candidate:
            return candidate
        candidate, last = pushed, moment + _HORIZON
    return None


def _opening(moment: datetime, zone: ZoneInfo, rule: _Rule) -> datetime:
    """The moment itself if this zone is open, else when its next window might start."""
    local = moment.astimezone(zone)
    if local.hour >= rule.end_hour or (rule.keeps_rest_days and rule.is_rest_day(local.date())):
        return _start(local.date() + _ONE_DAY, rule.start_hour, zone, moment)
    if local.hour < rule.start_hour:
        return _start(local.date(), rule.start_hour, zone, moment)
    return moment


def _start(day: date, hour: int, zone: ZoneInfo, moment: datetime) -> datetime:
    """The window's start, or the next minute where a clock set back shows an hour that has passed."""
    opening = at_local(day, time(hour % _MIDNIGHT), zone)
    if opening > moment:
        return opening
    return moment.astimezone(UTC).replace(second=0, microsecond=0) + _ONE_MINUTE
