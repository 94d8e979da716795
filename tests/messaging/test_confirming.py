"""The mail that asks to confirm: one button that confirms, and neither an offer nor another link."""

from dataclasses import replace
from typing import Any

import pytest

from app.messaging import confirming, content, editions
from app.messaging.checking import Draft

BUTTON = {"kind": "button", "label": "Sì", "url": "{{ confirm.url }}"}
TEXT = {"kind": "text", "text": "Confermi, {{ store.name }}?"}
FINE = Draft("Confermi?", "Un clic", (TEXT, BUTTON))


@pytest.mark.parametrize("language", content.LANGUAGES)
def test_the_original_only_asks(language: str) -> None:
    wording = editions.wording_of(content.named(confirming.SLOT.content), language)

    assert wording is not None
    assert confirming.problems_of(Draft.of(wording)) == []
    assert confirming.problems_of(FINE) == []


@pytest.mark.parametrize("kind", ["products", "voucher"])
def test_an_offer_has_no_place_in_it(kind: str) -> None:
    assert _codes(TEXT, BUTTON, {"kind": kind}) == [("blocks.2", "promotion")]


@pytest.mark.parametrize("kind", ["quote", "rating", "unheard-of"])
def test_what_is_not_known_to_be_plain_is_taken_for_an_offer(kind: str) -> None:
    assert _codes(TEXT, BUTTON, {"kind": kind, "text": "x"}) == [("blocks.2", "promotion")]


def test_it_has_the_one_button_that_confirms() -> None:
    assert _codes(TEXT) == [("", "confirm-missing")]
    assert _codes(TEXT, BUTTON, BUTTON) == [("blocks.2.url", "confirm-twice")]


@pytest.mark.parametrize(
    "url",
    [
        "https://bottega.example",
        "{{ store.url }}",
        "{{ confirm.url }}?x=1",
        "https://evil.example/{{ confirm.url }}",
        "{{ confirm.url | append: 'x' }}",
        "{% if store.name %}{{ confirm.url }}{% endif %}",
        "mailto:a@b.example",
        "",
    ],
)
def test_its_button_leads_nowhere_else(url: str) -> None:
    assert _codes(TEXT, {**BUTTON, "url": url}) == [("blocks.1.url", "confirm-other")]


@pytest.mark.parametrize(
    "text",
    [
        "Vieni su https://bottega.example",
        "HTTP://bottega.example",
        "www.bottega.example",
        "mailto:a@b.example",
        "{{ confirm.url }}",
        "{% assign u = confirm.url %}{{ u }}",
        "{{ store.url }}",
        "{{ store.promotion }}",
        "Ciao {{ customer.first_name }}",
        "{{ voucher.code }}",
        "{% for one in products %}{{ one.title }}{% endfor %}",
    ],
)
def test_its_words_hold_no_link_and_nothing_of_anybody(text: str) -> None:
    assert _codes({**TEXT, "text": text}, BUTTON) == [("blocks.0.text", "confirm-other")]
    assert confirming.problems_of(replace(FINE, subject=text))[0].place == "subject"


def test_nothing_of_it_can_be_left_out() -> None:
    assert _codes(TEXT, {**BUTTON, "when": "store.story"}) == [("blocks.1.when", "confirm-hidden")]


def _codes(*blocks: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one.place, one.code) for one in confirming.problems_of(replace(FINE, blocks=blocks))]
