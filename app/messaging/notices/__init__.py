"""What merchants are told by mail: plain words, in the shop's language."""

import html
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from app.members.letters import Letter
from app.messaging.content import language_for
from app.models import Store
from app.stores import settings
from connectors.base import OutgoingMessage

_MAIL = '<!doctype html><html lang="{language}"><body style="font: 16px/1.5 sans-serif">{text}</body></html>'


_PATHS = {"low_rating": "/app/reviews?show=low", "text_budget": "/app/settings#senders"}
"""Where a mail leads, if not home."""


def mail(
    store: Store, kind: str, *, to_address: str, from_address: str, base_url: str, n: int = 1
) -> OutgoingMessage:
    """The mail about one notice of something that happened `n` times.

    Its id is no message's, so that events about it are nobody's.
    """
    language = language_for(settings.read(store, "locale"), "")
    told = {"store": store.name or store.domain, "url": base_url + _PATHS.get(kind, "/app/"), "n": n}
    return _outgoing(
        f"notice-{store.id}-{kind}",
        kind,
        language,
        told=told,
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
    words = _words(kind)[language]
    text = words["text"].format_map(told)
    return OutgoingMessage(
        message_id=message_id,
        channel="email",
        to_address=to_address,
        from_address=from_address,
        from_name="Ritorno",
        subject=words["subject"].format_map(told),
        text=text,
        html=_MAIL.format(language=language, text=_paragraphs(text)),
        labels=("notice", kind),
    )


@cache
def _words(kind: str) -> dict[str, dict[str, str]]:
    text = files(__name__).joinpath(f"{kind}.json").read_text(encoding="utf-8")
    words: dict[str, Any] = json.loads(text)
    return words


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{html.escape(part).replace(chr(10), '<br>')}</p>" for part in text.split("\n\n"))
