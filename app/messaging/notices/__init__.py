"""What merchants are told by mail: plain words, in the shop's language."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from app.members.letters import Letter
from app.messaging import layout
from app.messaging.colours import paint_of
from app.messaging.content import language_for
from app.models import Store
from app.stores import settings
from connectors.base import OutgoingMessage

_PATHS = {
    "low_rating": "/app/reviews?show=low",
    "text_budget": "/app/settings#senders",
    "sender_stopped": "/app/settings#senders",
}
"""Where a mail leads, if not home."""
_OURS = "Ritorno"
_PAINT = paint_of("#a8472a")
_SIGNED = {"it": "Ti scrive Ritorno, che trovi su {}.", "en": "Sent by Ritorno, which you find at {}."}
"""Who writes, and where the button leads: somebody asked to sign in may want to know before."""


def language_of(store: Store) -> str:
    """The language in which the merchant is written to."""
    return language_for(settings.read(store, "locale"), "")


def mail(
    store: Store,
    kind: str,
    *,
    to_address: str,
    from_address: str,
    base_url: str,
    told: Mapping[str, object],
) -> OutgoingMessage:
    """The mail about one notice; `told` are the values of its words, such as `n`, how often it happened.

    Its id is no message's, so that events about it are nobody's.
    """
    return _outgoing(
        f"notice-{store.id}-{kind}",
        kind,
        language_of(store),
        told={"store": store.name or store.domain, "url": base_url + _PATHS.get(kind, "/app/"), **told},
        to_address=to_address,
        from_address=from_address,
    )


def letter_of(letter: Letter, from_address: str) -> OutgoingMessage:
    """The mail with a member's one-time link."""
    return _outgoing(
        f"letter-{letter.id}",
        letter.kind,
        language_for(letter.language, ""),
        told={"store": letter.store, "url": letter.url},
        to_address=letter.to_address,
        from_address=from_address,
    )


def _outgoing(
    message_id: str,
    kind: str,
    language: str,
    *,
    told: Mapping[str, object],
    to_address: str,
    from_address: str,
) -> OutgoingMessage:
    words = _Words.of(kind, language, told)
    return OutgoingMessage(
        message_id=message_id,
        channel="email",
        to_address=to_address,
        from_address=from_address,
        from_name=_OURS,
        subject=words.subject,
        text=_text(words, str(told["url"])),
        html=_html(words, language, str(told["url"])),
        labels=("notice", kind),
    )


@dataclass(frozen=True, slots=True)
class _Words:
    """What one notice says, filled in; `rows` are figures, `after` is small print under the button."""

    subject: str
    title: str
    text: list[str]
    rows: list[tuple[str, str]]
    button: str
    after: list[str]

    @classmethod
    def of(cls, kind: str, language: str, told: Mapping[str, object]) -> "_Words":
        said = _read(kind)[language]
        return cls(
            subject=said["subject"].format_map(told),
            title=said["title"].format_map(told),
            text=[line.format_map(told) for line in said["text"]],
            rows=[(label, value.format_map(told)) for label, value in said.get("rows", ())],
            button=said["button"],
            after=[line.format_map(told) for line in said.get("after", ())],
        )


@cache
def _read(kind: str) -> dict[str, dict[str, Any]]:
    text = files(__name__).joinpath(f"{kind}.json").read_text(encoding="utf-8")
    words: dict[str, Any] = json.loads(text)
    return words


def _text(words: _Words, url: str) -> str:
    figures = "\n".join(f"{label}: {value}" for label, value in words.rows)
    parts = (words.title, *words.text, figures, f"{words.button}:\n{url}", *words.after)
    return "\n\n".join(filter(None, parts))


def _html(words: _Words, language: str, url: str) -> str:
    """The mail in the same frame as the shops' own, in our name."""
    there = urlsplit(url)
    home = layout.escape(f"{there.scheme}://{there.netloc}/app/")
    before_subject, before_preheader, after_preheader = layout.opening(language, _PAINT)
    escaped_url, title = layout.escape(url), layout.escape(words.title)
    return "".join(
        [
            before_subject,
            layout.escape(words.subject),
            before_preheader,
            layout.escape(words.text[0]),
            after_preheader,
            layout.brand(_OURS, home),
            layout.heading(title),
            *(layout.paragraph(layout.escape(line)) for line in words.text),
            layout.figures([(layout.escape(label), layout.escape(value)) for label, value in words.rows]),
            layout.button(layout.escape(words.button), escaped_url, _PAINT),
            *(layout.note(layout.escape(line)) for line in words.after),
            layout.ending(layout.escape(_SIGNED[language].format(there.netloc))),
        ]
    )
