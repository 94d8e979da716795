"""A language that nobody speaks: what a page still says in another one was never translated."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient
from sqlalchemy import String, Text, select
from sqlalchemy.orm import Session

from app.db import Base
from app.runtime import Runtime
from app.stores.settings import DEFINITIONS
from app.web.catalogue import CATALOGUES
from app.web.public_words import WORDS
from connectors.storefronts.woocommerce import calls, identity
from tests.web.test_web_headers import SCREENS
from tests.web.web_shops import Csrf, Shop

OPEN, CLOSE = "⟦", "⟧"
READ_OUT = ("title", "alt", "placeholder", "aria-label", "data-label", "data-copied")
OTHERS = (
    "/app/account",
    "/app/members",
    "/app/settings/lists",
    "/app/flows/welcome/publish",
    "/app/flows/welcome/messages/W1",
    "/app/flows/consent/messages/DOI",
    *(
        f"/app/flows/welcome/new-step?way=consent&after=W2&kind={kind}"
        for kind in ("wait", "wait-event", "split", "arms", "tag", "score", "webhook", "end")
    ),
    "/app/customers?q=nobody-is-called-so",
    "/app/customers/999999",
    "/app/not-there",
    "/app/flows/not-there",
    "/u/not-a-token",
    "/p/not-a-token",
    "/r/not-a-token",
)
NAMES = re.compile(
    r"Ritorno|SendGrid|Twilio|WooCommerce|Shopify|WordPress|SMS|DOI|Italiano|English|List-Unsubscribe"
    r"|[DMY]{2,8}(?:[.-][DMY]{2,4}){0,2}"
    r"|gen|feb|mar|apr|mag|giu|lug|ago|set|ott|nov|dic"
    r"|(?:tra )?\d+ (?:second[oi]|minut[oi]|or[ae]|giorn[oi]|settiman[ae]|mes[ei]|ann[oi])(?: fa)?"
)
"""What reads the same in every language, and Babel's words for moments."""
WORDS_IN_A_ROW = re.compile(r"[^\W\d_]{2,}(?:[\s,.:;’'-]+[^\W\d_]{2,})*")


@pytest.fixture
def strange(monkeypatch: pytest.MonkeyPatch, member: FlaskClient) -> None:
    """Every text of ours in a frame, and a reader of Italian, to whom the code's own English is strange."""
    member.environ_base["HTTP_ACCEPT_LANGUAGE"] = "it"
    for texts in (*CATALOGUES.values(), *WORDS.values()):
        for key, text in texts.items():
            monkeypatch.setitem(texts, key, f"{OPEN}{text}{CLOSE}")


@pytest.mark.usefixtures("strange")
def test_no_page_says_a_sentence_that_has_no_translation(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    stored = _stored(runtime)
    paths = [path.format(**shop.ids) for path in (*SCREENS, *OTHERS)]

    left = {
        path: _untranslated(member.get(path, follow_redirects=True).get_data(as_text=True), stored)
        for path in paths
    }

    assert {path: found for path, found in left.items() if found} == {}


@pytest.mark.usefixtures("strange")
def test_no_answer_to_a_form_says_a_sentence_that_has_no_translation(
    member: FlaskClient, csrf: Csrf, runtime: Runtime, shop: Shop
) -> None:
    stored, token = _stored(runtime), csrf(member)
    wrong = dict.fromkeys(DEFINITIONS, "<wrong>")
    forms = {
        "/app/settings": wrong,
        "/app/setup": wrong,
        "/app/members": {"email": "nobody", "role": "none"},
        "/app/account/password": {"password": "short"},
        "/app/settings/lists": {"kind": "refusals", "text": ""},
        "/app/flows/welcome/steps/to-W2": {"seen": "0", "days": "none"},
        "/app/flows/welcome/messages/W1": {"it.subject": "{{ nothing }}", "en.subject": ""},
    }

    answers = {
        path: member.post(path, data={"csrf": token, **typed}, follow_redirects=True)
        for path, typed in forms.items()
    }
    answers["connect"] = member.get("/install/woocommerce?store=ftp://x", follow_redirects=True)
    left = {path: _untranslated(answer.get_data(as_text=True), stored) for path, answer in answers.items()}

    assert {path: found for path, found in left.items() if found} == {}


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_why_a_store_cannot_be_connected_is_told_in_words(language: str) -> None:
    named = [item for module in (identity, calls) for item in vars(module).items()]
    said = [
        text for name, text in named if name.isupper() and isinstance(text, str) and text.endswith((".", "?"))
    ]

    assert [text for text in said if f"shop.said.{text}" not in CATALOGUES[language]] == []


class _Said(HTMLParser):
    """Collects what a page says to eyes and ears."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the attributes that are read out; code and scripts are nobody's words."""
        self._unread += tag in _UNREAD
        self.said += [text for name, text in attrs if name in READ_OUT and text]

    def handle_endtag(self, tag: str) -> None:
        """Words count again behind it."""
        self._unread -= tag in _UNREAD

    def handle_data(self, data: str) -> None:
        """Take what stands between tags."""
        if not self._unread:
            self.said.append(data)


_UNREAD = ("script", "style", "code", "textarea", "pre")


def _untranslated(page: str, stored: str) -> list[str]:
    """The sentences outside every frame which no row of the database holds."""
    reader = _Said()
    reader.feed(page)
    outside = [
        found[0] for text in reader.said for found in WORDS_IN_A_ROW.finditer(NAMES.sub("", _bare(text)))
    ]
    return sorted({text for text in outside if text not in stored})


def _bare(text: str) -> str:
    """What stands outside every frame; frames stand in each other."""
    depth, kept = 0, []
    for character in text:
        depth += (character == OPEN) - (character == CLOSE)
        kept.append(character if depth == 0 and character != CLOSE else " ")
    return "".join(kept)


def _stored(runtime: Runtime) -> str:
    """All that the database holds in words: names, titles, what was typed."""
    with runtime.database.read() as session:
        return "\n".join(_words(session))


def _words(session: Session) -> Iterator[str]:
    for table in Base.metadata.sorted_tables:
        columns = [column for column in table.c if isinstance(column.type, String | Text)]
        if columns:
            for row in session.execute(select(*columns)):
                yield from (str(value) for value in row if value)
