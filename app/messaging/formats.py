"""Dates, money and discounts as a reader of each language writes them."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_day_names, get_month_names

from app import money

_MAX_PATTERN = 60
_NAMED = frozenset({"full", "long", "medium", "short"})
_UNTIL = {"it": ", ore ", "en": ", "}
_WHOLE = re.compile(r"[.,]00(?!\d)")
_VALUES = {
    "percentage": {"it": "{}% di sconto", "en": "{}% off"},
    "amount": {"it": "{} di sconto", "en": "{} off"},
    "free_shipping": {"it": "spedizione gratuita", "en": "free shipping"},
}

# The signs of strftime, which Shopify's merchants know, in Unicode's own pattern letters.
_STRFTIME = {
    "%-d": "d", "%e": "d", "%d": "dd", "%-m": "M", "%m": "MM", "%b": "MMM", "%B": "MMMM",
    "%y": "yy", "%Y": "y", "%a": "EEE", "%A": "EEEE", "%H": "HH", "%-H": "H", "%I": "hh", "%M": "mm",
    "%p": "a",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Formats:
    """How one customer reads figures and dates."""

    language: str
    zone: ZoneInfo
    currency: str


def shown_money(minor: int, formats: Formats) -> str:
    """Minor units of the store's currency, as the language writes them (`12,50 €`)."""
    return money.shown(minor, formats.currency, formats.language)


def shown_date(value: object, pattern: str, formats: Formats) -> str:
    """A date, aware datetime or ISO text, in a length (full, long, medium, short) or pattern.

    Raises:
        ValueError: it is no date, or the pattern is too long.
    """
    if len(pattern) > _MAX_PATTERN:
        raise ValueError("the pattern of a date is too long")
    moment = _moment(value, formats.zone)
    for sign, letters in _STRFTIME.items():
        pattern = pattern.replace(sign, letters)
    if isinstance(moment, datetime) and not _is_date_pattern(pattern):
        return format_datetime(moment, pattern, locale=formats.language)
    return format_date(moment, pattern, locale=formats.language)


def until(value: object, formats: Formats) -> str:
    """When something ends: `venerdì 4 dicembre`, or with the hour if it ends within a day.

    An end at midnight belongs to the day before it, which is the last one on which it is good.

    Raises:
        ValueError: it is no date.
    """
    moment = _moment(value, formats.zone)
    if not isinstance(moment, datetime):
        return _day(moment, formats.language)
    if moment.time() == time.min:
        return _day(moment.date() - timedelta(days=1), formats.language)
    return f"{_day(moment.date(), formats.language)}{_UNTIL[formats.language]}{moment:%H:%M}"


def discount(kind: str, value: str, currency: str, language: str) -> str:
    """What a voucher is worth (`10% di sconto`), from its kind and decimal value."""
    pattern = _VALUES[kind][language]
    if kind == "amount":
        shown = money.shown(money.to_minor(value, currency), currency, language)
        return pattern.format(_WHOLE.sub("", shown))
    plain = value.rstrip("0").rstrip(".") if "." in value else value
    return pattern.format(plain.replace(".", "," if language == "it" else "."))


def _moment(value: object, zone: ZoneInfo) -> date:
    """A date, or a datetime on the zone's clock."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if len(value) > len("2026-01-01") else date.fromisoformat(value)
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(zone)
    if isinstance(value, date):
        return value
    raise ValueError("a date is needed here")


def _is_date_pattern(pattern: str) -> bool:
    return pattern in _NAMED or not any(letter in pattern for letter in "Hhmsa")


def _day(day: date, language: str) -> str:
    days, months = _names(language)
    return f"{days[day.weekday()]} {day.day} {months[day.month]}"


@lru_cache(maxsize=8)
def _names(language: str) -> tuple[dict[int, str], dict[int, str]]:
    days = get_day_names("wide", locale=language)
    months = get_month_names("wide", locale=language)
    return {number: days[number] for number in range(7)}, {number: months[number] for number in range(1, 13)}
