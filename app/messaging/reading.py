"""How the texts of a draft read: beside the Liquid that makes them, for whoever writes them."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.messaging import blocks, samples, specimens
from app.messaging.checking import Draft, texts_of
from app.messaging.errors import ContentError
from app.messaging.specimens import Scene

if TYPE_CHECKING:
    from app.messaging.guards import Scope

_OPENING = ("{{", "{%")
_LONE_ADDRESS = re.compile(r"\{\{\s*(\w+\.url)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Reading:
    """What becomes of one text.

    Attributes:
        known: what somebody reads of whom everything is known.
        unknown: what somebody reads of whom nothing is, None where it is the same or nothing arrives.
        address: the variable that the text leads to (`store.url`); a text that is one has no words to read.
    """

    known: str = ""
    unknown: str | None = None
    address: str = ""


def readings(draft: Draft, scene: Scene) -> dict[str, Reading]:
    """By place, as `checking.Problem` names them; without texts that hold no Liquid or cannot be filled."""
    found: dict[str, Reading] = {}
    written = [
        (place, text)
        for place, text in texts_of(draft)
        if any(sign in text for sign in _OPENING) and not place.endswith(".when")
    ]
    if not written:
        return found
    who, stranger = (
        samples.scope_of(scene, samples.values_seen(scene, make(scene)))
        for make in (specimens.made_up, specimens.stranger)
    )
    for place, text in written:
        reading = _reading(text, who, stranger)
        if reading is not None:
            found[place] = reading
    return found


def _reading(text: str, who: "Scope", stranger: "Scope") -> Reading | None:
    if address := _LONE_ADDRESS.fullmatch(text.strip()):
        return Reading(address=address[1])
    known = _filled(text, who)
    if known is None:
        return None
    unknown = _filled(text, stranger)
    return Reading(known, unknown if unknown != known else None)


def _filled(text: str, scope: "Scope") -> str | None:
    try:
        return blocks.template(text).fill(scope).strip()
    except ContentError:
        return None
