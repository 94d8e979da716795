"""Providers' words in the reader's language: every word of ours has a sentence, theirs stand beside."""

import re
import tomllib
from pathlib import Path

import pytest
from flask import Flask

import connectors.channels
import jobs
from app.web import provider_words
from app.web.catalogue import CATALOGUES
from app.web.provider_words import KINDS, said
from app.web.timeline_words import step_value

CHANNELS = Path(connectors.channels.__file__).parent
KEPT_BACK = [Path(*jobs.__path__) / name for name in ("last_looks.py", "outbox.py")]
"""Who says why a message was not given to its channel."""
TABLES = ("sendgrid/errors.toml", "twilio/codes.toml")
WRITTEN = re.compile(
    r"""(?:error=|return |ConnectorError\()"((?:the |there |not |no |Twilio|SendGrid)[^"{]+)"[,)\n]"""
)
OF_SETUP = ("setup.py", "package.py", "listing.py", "events.py", "signature.py", "pace.py", "logs.py")
"""What is said to who sets an account up, never of a message."""


def _ours() -> set[str]:
    """Every word that our own channels, and who keeps back from them, write of a message."""
    tables = [tomllib.loads((CHANNELS / name).read_text(encoding="utf-8")) for name in TABLES]
    rows = [row for table in tables for rows in table.values() if isinstance(rows, list) for row in rows]
    sources = [path for path in CHANNELS.rglob("*.py") if path.name not in OF_SETUP] + KEPT_BACK
    written = {found for path in sources for found in WRITTEN.findall(path.read_text(encoding="utf-8"))}
    return {row["words"] for row in rows if row.get("words")} | written


def test_every_word_of_our_channels_has_its_sentence() -> None:
    missing = {words for words in _ours() if f"said.{words}" not in CATALOGUES["it"]}

    assert len(_ours()) > 35
    assert missing == set()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("bounce · Invalid Address · 5.1.1", "l’indirizzo non esiste"),
        ("blocked · Reputation · 4.7.1", "il server del destinatario non si fida del mittente"),
        ("bounce · 5.7.1", "il server del destinatario non si fida del mittente"),
        ("bounce · 5.9.9", "il server del destinatario l’ha respinta"),
        ("450", "il server del destinatario per ora la rifiuta"),
        ("Unsubscribed Address", "il destinatario si era cancellato presso SendGrid"),
        ("undelivered 30003: the phone could not be reached", "il telefono non era raggiungibile"),
        ("undelivered 39999", "non consegnato"),
        ("SendGrid refused the mail: content: too odd", "SendGrid ha respinto l’e-mail"),
        ("Twilio answered 400: What a number", "Twilio ha rifiutato (risposta 400)"),
        ("a mouse bit the cable", "il fornitore l’ha detto con parole sue"),
    ],
)
def test_what_was_said_is_a_sentence_with_the_words_beside_it(app: Flask, text: str, sentence: str) -> None:
    with app.test_request_context(headers={"Accept-Language": "it"}):
        found = said(text)

    assert found is not None
    assert (found.sentence, found.details) == (sentence, text)


def test_a_refused_account_is_told_in_the_readers_language(app: Flask) -> None:
    why = "the provider refuses the account: SendGrid does not accept the API key"

    with app.test_request_context(headers={"Accept-Language": "it"}):
        told = step_value(why)

    assert told == "il fornitore respinge l’account (SendGrid non accetta la chiave API)"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("until 2026-11-27T09:00+00:00", "fino al 27 nov 2026, 09:00"),
        ("it was worth sending until 2026-11-27T09:00+00:00", "aveva senso fino al 27 nov 2026, 09:00"),
        (
            "lost-to-better until 2026-11-28T09:00+00:00, after its end 2026-11-27T09:00+00:00",
            "troppo tardi, scadeva il 27 nov 2026, 09:00",
        ),
    ],
)
def test_moments_of_the_gate_are_told_in_the_readers_language(app: Flask, value: str, told: str) -> None:
    with app.test_request_context(headers={"Accept-Language": "it"}):
        assert step_value(value).endswith(told)
        assert "until" not in step_value(value)


def test_the_same_words_are_a_sentence_in_english(app: Flask) -> None:
    words = "Twilio does not accept the account or its token"

    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert provider_words.sentence(words) == words


def test_nothing_said_is_nothing() -> None:
    assert (said(None), said(""), provider_words.sentence("")) == (None, None, "")


def test_every_sentence_belongs_to_a_table() -> None:
    assert {kind for kind in KINDS for key in CATALOGUES["it"] if key.startswith(f"{kind}.")} == set(KINDS)
