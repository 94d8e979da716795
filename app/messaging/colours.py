"""The colours of the mails, and a shop's own: used only where what stands on it, or in it, can be read."""

from dataclasses import dataclass
from functools import lru_cache

PAPER, CARD, INK, MUTED, LINE, TINT, ACCENT = (
    "#f5f2ed", "#ffffff", "#26221e", "#6a6259", "#e5ded3", "#fbf7f0", "#9a4526",
)  # fmt: skip
WHITE, BLACK = "#ffffff", "#000000"
_DARK_CARD, _DARK_TINT, _DARK_INK = "#221e1a", "#2b2620", "#f3ede4"
READABLE, APART = 4.5, 1.25
"""Contrast ratios: of text to what it stands on, and of a button to the card around it.

Source: WCAG 2.2, success criterion 1.4.3; the second is ours, below it a button has no edge.
"""


@dataclass(frozen=True, slots=True)
class Paint:
    """The colours that a shop may change: its buttons, what is written on them, and what stands out.

    `dark` are the rules that the dark scheme has besides its own, "" for none.
    """

    button: str = INK
    button_ink: str = WHITE
    accent: str = ACCENT
    dark: str = ""


PLAIN = Paint()


@lru_cache(maxsize=1024)
def paint_of(colour: str) -> Paint:
    """The paint of a shop whose colour is `#rrggbb`; the plain one where it has none."""
    if not colour:
        return PLAIN
    accent = colour if contrast(colour, TINT) >= READABLE else INK
    is_apart = contrast(colour, CARD) >= APART
    return Paint(
        button=colour if is_apart else INK,
        button_ink=ink_on(colour) if is_apart else WHITE,
        accent=accent,
        dark=_dark(colour),
    )


def ink_on(colour: str) -> str:
    """White, or black where white could not be read on that colour; one of them always can."""
    return WHITE if contrast(colour, WHITE) >= READABLE else BLACK


def contrast(one: str, other: str) -> float:
    """How far two colours `#rrggbb` are apart, from 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _dark(colour: str) -> str:
    accent = colour if contrast(colour, _DARK_TINT) >= READABLE else _DARK_INK
    rules = f".accent{{color:{accent}!important}}"
    if contrast(colour, _DARK_CARD) < APART:
        return rules
    return f"{rules}.btn td{{background-color:{colour}!important}}.btn a{{color:{ink_on(colour)}!important}}"


def _luminance(colour: str) -> float:
    """Source: WCAG 2.2, relative luminance."""
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
