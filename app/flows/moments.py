"""When a step is due and until when it is worth something; local days included. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.flows.checks import OF_THE_DAY
from app.flows.definition import Message, Wait, WaitFor
from app.messaging.hours import at_local, next_allowed

_NONE = timedelta()


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is, as far as it matters for hours.

    `zone` decides dues at a local time; a text must be allowed in all of `zones`.
    """

    zone: ZoneInfo
    zones: tuple[ZoneInfo, ...]
    country: str | None
    sms_hours: tuple[int, int] = (9, 20)


ANYWHERE = Place(ZoneInfo("UTC"), (), None)
"""For steps that mind no local hours."""


def due(step: Wait, anchors: Mapping[str, datetime], place: Place, review_delay_days: int) -> datetime:
    """The moment that a wait ends."""
    anchor = anchors[step.anchor]
    delay = timedelta(days=review_delay_days) if step.delay == "review-products" else _NONE
    if step.at is None:
        return anchor + step.span + delay
    day = local_date(anchor, place.zone) + timedelta(days=step.days) + delay
    return at_local(day, time.fromisoformat(step.at), place.zone)


def assumed(
    step: WaitFor, anchors: Mapping[str, datetime], median: timedelta | None, *, is_abroad: bool
) -> datetime:
    """The moment taken for an event that never came: the store's median, else the days waited."""
    days = timedelta(days=step.days_abroad if is_abroad else step.days_home)
    return anchors[step.anchor] + (median or days)


def expires(step: Message, at: datetime, anchors: Mapping[str, datetime], place: Place) -> datetime:
    """When a message is no longer worth sending."""
    if step.ttl_hours is not None:
        return at + timedelta(hours=step.ttl_hours)
    if step.until == OF_THE_DAY:
        return end_of_day(local_date(at, place.zone), place.zone)
    return anchors[step.until or ""]


def has_sms_window(at: datetime, until: datetime, place: Place, has_sms: bool) -> bool:
    """Whether a text could still leave before `until`."""
    if not has_sms:
        return False
    return next_allowed(at, "sms", place.zones, place.country, place.sms_hours, "marketing") < until


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """The calendar day of a moment in a zone."""
    return moment.astimezone(zone).date()


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which a local day is over."""
    return at_local(day + timedelta(days=1), time(0), zone)


def birthday_in(year: int, month: int, day: int) -> date:
    """The birthday's date in a year; 29 February is kept on 28 February in common years."""
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, month, 28)
