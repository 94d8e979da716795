"""How templates write numbers, money, moments and our own words."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal, format_percent
from flask import Flask, g

from app import clock
from app.messaging import zones
from app.money import shown
from app.web import assets, paints
from app.web.auth import CSRF_FIELD, csrf_token, is_signed_in, may
from app.web.catalogue import LANGUAGES, choice, language, translate, word

_SKELETON_MOMENT = {"it": "d MMM y, HH:mm", "en": "d MMM y, HH:mm"}
_SKELETON_DAY = {"it": "d MMM y", "en": "d MMM y"}

_A_SECOND = timedelta(seconds=1)


def register(app: Flask) -> None:
    """Give the templates their words and formats."""
    app.jinja_env.filters.update(money=money, number=number, points=points, share=share)
    app.jinja_env.filters.update(moment=moment, told_moment=told_moment)
    app.jinja_env.filters.update(day=day, told_day=told_day, ago=ago)
    app.jinja_env.filters.update(
        calendar_day=calendar_day, calendar_days=calendar_days, grown=grown, painted=paints.painted
    )
    app.jinja_env.globals.update(
        t=translate, word=word, choice=choice, asset=assets.address, languages=LANGUAGES
    )
    app.context_processor(_of_this_request)


def money(minor: int, currency: str) -> str:
    """An amount in the reader's way (`1.234,50 €`)."""
    return shown(minor, currency, language())


def number(value: int) -> str:
    """A count in the reader's way."""
    return format_decimal(value, locale=language())


def share(part: int, whole: int) -> str:
    """A part of a whole in per cent; a dash where there is no whole."""
    return format_percent(part / whole, format="#,##0.0%", locale=language()) if whole else "–"


def points(value: float) -> str:
    """A difference of two shares, with its sign (`+1.5 points`)."""
    return translate("points", n=format_decimal(100 * value, format="+0.0;-0.0", locale=language()))


def moment(value: datetime | None) -> str:
    """Day and minute in the store's zone."""
    if value is None:
        return "–"
    return format_datetime(value, _SKELETON_MOMENT[language()], tzinfo=_zone(), locale=language())


def told_moment(text: str) -> str:
    """The same of a moment that JSON tells."""
    return moment(datetime.fromisoformat(text))


def day(value: datetime | None) -> str:
    """The day in the store's zone."""
    if value is None:
        return "–"
    return format_date(value.astimezone(_zone()).date(), _SKELETON_DAY[language()], locale=language())


def told_day(text: str) -> str:
    """A day of the calendar that JSON tells."""
    return format_date(date.fromisoformat(text), _SKELETON_DAY[language()], locale=language())


def calendar_day(value: date, *, has_year: bool = False) -> str:
    """A day of the calendar (`24 nov`), with its year where days of two stand side by side."""
    return format_date(value, "d MMM y" if has_year else "d MMM", locale=language())


def calendar_days(first: date, last: date, *, has_year: bool = False) -> str:
    """The days from one to another, a year that they share said once (`21 nov – 27 nov 2026`)."""
    ends = calendar_day(last, has_year=has_year)
    if first == last:
        return ends
    return f"{calendar_day(first, has_year=has_year and first.year != last.year)} – {ends}"


def grown(value: int) -> str:
    """By how much something grew or shrank, with its sign."""
    return format_decimal(value, format="+#,##0;-#,##0", locale=language())


def ago(value: datetime | None) -> str:
    """How long ago, or in how long, in words."""
    if value is None:
        return "–"
    passed = value - clock.now()
    if abs(passed) < _A_SECOND:
        return translate("ago.now")
    return format_timedelta(passed, add_direction=True, locale=language())


def _of_this_request() -> dict[str, Any]:
    return {
        "language": language(),
        "csrf_field": CSRF_FIELD,
        "csrf_token": csrf_token,
        "signed_in": is_signed_in(),
        "reader": g.get("reader"),
        "may": may,
        "store": g.get("store"),
        "stores": g.get("stores", []),
    }


def _zone() -> ZoneInfo:
    """The chosen store's zone; UTC when it names one that nobody knows."""
    store = g.get("store")
    return zones.zone_named(store.timezone if store else "UTC")
