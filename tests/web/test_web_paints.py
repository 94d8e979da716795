"""A shop's colour shows on a button beside its field, as mails will have it, with whether it can be read."""

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import web
from app.messaging import colours
from app.web import paints
from tests.web.web_shops import Csrf

SCRIPT = (Path(web.__file__).parent / "static" / "js" / "colour.js").read_text()
TOLD = (
    ("#0a7d55", "#0a7d55", "#ffffff", "Scritte bianche, contrasto 5,2:1. Si leggono bene."),
    ("0A7D55", "#0a7d55", "#ffffff", "Scritte bianche, contrasto 5,2:1. Si leggono bene."),
    ("#fd4", "#ffdd44", "#000000", "Scritte nere, contrasto 15,7:1. Si leggono bene."),
    ("#fdfdfd", colours.INK, "#ffffff", "Troppo chiaro"),
    ("", colours.INK, "#ffffff", ""),
    ("rosso", colours.INK, "#ffffff", ""),
)


@pytest.mark.parametrize(("typed", "button", "ink", "told"), TOLD)
def test_a_colour_is_told_as_its_button_will_look(
    app: Flask, typed: str, button: str, ink: str, told: str
) -> None:
    with app.test_request_context(headers={"Accept-Language": "it"}):
        seen = paints.painted(typed)

    assert (seen.button, seen.ink) == (button, ink)
    assert seen.told.startswith(told)
    assert bool(seen.told) == bool(told)


def test_the_field_shows_the_kept_colour_without_a_script(member: FlaskClient, csrf: Csrf) -> None:
    member.post("/app/settings", data={"csrf": csrf(member), "brand.color": "#0a7d55"})

    page = member.get("/app/settings", headers={"Accept-Language": "en"}).get_data(as_text=True)

    field = page.split("data-colour")[1].split("</svg>")[0]
    assert re.search(r'name="brand.color"\s+value="#0a7d55"', field)
    assert '<rect width="132" height="40" rx="8" fill="#0a7d55">' in field
    assert "White letters, contrast 5.2:1" in page


def test_the_script_tells_by_the_same_measures_as_the_mails_are_made() -> None:
    assert f'["{colours.INK}", "{colours.WHITE}", "{colours.BLACK}"]' in SCRIPT
    assert f"[READABLE, APART] = [{colours.READABLE}, {colours.APART}]" in SCRIPT
