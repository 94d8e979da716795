"""Moments as whole seconds since 1970 UTC: kept small, shown as RFC 3339, given out as aware datetimes."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE = 60
HOUR = 3600
DAY = 86400
WEEK = 7 * DAY
_EPOCH = datetime(1970, 1, 1)


@lru_cache(maxsize=4096)
def aware(seconds: int) -> datetime:
    """The moment as an aware UTC datetime."""
    return datetime.fromtimestamp(seconds, UTC)


def maybe_aware(seconds: int) -> datetime | None:
    """The moment, or None for 0, which stands for never."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def seconds_of(moment: datetime) -> int:
    """Whole seconds of an aware datetime."""
    return int(moment.timestamp())


def rfc3339(seconds: int) -> str:
    """The moment as text, `2026-12-01T09:00:00Z`."""
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}Z"


def parse_rfc3339(text: str) -> int:
    """Seconds of an RFC 3339 text.

    Raises:
        ValueError: the text is no moment or carries no offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} carries no offset")
    return int(moment.timestamp())


def floor_hour(seconds: int) -> int:
    """The full hour at or before the moment."""
    return seconds - seconds % HOUR


def ceil_hour(seconds: int) -> int:
    """The full hour at or after the moment."""
    return -(-seconds // HOUR) * HOUR


def weeks_until_yesterday(last_wall: int, started_at: datetime, zone: ZoneInfo) -> int:
    """How many whole weeks a wall time may move forward and still end no later than yesterday.

    Args:
        last_wall: the last wall time, as seconds since 1970 of a clock without a zone.
        started_at: the real moment whose day, in the zone, is today.
        zone: the store's zone.
    """
    today = datetime.combine(started_at.astimezone(zone).date(), datetime.min.time())
    return (int((today - _EPOCH).total_seconds()) - 1 - last_wall) // WEEK


def shifted_utc(wall: int, weeks: int, zone: ZoneInfo) -> int:
    """UTC seconds of a wall time moved by whole weeks; a time that does not exist moves forward."""
    existing = _as_utc(_EPOCH + timedelta(seconds=wall), zone).astimezone(zone).replace(tzinfo=None)
    return int(_as_utc(existing + timedelta(weeks=weeks), zone).timestamp())


def _as_utc(wall: datetime, zone: ZoneInfo) -> datetime:
    return wall.replace(tzinfo=zone).astimezone(UTC)
