"""The words of the screens in Italian and English, by key."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from babel.numbers import format_decimal
from flask import Blueprint, Flask, g, redirect, request
from flask import session as cookie
from flask.typing import ResponseReturnValue

from app.errors import BadInput
from app.members.roles import READER
from app.messaging.content import OWN
from app.models import Store
from app.web.auth import role_required

LANGUAGES = {"it": "Italiano", "en": "English"}
_FOLDER = Path(__file__).parent / "texts"


def _read(language: str) -> dict[str, str]:
    """The words of a language, by keys that all languages share in memory."""
    words = json.loads((_FOLDER / f"{language}.json").read_bytes())
    return {sys.intern(key): text for key, text in words.items()}


CATALOGUES = {language: _read(language) for language in LANGUAGES}

blueprint = Blueprint("language", __name__)


def language() -> str:
    """The reader's language: chosen in the footer, else the browser's, else English."""
    known: str | None = g.get("language")
    if known is None:
        chosen = cookie.get("language")
        known = chosen if chosen in LANGUAGES else request.accept_languages.best_match(["en", "it"], "en")
        g.language = known
    return known


@contextmanager
def reading_for(store: Store, language: str) -> Iterator[None]:
    """Words and moments outside a request, in a language and in a store's zone."""
    with Flask(__name__).app_context():
        g.store, g.language = store, language
        yield


def translate(key: str, **values: Any) -> str:
    """The text of a key in the reader's language; `n` picks the singular and is written as a number.

    Raises:
        KeyError: the key is in no catalogue; a test compares both and the templates with them.
    """
    catalogue = CATALOGUES[language()]
    pattern = catalogue[key]
    if values.get("n") == 1:
        pattern = catalogue.get(f"{key}.one", pattern)
    shown = {name: _number(value) if isinstance(value, int) else value for name, value in values.items()}
    return pattern.format_map(shown)


def word(kind: str, value: str | None) -> str:
    """The merchant's word for a value of ours (`word("status", "sent")`); an unknown one as it is."""
    if value is None:
        return ""
    known = CATALOGUES[language()]
    if kind == "step" and value.startswith(OWN):
        return known["step.own"].format(n=value.removeprefix(OWN))
    return known.get(f"{kind}.{value}", value)


def choice(key: str, value: str) -> str:
    """The merchant's word for one of a setting's choices: the setting's own, else that of all settings."""
    known = CATALOGUES[language()]
    return known.get(f"choice.{key}.{value}") or known.get(f"choice.{value}", value)


@blueprint.post("/app/language")
@role_required(READER)
def choose_language() -> ResponseReturnValue:
    """Remember the language picked in the footer and go back home."""
    chosen = request.form.get("language", "")
    if chosen not in LANGUAGES:
        raise BadInput("this language is not spoken here", "language")
    cookie["language"] = chosen
    return redirect(_back(request.form.get("back", "")), code=303)


def _back(path: str) -> str:
    """Where the reader was, if that is a screen of ours."""
    is_ours = path.startswith("/app/") and "\\" not in path and not path.startswith("//")
    return path if is_ours else "/app/"


def _number(value: int) -> str:
    return format_decimal(value, locale=language())
