"""Mistakes in a merchant's text are told in the reader's own words, and the picker shows samples."""

import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.messaging import checking, liquid
from app.messaging.checking import Draft, Problem
from app.messaging.formats import Formats
from app.messaging.specimens import Slot
from app.messaging.variables import FIELDS, picker, with_fallback
from app.web import text_words

SLOT = Slot(
    "review", "M3", "review/M3", "marketing", has_sms=False, roots=frozenset({"customer", "store", "order"})
)
B1 = "/app/flows/birthday/messages/B1"
FORMATS = Formats("en", ZoneInfo("Europe/Rome"), "EUR")
ONE = r'editor__name">([^<]+)</span> <code>[^<]*</code></button>\s*<samp class="editor__sample">([^<]+)<'
MISTAKES = (
    ("{{ customer.first_name", "After “{{” a “}}” is missing."),
    ("{{ customer.first_name }", "After “{{” a “}}” is missing."),
    ("Hello {% if customer.first_name", "After “{%” a “%}” is missing."),
    ("{% if customer.first_name %}Hello", "{% endif %} is missing: it says where the part ends"),
    ("Hello {% endif %}", "{% endif %} is one too many"),
    ("{% if customer.first_name %}{% endfor %}", "{% endfor %} is one too many"),
    ("{% elsif order %}", "{% elsif %} is one too many"),
    ("{% fi %}", "There is no {% fi %}"),
    ("{{ customer.first_name | shout }}", "There is no “| shout”"),
    ("{{ }}", "Something is missing between the braces"),
    ("{% if %}Hello{% endif %}", "Something is missing between the braces"),
    ("{{ customer first_name }}", "What stands between the braces cannot be read"),
    ("One\nTwo\n{% fi %}", "how it is written. It is on line 3."),
    ("{{ first_name }}", "Did you mean {{ customer.first_name }}?"),
    ("{{ customer.frist_name }}", "Did you mean {{ customer.first_name }}?"),
    ("Hello %CITY%", "“%CITY%” would stay as it is written"),
    ("Hello *|CITY|*", "Did you mean {{ customer.city }}?"),
)


@pytest.fixture(params=["en", "it"])
def language(request: pytest.FixtureRequest, app: Flask) -> Iterator[str]:
    """Reading in one of the two languages."""
    with app.test_request_context(headers={"Accept-Language": request.param}):
        yield request.param


def _problem(text: str) -> Problem:
    (found,) = checking.problems_of(Draft(text, "-", ({"kind": "spacer"},)))
    return found


@pytest.mark.parametrize(("text", "told"), MISTAKES)
def test_a_mistake_is_told_with_what_to_do_about_it(app: Flask, text: str, told: str) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert told in text_words.sentence(_problem(text), SLOT)


def test_nothing_of_the_parser_is_told(language: str) -> None:
    for text, _ in MISTAKES:
        problem = _problem(text)

        told = text_words.sentence(problem, SLOT)

        assert problem.code == "unknown" or problem.detail not in told, (language, text)


def test_what_may_be_missing_is_named_and_told_how_to_stand_in_for_it(app: Flask) -> None:
    problem = Problem("subject", "missing", "customer.city")

    with app.test_request_context(headers={"Accept-Language": "it"}):
        told = text_words.sentence(problem, SLOT, is_warning=True)
        elsewhere = text_words.sentence(Problem("subject", "missing", "voucher"), SLOT)

    assert told.startswith("Chi è senza la città non riceverà questo messaggio.")
    assert '{{ customer.city | default: "parole tue" }}' in told
    assert elsewhere == "Questo messaggio non ha un codice: toglilo dal testo."


def test_the_picker_shows_each_variable_by_name_with_what_would_be_read(member: FlaskClient) -> None:
    page = member.get(B1, headers={"Accept-Language": "it"}).get_data(as_text=True)
    shown = dict(re.findall(ONE, page))

    assert shown["il nome"] == "Giulia"
    assert shown["quanto vale"] == "10% di sconto"
    assert shown["la città"] == "Torino"


def test_words_for_those_of_whom_something_is_not_known_take_its_place() -> None:
    for path in picker(frozenset(FIELDS)):
        written = with_fallback(path)
        if written is None:
            continue
        with_words = written.replace('""', '"friend"')

        unknown = liquid.parse(with_words, frozenset({"customer"})).fill(
            liquid.scope({"customer": {}}, FORMATS)
        )

        assert unknown == "friend"
    assert with_fallback("customer.first_name") is not None
    assert with_fallback("store.name") is None
