"""How fast SendGrid lets us go, as the headers of its last answer say."""

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from connectors.answers import Response


@dataclass(frozen=True, slots=True)
class Pace:
    """What was left when the last answer came; None where it did not say."""

    remaining: int | None = None
    reset_seconds: float | None = None


def pace(answer: Response) -> Pace:
    """The pace that an answer of any status tells.

    Source: docs.sendgrid.com, rate limits: X-RateLimit-Limit, -Remaining and -Reset; no number is published.
    """
    return Pace(_number(answer, "X-RateLimit-Remaining"), _reset_seconds(answer))


def wait_seconds(answer: Response) -> float | None:
    """How long an answer asks us to wait: Retry-After, else until the limit begins anew."""
    asked = answer.retry_after_seconds()
    return asked if asked is not None else _reset_seconds(answer)


_DIGITS = re.compile(r"[0-9]{1,12}")
# A reset later than this many seconds from now is not a span but a moment of the Unix epoch.
_LONGEST_WAIT = 24 * 3600


def _number(answer: Response, header: str) -> int | None:
    text = answer.headers.get(header, "").strip()
    return int(text) if _DIGITS.fullmatch(text) else None


def _reset_seconds(answer: Response) -> float | None:
    reset = _number(answer, "X-RateLimit-Reset")
    if reset is None or reset <= _LONGEST_WAIT:
        return reset
    served_at = _served_at(answer)
    # By the provider's own clock: ours may be another.
    wait = None if served_at is None else max(0.0, reset - served_at)
    return wait if wait is None or wait <= _LONGEST_WAIT else None


def _served_at(answer: Response) -> float | None:
    try:
        return parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except (ValueError, OverflowError):
        return None
