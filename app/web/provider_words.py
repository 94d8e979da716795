"""What a provider said of a message or an account: a sentence in the reader's language, its own words beside.

The sentences stand in the catalogues: `said.<words of ours>` for answers to a call, `bounce.<class>` for
SendGrid's classes of bounces, `smtp.<code>` for mail servers' codes, `told.<word>` for providers' types.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.web.catalogue import CATALOGUES, language, translate

KINDS = ("said", "bounce", "smtp", "told")
"""The tables, the one that says most first."""


@dataclass(frozen=True, slots=True)
class Said:
    """The sentence, and what the provider or its connector wrote."""

    sentence: str
    details: str


def said(text: str | None) -> Said | None:
    """What it means; None where nothing was said."""
    if not text:
        return None
    found = next((known for kind in KINDS for part in _parts(text) if (known := _known(kind, part))), None)
    answered = _ANSWERED.search(text)
    if found is None and answered:
        found = translate("said.answered", who=answered["who"], code=answered["code"])
    return Said(found or translate("said.other"), text)


def sentence(text: str) -> str:
    """The sentence alone, for a place with no room for more; "" for nothing."""
    found = said(text)
    return found.sentence if found is not None else ""


_ANSWERED = re.compile(r"\b(?P<who>SendGrid|Twilio) (?:gave|answered) (?P<code>\d{3}|no answer)")
_BETWEEN = re.compile(r" · |; ")
_SMTP = re.compile(r"[245](?:\.\d{1,3}){0,2}|[245]\d\d")


def _parts(text: str) -> Iterator[str]:
    """The text, its pieces, and of a piece what stands before and after its colon."""
    yield text
    for piece in _BETWEEN.split(text):
        head, colon, tail = piece.partition(": ")
        yield from (piece, head, tail) if colon else (piece,)
        yield head.partition(" ")[0]


def _known(kind: str, part: str) -> str | None:
    if kind == "smtp":
        if not _SMTP.fullmatch(part):
            return None
        # A basic code says no more than its first digit; an enhanced one is looked for from its end.
        names = [part, ".".join(part.split(".")[:2]), part[0]] if "." in part else [part[0]]
    else:
        names = [part.lower() if kind == "bounce" else part]
    catalogue = CATALOGUES[language()]
    return next((catalogue[key] for name in names if (key := f"{kind}.{name}") in catalogue), None)
