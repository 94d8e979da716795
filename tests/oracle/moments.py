"""Moments as whole seconds since 1970 UTC, which is how the oracle counts."""

from __future__ import annotations

from datetime import UTC, datetime

MINUTE = 60
HOUR = 3600
DAY = 86400


def seconds(text: str) -> int:
    """Seconds of an RFC 3339 text, any offset."""
    return seconds_of(datetime.fromisoformat(text))


def maybe_seconds(text: str | None) -> int | None:
    """Seconds of a text that may be missing."""
    return None if text is None else seconds(text)


def seconds_of(moment: datetime) -> int:
    """Whole seconds of an aware moment.

    Raises:
        ValueError: the moment carries no zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} carries no zone")
    return int(moment.timestamp() // 1)


def moment(at: int) -> datetime:
    """The aware UTC moment."""
    return datetime.fromtimestamp(at, UTC)


def maybe_moment(at: int | None) -> datetime | None:
    """The moment of seconds that may be missing."""
    return None if at is None else moment(at)


def ceil_minute(at: int) -> int:
    """The whole minute at or after a moment."""
    return -(-at // MINUTE) * MINUTE
