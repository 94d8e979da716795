"""What merchants are told by mail: plain words, in the shop's language."""

import html
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from app.members.letters import Letter
from app.messaging.content import language_for
from app.models import Store
from app.stores import settings
from connectors.base import OutgoingMessage

_MAIL = '<!doctype html><html lang="{language}"><body style="font: 16px/1.5 sans-serif">{text}</body></html>'


_PATHS = {
    "low_rating": "/app/reviews?show=low",
    "text_budget": "/app/settings#senders",
    "sender_stopped": "/app/settings#senders",
}
"""Where a mail leads, if not home."""
_TABLE = '<table cellpadding="0" cellspacing="0" style="margin: 16px 0">{rows}</table>'
_ROW = (
    '<tr><td style="padding: 6px 24px 6px 0; color: #6a5f56">{label}</td>'
    '<td style="padding: 6px 0; text-align: right"><b>{value}</b></td></tr>'
)


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
    words = _words(kind)[language]
    text = words["text"].format_map(told)
    rows = [(label, value.format_map(told)) for label, value in words.get("rows", ())]
    after = words.get("after", "").format_map(told)
    plain = "\n".join(f"{label}: {value}" for label, value in rows)
    return OutgoingMessage(
        message_id=message_id,
        channel="email",
        to_address=to_address,
        from_address=from_address,
        from_name="Ritorno",
        subject=words["subject"].format_map(told),
        text="\n\n".join(filter(None, (text, plain, after))),
        html=_MAIL.format(language=language, text=_paragraphs(text) + _table(rows) + _paragraphs(after)),
        labels=("notice", kind),
    )


@cache
def _words(kind: str) -> dict[str, dict[str, Any]]:
    text = files(__name__).joinpath(f"{kind}.json").read_text(encoding="utf-8")
    words: dict[str, Any] = json.loads(text)
    return words


def _table(rows: Sequence[tuple[str, str]]) -> str:
    """Labels and values, or nothing."""
    lines = [_ROW.format(label=html.escape(label), value=html.escape(value)) for label, value in rows]
    return _TABLE.format(rows="".join(lines)) if lines else ""


def _paragraphs(text: str) -> str:
    if not text:
        return ""
    return "".join(f"<p>{html.escape(part).replace(chr(10), '<br>')}</p>" for part in text.split("\n\n"))
