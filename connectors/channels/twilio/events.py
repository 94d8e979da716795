"""What Twilio calls back: what became of a message, and what people reply. A form each time.

Source: docs.twilio.com, status callbacks, incoming messages (June 2026). A callback names no moment with a
zone, comes in any order, and perhaps not at all.
"""

import tomllib
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from connectors.base import UnreadablePayload
from connectors.channels.twilio.codes import CODES
from connectors.channels.twilio.signature import verify
from connectors.delivery import Advice, DeliveryKind, DeliveryUpdate, Word
from connectors.wording import storable

__all__ = ["read_inbound", "read_status", "told", "verify", "word"]


def read_status(body: bytes, message_id: str | None, *, received_at: datetime) -> list[DeliveryUpdate]:
    """What a verified status callback tells; nothing where its status is not one that we know.

    Args:
        message_id: ours, from the address that was called.
        received_at: when it came.

    Raises:
        UnreadablePayload: the body is no form, or names no message and status.
    """
    form = _form(body)
    sid = form.get("MessageSid") or form.get("SmsSid")
    status = form.get("MessageStatus") or form.get("SmsStatus")
    if not sid or not status:
        raise UnreadablePayload("the callback names no message or no status")
    message = {"sid": sid, "status": status, "to": form.get("To"), "error_code": form.get("ErrorCode")}
    update = told(message, message_id, received_at)
    return [] if update is None else [update]


def read_inbound(body: bytes, *, received_at: datetime) -> list[DeliveryUpdate]:
    """What a person replied.

    Raises:
        UnreadablePayload: the body is no form, or names no message and no sender.
    """
    form = _form(body)
    sid = form.get("MessageSid") or form.get("SmsSid")
    if not sid or not form.get("From"):
        raise UnreadablePayload("the reply names no message or nobody who wrote it")
    text = form.get("Body", "")
    asked = _OPT_OUT_TYPES.get(form.get("OptOutType", "").strip().upper()) or word(text)
    return [
        DeliveryUpdate(
            kind=DeliveryKind.REPLIED,
            occurred_at=received_at,
            key=f"{storable(sid, _LONGEST_ID)}:reply",
            address=storable(form["From"], _LONGEST_ADDRESS),
            advice=Advice.SUPPRESS if asked is Word.STOP else Advice.NOTHING,
            word=asked,
            text=storable(text, _LONGEST_TEXT),
        )
    ]


def told(message: Mapping[str, Any], message_id: str | None, received_at: datetime) -> DeliveryUpdate | None:
    """What Twilio says of a message (sid, status, to, error_code); None where we do not know its status."""
    status = str(message.get("status") or "").strip().lower()
    sid = storable(message.get("sid"), _LONGEST_ID)
    kind = STATUSES.get(status)
    if kind is None or not sid:
        return None
    advice, reason = Advice.NOTHING, status
    code = _code(message.get("error_code"))
    if kind is DeliveryKind.FAILED and code is not None:
        row = CODES.get(code)
        kind, advice = (row.kind, row.advice) if row else (kind, advice)
        reason = f"{status} {code}: {row.words}" if row else f"{status} {code}"
    return DeliveryUpdate(
        kind=kind,
        occurred_at=received_at,
        key=f"{storable(message_id, _LONGEST_ID) or sid}:{status}",
        message_id=message_id,
        address=storable(message.get("to"), _LONGEST_ADDRESS),
        reason=reason,
        advice=advice,
    )


def word(text: str) -> Word:
    """What a reply asks for; the words are in `words.toml`."""
    return _WORDS.get(_bare(text), Word.OTHER)


STATUSES: Mapping[str, DeliveryKind] = {
    "accepted": DeliveryKind.ACCEPTED,
    "scheduled": DeliveryKind.ACCEPTED,
    "queued": DeliveryKind.ACCEPTED,
    "sending": DeliveryKind.ACCEPTED,
    "sent": DeliveryKind.ACCEPTED,
    "delivered": DeliveryKind.DELIVERED,
    "partially_delivered": DeliveryKind.DELIVERED,
    "read": DeliveryKind.DELIVERED,
    "undelivered": DeliveryKind.FAILED,
    "failed": DeliveryKind.FAILED,
    "canceled": DeliveryKind.FAILED,
}
"""What a status says; of those that failed, the code says more."""

_LONGEST_ID, _LONGEST_ADDRESS, _LONGEST_TEXT = 64, 64, 1600
_LONGEST_CODE = 6
_OPT_OUT_TYPES = {"STOP": Word.STOP, "START": Word.START, "HELP": Word.HELP}


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=1000)
    except ValueError as error:
        raise UnreadablePayload("the body is not a form") from error
    return dict(pairs)


def _code(told_code: object) -> int | None:
    text = str(told_code or "").strip()
    is_number = text.isascii() and text.isdigit() and len(text) <= _LONGEST_CODE
    return int(text) or None if is_number else None


def _bare(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in decomposed if character.isalnum())


def _read() -> dict[str, Word]:
    table = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
    return {_bare(text): Word(asked) for asked, texts in table.items() for text in texts}


_WORDS = _read()
