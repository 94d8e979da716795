"""Reading a list: headers in both languages, usual encodings and delimiters, and rows that are refused."""

import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.errors import BadInput
from app.lists import reading
from app.lists.reading import Entry, Place, Refused
from tests.conftest import NOW

PLACE = Place("IT", ZoneInfo("Europe/Rome"), NOW)
SAID = datetime(2025, 3, 4, 9, 30, tzinfo=UTC)


def rows(text: str | bytes) -> list[Entry | Refused]:
    """What a file says."""
    stream = io.BytesIO(text.encode() if isinstance(text, str) else text)
    _, encoding = reading.examine(stream)
    return list(reading.read(stream, encoding, PLACE))


def only(text: str | bytes) -> Entry:
    """The one good row of a file."""
    (entry,) = rows(text)
    assert isinstance(entry, Entry), entry
    return entry


@pytest.mark.parametrize(
    "text",
    [
        "email,first_name,consented_at,source\nada@example.com,Ada,2025-03-04T10:30:00+01:00,form",
        "E-mail;Nome;Data consenso;Fonte\nADA@example.com;Ada;04/03/2025 10:30;form\n",
        "Indirizzo email\tNome\tData_iscrizione\tOrigine\r\nada@example.com\tAda\t2025-03-04 10:30:00\tform",
        "Email Address,First Name,OPTIN_TIME,Consent Source\nada@example.com,Ada,2025-03-04 10:30,form",
        "﻿email|nome|data|fonte\nada@example.com|Ada|4.3.2025 10:30|form",
    ],
    ids=["iso", "italian", "tabs", "mailchimp", "bom"],
)
def test_the_same_row_is_read_however_it_is_written(text: str) -> None:
    entry = only(text)

    assert (entry.email, entry.first_name, entry.at, entry.source) == ("ada@example.com", "Ada", SAID, "form")
    assert (entry.line, entry.channels, entry.is_proven) == (2, ("email",), True)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_accents_are_read_in_every_usual_encoding(encoding: str) -> None:
    assert only("email,nome\nada@example.com,Nicolò".encode(encoding)).first_name == "Nicolò"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("nobody,,,,", "bad-email"),
        (",,,,", None),
        (",,subscribed,,", "no-address"),
        ("ada@example.com,12,,,", "bad-phone"),
        ("ada@example.com,,perhaps,,", "unknown-state"),
        ("ada@example.com,,,31/02/2025,", "bad-date"),
        ("ada@example.com,,,2031-01-01,", "bad-date"),
        ("ada@example.com,,,yesterday,", "bad-date"),
        ("ada@example.com,,,,pigeon", "unknown-channel"),
        ("ada@example.com,,,,sms", "no-address"),
        ("ada\0@example.com,,,,", "unreadable"),
        (f"{'a' * 200_000},,,,", "unreadable"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_with_line_and_reason(row: str, reason: str | None) -> None:
    found = rows(f"email,phone,state,date,channel\nbob@example.com,,,,\n{row}\n")

    assert [one for one in found if isinstance(one, Refused)] == ([Refused(3, reason)] if reason else [])
    assert isinstance(found[0], Entry)


@pytest.mark.parametrize(
    ("row", "channels", "phone"),
    [
        ("ada@example.com,347 123 4567,", ("email",), "+393471234567"),
        ("ada@example.com,+44 7400 123456,both", ("email", "sms"), "+447400123456"),
        (",3471234567,", ("sms",), "+393471234567"),
        ("ada@example.com,3471234567,sms", ("sms",), "+393471234567"),
    ],
)
def test_a_row_speaks_of_mails_unless_it_says_otherwise(
    row: str, channels: tuple[str, ...], phone: str
) -> None:
    entry = only(f"email,telefono,canale\n{row}\n")

    assert (entry.channels, entry.phone) == (channels, phone)


@pytest.mark.parametrize(
    ("row", "is_proven"),
    [
        ("iscritto,2025-03-04,form,", True),
        (",2025-03-04,,I agree", True),
        (",2025-03-04,,", False),
        (",,form,I agree", False),
        ("pending,2025-03-04,form,", False),
        ("unsubscribed,2025-03-04,form,", False),
    ],
)
def test_a_proof_is_a_date_and_where_or_in_which_words(row: str, is_proven: bool) -> None:
    assert only(f"email,stato,data,fonte,testo\nada@example.com,{row}\n").is_proven is is_proven


@pytest.mark.parametrize("text", ["", "\n", "nome,cognome\nAda,Rossi", "ada@example.com\nbob@example.com"])
def test_a_file_whose_columns_we_do_not_know_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        rows(text)


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(BadInput):
        reading.examine(io.BytesIO(b"x" * (reading.MOST_BYTES + 1)))
