from zoneinfo import ZoneInfo

import pytest

from app.messaging import regions
from app.messaging.zones import zone_for_due, zone_named, zones_for_hours, zones_of_country
from app.phones import country_of

STORE = "Europe/Rome"


def due(country: str | None = None, region: str | None = None, phone: str | None = None) -> str:
    return zone_for_due(country=country, region=region, phone=phone, store_timezone=STORE).key


def hours(country: str | None = None, region: str | None = None, phone: str | None = None) -> list[str]:
    found = zones_for_hours(country=country, region=region, phone=phone, store_timezone=STORE)
    return [zone.key for zone in found]


@pytest.mark.parametrize(
    ("country", "region", "expected"),
    [
        ("US", "CA", "America/Los_Angeles"),
        ("US", "us-ny", "America/New_York"),
        ("us", " Texas ", "America/Chicago"),
        ("US", "AZ", "America/Phoenix"),
        ("US", "HI", "Pacific/Honolulu"),
        ("CA", "SK", "America/Regina"),
        ("CA", "Québec", "America/Toronto"),
        ("AU", "WA", "Australia/Perth"),
        ("AU", "NSW", "Australia/Sydney"),
        ("BR", "AM", "America/Manaus"),
        ("MX", "SON", "America/Hermosillo"),
        ("MX", "Q ROO", "America/Cancun"),
        ("ES", "GC", "Atlantic/Canary"),
        ("ES", "Las Palmas", "Atlantic/Canary"),
        ("ES", "B", "Europe/Madrid"),
        ("PT", "PT-20", "Atlantic/Azores"),
        ("PT", "Açores", "Atlantic/Azores"),
        ("PT", "PT-11", "Europe/Lisbon"),
        ("UA", "30", "Europe/Kyiv"),
        ("IT", "RM", "Europe/Rome"),
        ("FR", "75", "Europe/Paris"),
    ],
)
def test_the_region_of_the_address_decides(country: str, region: str, expected: str) -> None:
    assert due(country, region) == expected
    assert hours(country, region) == [expected]


@pytest.mark.parametrize(
    ("country", "expected"),
    [
        ("IT", "Europe/Rome"),
        ("DE", "Europe/Berlin"),
        ("CY", "Asia/Nicosia"),
        ("AR", "America/Argentina/Buenos_Aires"),
        ("IN", "Asia/Kolkata"),
        ("JP", "Asia/Tokyo"),
    ],
)
def test_a_country_whose_clocks_all_agree_has_one_zone(country: str, expected: str) -> None:
    assert due(country) == expected
    assert hours(country) == [expected]


@pytest.mark.parametrize(("country", "region"), [("US", None), ("US", ""), ("US", "ZZ"), ("US", "Gotham")])
def test_a_country_with_several_zones_and_no_known_region_is_in_all_of_them(
    country: str, region: str | None
) -> None:
    found = hours(country, region)

    assert found[0] == "America/New_York"
    assert {"America/Chicago", "America/Denver", "America/Los_Angeles", "Pacific/Honolulu"} <= set(found)
    assert due(country, region) == STORE


def test_the_phone_speaks_for_the_hours_only_where_there_is_no_country() -> None:
    assert hours("FR", None, "+81312345678") == ["Europe/Paris"]
    assert hours(None, None, "+81312345678") == ["Asia/Tokyo"]
    assert due(None, None, "+81312345678") == "Asia/Tokyo"


def test_a_phone_of_a_country_with_several_zones_must_suit_all_and_is_due_by_the_stores_clock() -> None:
    assert len(hours(None, None, "+12015550123")) > 5
    assert due(None, None, "+12015550123") == STORE


def test_who_is_nowhere_is_where_the_store_is() -> None:
    assert due() == STORE
    assert hours() == [STORE]
    assert hours("XX") == [STORE]
    assert hours(None, None, "not a number") == [STORE]


def test_a_store_zone_that_nobody_knows_is_utc() -> None:
    assert zone_named("Mars/Olympus").key == "UTC"
    assert zone_named("../etc/passwd").key == "UTC"


@pytest.mark.parametrize(
    ("phone", "country"),
    [("+390612345678", "IT"), ("+4930123456", "DE"), ("+1", None), ("", None), ("x", None)],
)
def test_the_country_of_a_phone_number(phone: str, country: str | None) -> None:
    assert country_of(phone) == country


@pytest.mark.parametrize("country", regions.ZONES)
def test_every_zone_of_the_region_tables_is_one_of_its_countrys_clocks(country: str) -> None:
    clocks = {zone.key for zone in zones_of_country(country)}
    named = {ZoneInfo(name) for name in regions.ZONES[country].values()}

    assert named
    assert clocks


def test_every_state_and_province_has_its_zone() -> None:
    expected = {"US": 50, "CA": 13, "AU": 8, "BR": 27}

    assert all(len(regions.ZONES[country]) >= count for country, count in expected.items())
