"""What becomes of a shop's colour on the buttons of its mails, told beside the field where it is chosen."""

from dataclasses import dataclass

from babel.numbers import format_decimal

from app.messaging import colours
from app.stores import rules
from app.web.catalogue import language, translate


@dataclass(frozen=True, slots=True)
class Painted:
    """A button as mails have it.

    Attributes:
        button, ink: the colours of it and of what is written on it, `#rrggbb`.
        told: whether that can be read, a sentence; "" where no colour was typed.
    """

    button: str
    ink: str
    told: str


def painted(typed: str) -> Painted:
    """The button that mails have once the colour that was typed is kept; ours where it is none."""
    try:
        colour = rules.COLOUR.check(typed) if typed else ""
    except ValueError:
        colour = ""
    paint = colours.paint_of(colour)
    if not colour:
        return Painted(paint.button, paint.button_ink, "")
    ink = "unseen" if paint.button != colour else "white" if paint.button_ink == colours.WHITE else "black"
    ratio = colours.contrast(paint.button, paint.button_ink)
    shown = format_decimal(ratio, format="0.0", locale=language())
    return Painted(paint.button, paint.button_ink, translate(f"setting.colour.{ink}", ratio=shown))
