"""The mail that asks to confirm a consent: its place for a text, and what such a text may hold.

Source: Garante, provv. 330 of 4 June 2025: the mail carries no promotion and measures nobody. So it has one
button, which confirms, and beside it neither an offer nor another link.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.messaging import liquid
from app.messaging.checking import Draft, Problem
from app.messaging.confirmations import FLOW, STEP
from app.messaging.gate import TRANSACTIONAL
from app.messaging.specimens import Slot

SLOT = Slot(
    flow=FLOW,
    step=STEP,
    content=f"{FLOW}/{STEP}",
    purpose=TRANSACTIONAL,
    has_sms=False,
    roots=frozenset({"store", "confirm"}),
)
KINDS = ("heading", "text", "button", "note", "signature", "spacer")
"""The blocks that such a mail may have."""

_VARIABLES = frozenset({"store.name", "store.address"})
"""Who asks, and nothing else: what whoever filled in the form typed as a name is not repeated to somebody."""
OFFERED = _VARIABLES | {"confirm.url"}
"""What a merchant may insert, the last one into the button alone."""
_CONFIRM = re.compile(r"\{\{-?\s*confirm\.url\s*-?\}\}")
_ADDRESS = re.compile(r"https?://|www\.|mailto:", re.IGNORECASE)
_FIELDS = ("text", "label")


def is_asking(slot: Slot) -> bool:
    """Whether the message is the one that asks to confirm."""
    return slot.content == SLOT.content


def problems_of(draft: Draft) -> list[Problem]:
    """Why a draft, sound as a mail, is none that may ask for a consent.

    Their codes are promotion, confirm-other (a link or a variable that is not the confirmation's),
    confirm-missing, confirm-twice and confirm-hidden.
    """
    found = [*_in_text("subject", draft.subject), *_in_text("preheader", draft.preheader)]
    buttons = []
    for number, block in enumerate(draft.blocks):
        place = f"blocks.{number}"
        if block.get("kind") not in KINDS:
            found.append(Problem(place, "promotion"))
            continue
        for name in _FIELDS:
            found += _in_text(f"{place}.{name}", str(block.get(name, "")))
        if block.get("when"):
            found.append(Problem(f"{place}.when", "confirm-hidden"))
        if block.get("kind") == "button":
            buttons.append(place)
            found += _of_button(place, block)
    if not buttons:
        found.append(Problem("", "confirm-missing"))
    return found + [Problem(f"{place}.url", "confirm-twice") for place in buttons[1:]]


def _in_text(place: str, text: str) -> Iterator[Problem]:
    named = sorted(liquid.used(text) - _VARIABLES)
    if named or _ADDRESS.search(text):
        yield Problem(place, "confirm-other", named[0] if named else "")


def _of_button(place: str, block: Mapping[str, Any]) -> Iterator[Problem]:
    if not _CONFIRM.fullmatch(str(block.get("url", "")).strip()):
        yield Problem(f"{place}.url", "confirm-other")
