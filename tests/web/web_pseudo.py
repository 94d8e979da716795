"""A language that nobody speaks: each text of ours in a frame; what stands outside was never translated."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global
from babel.dates import get_timezone_location
from babel.numbers import list_currencies
from sqlalchemy import JSON, String, Text, select
from sqlalchemy.orm import Session

from app.db import Base
from app.runtime import Runtime
from app.web.catalogue import CATALOGUES
from app.web.public_words import WORDS

OPEN, CLOSE = "⟦", "⟧"
READ_OUT = ("title", "alt", "placeholder", "aria-label", "data-label", "data-copied")
NAMES = re.compile(
    r"Ritorno|SendGrid|Twilio|WooCommerce|Shopify|WordPress|SMS|DOI|Italiano|English"
    r"|List-Unsubscribe(?:-Post|=One-Click)?|<?https?://[^\s>]+"
    r"|[DMY]{2,8}(?:[.-][DMY]{2,4}){0,2}"
    r"|\b(?:gen|feb|mar|apr|mag|giu|lug|ago|set|ott|nov|dic)\b"
    r"|(?:tra )?\d+ (?:second[oi]|minut[oi]|or[ae]|giorn[oi]|settiman[ae]|mes[ei]|ann[oi])(?: fa)?"
)
"""What reads the same in every language, headers and addresses included, and Babel's words for moments."""
WORD = re.compile(r"[^\W\d_]{2,}")
WORDS_IN_A_ROW = re.compile(r"[^\W\d_]{2,}(?:[\s,.:;’'-]+[^\W\d_]{2,})*")


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database holds: all of it, and the single words of what is short, as names are."""

    whole: str
    of_names: frozenset[str]

    def holds(self, text: str) -> bool:
        """Whether a page may have it from there, be it first and last name together."""
        return text in self.whole or self.of_names.issuperset(WORD.findall(text))


def frame_all(put: Callable[[dict[str, str], str, str], None]) -> None:
    """Put every text of both languages into its frame, by `put(texts, key, framed)`."""
    for texts in (*CATALOGUES.values(), *WORDS.values()):
        for key, text in texts.items():
            put(texts, key, f"{OPEN}{text}{CLOSE}")


class _Said(HTMLParser):
    """Collects what a page says to eyes and ears."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the attributes that are read out; code, samples and scripts are nobody's words."""
        self._unread += tag in _UNREAD
        self.said += [text for name, text in attrs if name in READ_OUT and text]

    def handle_endtag(self, tag: str) -> None:
        """Words count again behind it."""
        self._unread -= tag in _UNREAD

    def handle_data(self, data: str) -> None:
        """Take what stands between tags."""
        if not self._unread:
            self.said.append(data)


_UNREAD = ("script", "style", "code", "textarea", "pre", "samp")
"""Not our words to the reader: programs, and what stands in a customer's mail."""


def untranslated(page: str, stored: Stored) -> list[str]:
    """The words outside every frame which no row of the database holds."""
    reader = _Said()
    reader.feed(page)
    outside = " | ".join(NAMES.sub(" ", _bare(text)) for text in reader.said)
    return sorted({text for text in WORDS_IN_A_ROW.findall(outside) if not stored.holds(text)})


def _bare(text: str) -> str:
    """What stands outside every frame; frames stand in each other."""
    depth, kept = 0, []
    for character in text:
        depth += (character == OPEN) - (character == CLOSE)
        kept.append(character if depth == 0 and character != CLOSE else " ")
    return "".join(kept)


def stored_words(runtime: Runtime) -> Stored:
    """All that the database holds in words, names, titles, what was typed; and what Babel calls by names."""
    with runtime.database.read() as session:
        said = [*_words(session), *_babels()]
    short = " ".join(text for text in said if text.count(" ") < _FEW)
    return Stored("\n".join(said), frozenset(WORD.findall(short)))


_FEW = 4


@cache
def _babels() -> list[str]:
    """The places of time zones, and currencies with their codes, in Italian."""
    known = available_timezones() & get_global("zone_territories").keys()
    places = [get_timezone_location(name, locale="it", return_city=True) for name in known]
    return ["UTC", *places, *list_currencies(), *Locale("it").currencies.values()]


def _words(session: Session) -> Iterator[str]:
    for table in Base.metadata.sorted_tables:
        columns = [column for column in table.c if isinstance(column.type, String | Text | JSON)]
        if columns:
            for row in session.execute(select(*columns)):
                yield from (str(value) for value in row if value)
