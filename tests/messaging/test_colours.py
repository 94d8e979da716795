"""A shop's own colour and logo: in every mail, and never so that something cannot be read."""

import colorsys
from dataclasses import replace

import pytest

from app.messaging import content, layout
from app.messaging.colours import CARD, INK, TINT, contrast, ink_on, paint_of
from app.messaging.render import compile_content, render
from tests.messaging.messaging_seed import FULL, SENDER, context_of, links_for

HUES = [
    "#{:02x}{:02x}{:02x}".format(
        *(round(255 * part) for part in colorsys.hls_to_rgb(hue / 24, light / 10, 1))
    )
    for hue in range(24)
    for light in range(11)
]


def mail(**looks: str) -> str:
    compiled = compile_content(content.named("welcome/W1"))
    context = replace(context_of(FULL), sender=replace(SENDER, **looks))
    return render(compiled, context, lang="it", links=links_for()).html or ""


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_whatever_colour_a_shop_has_its_buttons_and_codes_can_be_read() -> None:
    for colour in HUES:
        paint = paint_of(colour)
        assert contrast(paint.button, paint.button_ink) >= 4.5, colour
        assert contrast(paint.button, CARD) >= 1.25, colour
        assert contrast(paint.accent, TINT) >= 4.5, colour
        assert contrast(ink_on(colour), colour) >= 4.5, colour


def test_the_colour_is_on_the_button_and_on_what_stands_out() -> None:
    made = mail(colour="#0b5394")

    assert 'bgcolor="#0b5394"' in made
    assert ".btn td{background-color:#0b5394!important}.btn a{color:#ffffff!important}" in made
    assert made.count("color:#0b5394") >= 3


def test_a_colour_that_cannot_be_told_from_the_mail_is_not_used() -> None:
    made = mail(colour="#fffffa")

    assert f'bgcolor="{INK}"' in made
    assert "#fffffa" not in made.split("</style>")[1]


def test_the_logo_stands_for_the_name_and_cannot_break_out() -> None:
    made = mail(logo_url='https://cdn.example/logo.png?a=1&b="x')

    assert '<img class="logo" src="https://cdn.example/logo.png?a=1&amp;b=&quot;x"' in made
    assert 'alt="Bottega Aurora"' in made


def test_a_mail_can_be_looked_at_in_either_scheme() -> None:
    made = mail()

    assert "@media all" in layout.as_seen(made, "dark")
    assert "@media not all" in layout.as_seen(made, "light")
    assert "prefers-color-scheme:dark" not in layout.as_seen(made, "light")
