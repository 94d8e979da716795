"""What there is to choose from for a setting: words of ours, languages, currencies, time zones."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from babel.core import get_global
from babel.dates import get_timezone_location
from babel.numbers import get_currency_name, get_territory_currencies
from flask import url_for

from app.messaging.zones import find_zone, zone_named
from app.stores import rules
from app.stores.settings import Setting
from app.web.catalogue import LANGUAGES, choice, language, translate, word
from app.web.form_fields import Choices, Groups

_CONTINENTS = (
    "Africa",
    "America",
    "Antarctica",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
_UTC = "UTC"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a field offers: what holds stands first; of a span of hours those to begin and to end with.

    Attributes:
        groups: they come after it, each under its name.
        more: the address of the groups, where they are too many for a page that shows one of them.
    """

    choices: Choices = ()
    groups: Groups = ()
    more: str = ""


def offer(setting: Setting, held: str, now: datetime, *, is_whole: bool = False) -> Offer:
    """What a setting may become; nothing where it is typed.

    Args:
        now: whose offsets from UTC the time zones show.
        is_whole: whether everything is to be there at once, for browsers that load no more of it.
    """
    if setting.rule is rules.ZONE:
        first = [(name, _place(name, now)) for name in dict.fromkeys((held, _UTC)) if name]
        if is_whole:
            return Offer(first, groups=zones(now))
        return Offer(first, more=url_for("zones.listing", locale=language()))
    if setting.rule is rules.CURRENCY:
        return Offer(_currencies(held))
    if setting.rule is rules.LOCALE:
        return Offer(_languages(held))
    if setting.rule is rules.HOURS:
        return Offer([(f"{hour:02}", f"{hour:02}:00") for hour in range(rules.HOURS_OF_A_DAY + 1)])
    return Offer([(each, choice(setting.key, each)) for each in setting.rule.choices])


def _languages(held: str) -> Choices:
    """Those that we write in; what is stored stays as it is, a region's (it-IT) or another language."""
    own = held[:2].lower()
    spoken = [(held if code == own else code, name) for code, name in LANGUAGES.items()]
    unspoken = [] if own in ("", *LANGUAGES) else [(held, translate("setting.locale.unspoken", locale=held))]
    return [*unspoken, *spoken]


def _currencies(held: str) -> Choices:
    """What is paid with today, by name; a list begins with the one that holds."""
    named = _currency_names(language())
    codes = (code for code in dict.fromkeys((held, *named)) if code)
    return [(code, f"{named[code]} ({code})" if named.get(code, code) != code else code) for code in codes]


@cache
def _currency_names(locale: str) -> dict[str, str]:
    codes = {code for place in get_global("territory_currencies") for code in get_territory_currencies(place)}
    return dict(sorted(((code, get_currency_name(code, locale=locale)) for code in codes), key=_by_name))


def zones(now: datetime) -> Groups:
    """By continent each zone as its place and how far it is from UTC at a moment."""
    places = _places(language())
    return [
        (
            word("zone.group", continent),
            [
                (name, f"{place} ({_offset(zone_named(name), now)})")
                for name, place in places[continent].items()
            ],
        )
        for continent in _CONTINENTS
    ]


@cache
def _places(locale: str) -> dict[str, dict[str, str]]:
    """The places of each continent by the names of their zones; a zone of two names is there once."""
    names = _names()
    places: dict[str, dict[str, str]] = {}
    for continent in _CONTINENTS:
        named = ((name, _city(name, locale)) for name in names if name.startswith(f"{continent}/"))
        places[continent] = dict(sorted(named, key=_by_name))
    return places


def _names() -> set[str]:
    """Those that this machine's tzdata knows and that are no other name of another one."""
    aliases = get_global("zone_aliases")
    return available_timezones() & (get_global("zone_territories").keys() - aliases.keys())


def _city(name: str, locale: str) -> str:
    # Of a zone by its name alone Babel would read all of its changes once more, as pytz keeps them.
    return get_timezone_location(zone_named(name), locale=locale, return_city=True).replace("/", ", ")


def _by_name(pair: tuple[str, str]) -> str:
    return pair[1].casefold()


def _place(name: str, now: datetime) -> str:
    """Any zone that a store may have; one that nobody knows as it is written."""
    if (zone := find_zone(name)) is None:
        return name
    offset = _offset(zone, now)
    return _UTC if name == _UTC else f"{_city(name, language())} ({offset})"


def _offset(zone: ZoneInfo, now: datetime) -> str:
    """Such as UTC+1, UTC−3:30; UTC alone where there is none."""
    away = now.astimezone(zone).utcoffset() or timedelta()
    hours, minutes = divmod(abs(away) // timedelta(minutes=1), 60)
    if not hours and not minutes:
        return _UTC
    return f"{_UTC}{'−' if away < timedelta() else '+'}{hours}{f':{minutes:02}' if minutes else ''}"
