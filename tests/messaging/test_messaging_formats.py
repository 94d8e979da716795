from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from app.messaging.formats import Formats, discount, shown_date, shown_money, until

ITALIAN = Formats("it", ZoneInfo("Europe/Rome"), "EUR")
ENGLISH = Formats("en", ZoneInfo("America/New_York"), "USD")


@pytest.mark.parametrize(
    ("value", "formats", "expected"),
    [
        (date(2026, 12, 4), ITALIAN, "venerdì 4 dicembre"),
        ("2026-12-04", ENGLISH, "Friday 4 December"),
        (datetime(2026, 12, 4, 13, 37, tzinfo=UTC), ITALIAN, "venerdì 4 dicembre, ore 14:37"),
        ("2026-12-04T13:37:00+00:00", ENGLISH, "Friday 4 December, 08:37"),
        ("2026-12-04T23:00:00+00:00", ITALIAN, "venerdì 4 dicembre"),  # midnight ends the day before
        ("2026-03-01T00:00:00+01:00", ITALIAN, "sabato 28 febbraio"),
    ],
)
def test_an_end_is_said_as_the_last_day_or_with_the_hour(
    value: object, formats: Formats, expected: str
) -> None:
    assert until(value, formats) == expected


@pytest.mark.parametrize(
    ("kind", "value", "currency", "language", "expected"),
    [
        ("percentage", "10", "EUR", "it", "10% di sconto"),
        ("percentage", "12.50", "EUR", "it", "12,5% di sconto"),
        ("percentage", "100", "EUR", "en", "100% off"),
        ("amount", "10.00", "EUR", "it", "10\u00a0€ di sconto"),
        ("amount", "10.50", "USD", "en", "$10.50 off"),
        ("amount", "1000", "JPY", "en", "¥1,000 off"),
        ("free_shipping", "0", "EUR", "it", "spedizione gratuita"),
    ],
)
def test_a_vouchers_worth_in_words(
    kind: str, value: str, currency: str, language: str, expected: str
) -> None:
    assert discount(kind, value, currency, language) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("long", "4 dicembre 2026"),
        ("%A %e %B", "venerdì 4 dicembre"),
        ("EEEE d MMMM", "venerdì 4 dicembre"),
        ("%d/%m/%Y, %H:%M", "04/12/2026, 14:37"),
    ],
)
def test_dates_by_name_pattern_or_strftime(pattern: str, expected: str) -> None:
    assert shown_date("2026-12-04T13:37:00+00:00", pattern, ITALIAN) == expected


@pytest.mark.parametrize("value", ["soon", 5, None, "2026-13-01"])
def test_what_is_no_date_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        until(value, ITALIAN)


def test_money_as_the_reader_writes_it() -> None:
    assert shown_money(123456, ITALIAN) == "1.234,56\u00a0€"
    assert shown_money(123456, ENGLISH) == "$1,234.56"
