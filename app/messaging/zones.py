"""Whose hours: the zone a customer's clock is in, as far as the address or the phone tells.

Source: PRODUCT.md section 2, "Whose hours".
"""

import unicodedata
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app import phones
from app.messaging import regions

# Two zones whose clocks agree at every one of these moments are one zone to us (Berlin and Büsingen).
_SAMPLES = [datetime(2025, 1, 1, 12, tzinfo=UTC) + timedelta(days=5 * step) for step in range(730)]

_UTC = ZoneInfo("UTC")


def zone_for_due(
    *, country: str | None, region: str | None, phone: str | None, store_timezone: str
) -> ZoneInfo:
    """The zone in which "at 09:00" is meant: the first of these that leaves one zone only.

    The address's region, its country, the phone's country, the store. Source: docs/recipes.md, Time.
    """
    for places in (_address_zones(country or "", region or ""), _phone_zones(phone)):
        if len(places) == 1:
            return places[0]
    return zone_named(store_timezone)


def zones_for_hours(
    *, country: str | None, region: str | None, phone: str | None, store_timezone: str
) -> tuple[ZoneInfo, ...]:
    """Every zone in which the customer may be now; a message must be allowed in all of them.

    The phone speaks only where there is no country.
    """
    places = _address_zones(country, region or "") if country else _phone_zones(phone)
    return places or (zone_named(store_timezone),)


def zone_named(name: str) -> ZoneInfo:
    """The zone of that name; UTC for a name that is none."""
    return find_zone(name) or _UTC


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo | None:
    """The zone of that name, None for a name that is none, which may be anything that somebody typed.

    Kept: reading four hundred zones anew would be most of the time of a page that offers them.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # A system error is what opening a folder's name, or one longer than a file's may be, comes to.
        return None


@cache
def zones_of_country(country: str) -> tuple[ZoneInfo, ...]:
    """A country's zones, those with equal clocks only once; empty for a code that is none."""
    named = regions.ZONES.get(country, {}).get("")
    names = _names_by_country().get(country, ())
    ordered = sorted(names, key=lambda name: name != named)
    by_clock: dict[tuple[timedelta | None, ...], ZoneInfo] = {}
    for name in ordered:
        zone = ZoneInfo(name)
        by_clock.setdefault(tuple(zone.utcoffset(moment.astimezone(zone)) for moment in _SAMPLES), zone)
    return tuple(by_clock.values())


def _phone_zones(phone: str | None) -> tuple[ZoneInfo, ...]:
    country = phones.country_of(phone) if phone else None
    return zones_of_country(country) if country else ()


@lru_cache(maxsize=4096)
def _address_zones(country: str, region: str) -> tuple[ZoneInfo, ...]:
    code = country.strip().upper()
    table = regions.ZONES.get(code)
    if table and region.strip():
        name = table.get(_region_code(code, region), table.get(""))
        if name:
            return (ZoneInfo(name),)
    return zones_of_country(code)


def _region_code(country: str, region: str) -> str:
    """`us-ca`, `CA` and `California` are `CA`; Shopify's `Q ROO` is `Q-ROO`."""
    stripped = unicodedata.normalize("NFKD", region.strip().casefold())
    folded = "".join(char for char in stripped if not unicodedata.combining(char))
    named = regions.NAMES.get(country, {}).get(folded)
    if named:
        return named
    prefix = f"{country.lower()}-"
    return folded.removeprefix(prefix).upper().replace(" ", "-").replace(".", "")


@cache
def _names_by_country() -> dict[str, tuple[str, ...]]:
    table = (files("tzdata") / "zoneinfo" / "zone1970.tab").read_text(encoding="utf-8")
    found: dict[str, tuple[str, ...]] = {}
    for line in table.splitlines():
        if not line or line.startswith("#"):
            continue
        codes, _, name = line.split("\t")[:3]
        for code in codes.split(","):
            found[code] = (*found.get(code, ()), name)
    return found
