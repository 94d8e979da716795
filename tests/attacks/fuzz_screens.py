"""`python -m tests.attacks.fuzz_screens`: strange words in addresses and fields of the merchant's screens.

On both databases the screens are gone through by their links. Every form that is met is sent as it stands but
for one field, which holds a strange word: for each field and word. So is every address that takes a word.
No answer may be a 5xx.
"""

import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient

from app import clock
from app.config import Settings
from app.runtime import Runtime
from tests import engines
from tests.web.web_shops import NOW, make_app, make_shop, signed_in

STRANGE = ("", "9" * 30, "-1", "\x00", "%\u202e٣", "x" * 3000, "2026-02-30", "{{ a", "é'\"<b>")
_ENDS = re.compile("sign-out|sign-in|sessions|disconnect|erase|leaving|install|/connect")
"""What would end the visit, or call a shop that is not there."""
_MOST_PAGES = 200
_CSRF = re.compile('name="csrf" value="([^"]+)"')


@dataclass
class Form:
    """A form of a page: where it goes, and its fields as they stand."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    """The forms of a page that change something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._is_open = False
        self._page = page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "form":
            self._is_open = (told.get("method") or "").lower() == "post"
            if self._is_open:
                self.found.append(Form(told.get("action") or self._page))
        elif self._is_open and told.get("name") and told["name"] != "csrf":
            self.found[-1].fields.append((str(told["name"]), told.get("value") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_open = False


class Walk:
    """A signed-in member's way through all the screens of one database.

    Args:
        operators: what lets members in; the screens themselves see no more than their store.
    """

    def __init__(self, app: Flask, operators: Runtime) -> None:
        self._app, self._operators = app, operators
        self._member: FlaskClient = signed_in(app, operators)
        self.asked = 0
        self.wrong: list[str] = []

    def forms(self) -> list[Form]:
        """One form of each kind that the links lead to."""
        waiting, seen = ["/app/"], set[str]()
        kinds: dict[tuple[str, tuple[str, ...]], Form] = {}
        while waiting and len(seen) < _MOST_PAGES:
            page = waiting.pop()
            if page in seen or _ENDS.search(page):
                continue
            seen.add(page)
            text = self._member.get(page).get_data(as_text=True)
            waiting += [link.replace("&amp;", "&") for link in re.findall(r'href="(/app/[^"#]*)"', text)]
            forms = _Forms(page)
            forms.feed(text)
            for form in forms.found:
                kinds.setdefault((self._endpoint(form.action), tuple(name for name, _ in form.fields)), form)
        return [form for form in kinds.values() if not _ENDS.search(form.action)]

    def send(self, form: Form) -> None:
        """The form with each field strange in turn."""
        self._member = signed_in(self._app, self._operators)
        token = self._token()
        for name in dict.fromkeys(name for name, _ in form.fields):
            for word in STRANGE:
                given: dict[str, list[str]] = {"csrf": [token]}
                for known, value in form.fields:
                    given.setdefault(known, []).append(value)
                given[name] = [word]
                self._judge(self._member.post(form.action, data=given), form.action, name, word)

    def ask(self) -> None:
        """Every address, its words strange, and strange words behind it."""
        for rule in self._app.url_map.iter_rules():
            if "GET" in (rule.methods or ()) and not _ENDS.search(rule.rule):
                for word in STRANGE:
                    address, query = _named(rule.rule, word), dict.fromkeys(_ASKED, word)
                    self._judge(self._member.get(address), rule.rule, "path", word)
                    self._judge(self._member.get(address, query_string=query), rule.rule, "query", word)

    def _endpoint(self, action: str) -> str:
        path = action.partition("?")[0]
        return str(self._app.url_map.bind("localhost").match(path, method="POST")[0])

    def _token(self) -> str:
        found = _CSRF.search(self._member.get("/app/settings").get_data(as_text=True))
        assert found is not None
        return found[1]

    def _judge(self, answer: Any, *told: str) -> None:
        self.asked += 1
        if answer.status_code >= 500:
            self.wrong.append(f"{answer.status_code} {' '.join(word[:40] for word in told)!r}")


_ASKED: Sequence[str] = (
    "cursor days draft flow id_token kind limit next on product rating show shop status store success user_id"
).split()


def _named(rule: str, word: str) -> str:
    path = re.sub(r"<int:[a-z_]+>", word if word.isdigit() and word.isascii() else "1", rule)
    return quote(re.sub(r"<(path:)?[a-z_]+>", lambda _: word or "a", path), safe="/")


def attack(url: str) -> Walk:
    """Go through the screens of a fresh database."""
    keys = Fernet.generate_key().decode()
    runtime = Runtime.build(Settings(database_url=url, secret_key="fuzz", encryption_keys=keys))
    with clock.frozen_at(NOW):
        operators = runtime.seeing(runtime.database.over_all_stores())
        make_shop(operators, "azure")
        walk = Walk(make_app(runtime), operators)
        walk.ask()
        for form in walk.forms():
            walk.send(form)
    runtime.database.dispose()
    return walk


def _databases(folder: Path) -> Iterator[str]:
    yield engines.Files(folder).create()
    with engines.postgresql() as server:
        url = server.create()
        yield url
        server.drop(url)
    engines.remove_leftovers()


def _main() -> int:
    is_wrong = False
    with tempfile.TemporaryDirectory() as folder:
        for url in _databases(Path(folder)):
            walk = attack(url)
            told = "\n".join(walk.wrong) or "nothing broke"
            sys.stdout.write(f"{url.partition(':')[0]}: {walk.asked} requests, {told}\n")
            is_wrong = is_wrong or bool(walk.wrong)
    return int(is_wrong)


if __name__ == "__main__":
    sys.exit(_main())
