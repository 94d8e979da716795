"""Caps, spacing and quiet hours: the first moment at which a message may leave. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.messaging.hours import next_allowed

DAY, WEEK = timedelta(hours=24), timedelta(days=7)
ASK_SPACING = timedelta(days=3)
ASKS = frozenset({"M1", "M2", "M3", "M4"})
SPACED_FROM_ASKS = ASKS | {"X1", "X2"}
_ROUNDS = 40


class Departure(NamedTuple):
    """A message that left and counts: when, by which channel, which step.

    `is_this_tick`: it was decided in the same tick; then the arbiter made the loser wait.
    """

    sent_at: datetime
    channel: str
    step: str
    is_this_tick: bool = False


class Rails(NamedTuple):
    """The limits that apply to one customer, and what left in the last days (any order)."""

    departures: Sequence[Departure]
    zones: tuple[ZoneInfo, ...]
    country: str | None
    hours: tuple[int, int]
    cap_per_day: int = 1
    cap_per_week: int = 3
    sms_cap_per_week: int = 1


def next_moment(
    rails: Rails, now: datetime, *, channel: str, purpose: str, step: str
) -> tuple[datetime, str | None]:
    """The first moment from `now` on that all rails allow, and what stands in the way now.

    The reason is `capped`, `lost-to-better` (only a message of this very tick is in the way) or
    `quiet-hours`; None when the moment is now.
    """
    after = _after_caps(rails, now, channel=channel, step=step)
    reason = _obstacle(rails, now, channel=channel, step=step) if after > now else None
    moment = now
    for _ in range(_ROUNDS):
        capped = _whole_minute(after) if after > moment else moment
        allowed = next_allowed(capped, channel, rails.zones, rails.country, rails.hours, purpose)
        if allowed == moment:
            break
        moment = allowed
        after = _after_caps(rails, moment, channel=channel, step=step)
    if moment == now:
        return now, None
    return moment, reason or "quiet-hours"


def _obstacle(rails: Rails, now: datetime, *, channel: str, step: str) -> str:
    """Why caps or spacing forbid this moment."""
    earlier = [departure for departure in rails.departures if not departure.is_this_tick]
    without = rails._replace(departures=earlier)
    is_free_without = _after_caps(without, now, channel=channel, step=step) <= now
    return "lost-to-better" if is_free_without else "capped"


def _after_caps(rails: Rails, moment: datetime, *, channel: str, step: str) -> datetime:
    """`moment`, or the later one at which every cap and the spacing have room again."""
    if not rails.departures and min(rails.cap_per_day, rails.cap_per_week, rails.sms_cap_per_week) > 0:
        return moment
    everything = [departure.sent_at for departure in rails.departures]
    latest = _after_window(everything, moment, rails.cap_per_day, DAY)
    latest = max(latest, _after_window(everything, moment, rails.cap_per_week, WEEK))
    if channel == "sms":
        texts = [departure.sent_at for departure in rails.departures if departure.channel == "sms"]
        latest = max(latest, _after_window(texts, moment, rails.sms_cap_per_week, WEEK))
    if step in SPACED_FROM_ASKS:
        asks = [departure.sent_at for departure in rails.departures if departure.step in ASKS]
        latest = max([latest, *(asked + ASK_SPACING for asked in asks)])
    return latest


def _after_window(sent: Sequence[datetime], moment: datetime, cap: int, window: timedelta) -> datetime:
    """When fewer than `cap` departures lie within the window that ends then."""
    if len(sent) < cap:
        return moment
    inside = sorted((at for at in sent if at > moment - window), reverse=True)
    if len(inside) < cap:
        return moment
    return inside[cap - 1] + window if cap > 0 else moment + window


def _whole_minute(moment: datetime) -> datetime:
    """The moment, rounded up to a whole minute."""
    if moment.second == 0 and moment.microsecond == 0:
        return moment
    return moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
