"""SendGrid's event webhook: is a post signed, and what does it tell?

Source: docs.sendgrid.com, event webhook reference and security features (2021 and January 2026).
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors import exact_json
from connectors.base import UnreadablePayload
from connectors.channels.sendgrid.signature import verify
from connectors.channels.sendgrid.verdicts import Verdict, enhanced_status, verdict
from connectors.delivery import DeliveryKind, DeliveryUpdate
from connectors.wording import LONGEST, harmless, storable

__all__ = ["Events", "read", "verify"]


@dataclass(frozen=True, slots=True)
class Events:
    """What one post told.

    Attributes:
        total: entries of the post.
        unreadable: entries that are no event: of them nothing is kept.
        ignored: events that say nothing of a message or that we do not know.
    """

    updates: tuple[DeliveryUpdate, ...]
    total: int
    unreadable: int
    ignored: int


def read(body: bytes, *, received_at: datetime) -> Events:
    """What a verified post tells.

    Args:
        received_at: stands in for a moment that an event does not tell, or tells of the future.

    Raises:
        UnreadablePayload: the body is no JSON list.
    """
    try:
        entries = _entries(body)
    except (ValueError, RecursionError) as error:
        raise UnreadablePayload("the post is not readable JSON") from error
    if not isinstance(entries, list):
        raise UnreadablePayload("the post is not a list of events")
    events = [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("event"), str)]
    latest = received_at + _AHEAD
    updates = tuple(
        _update(event, row.kind, row, received_at=received_at, latest=latest)
        for event in events
        if (row := verdict(event)) is not None and row.kind
    )
    return Events(
        updates=updates,
        total=len(entries),
        unreadable=len(entries) - len(events),
        ignored=len(events) - len(updates),
    )


_SMTP_CODE = re.compile(r"\b[245]\d\d\b")
_LONGEST_INT = 20
_LONGEST_NUMBER = 19
_PLAIN = (str, int, float)
_MARK_BYTES = 16
_TELLING = ("event", "timestamp", "url", "attempt", "type")
_LONGEST_ADDRESS, _LONGEST_URL, _LONGEST_ID = 320, 2000, 200
_AHEAD = timedelta(hours=1)


def _entries(body: bytes) -> Any:
    try:
        return exact_json.read(body)
    except ValueError:
        # NaN or a whole number of thousands of digits would fail the post; so it fails its own entry only.
        return json.loads(body, parse_int=_whole_number)


def _whole_number(text: str) -> int | str:
    return int(text) if len(text) <= _LONGEST_INT else text


def _update(
    event: Mapping[str, Any], kind: DeliveryKind, row: Verdict, *, received_at: datetime, latest: datetime
) -> DeliveryUpdate:
    told = event.get
    message_id, store_id, home = _own(event)
    # By place: naming each would take as long as the rest of the event.
    return DeliveryUpdate(
        kind,
        _occurred_at(told("timestamp"), latest) or received_at,
        _key(event, message_id, store_id),
        message_id,
        store_id,
        home,
        storable(told("email"), _LONGEST_ADDRESS).strip(),
        _reason(event, row),
        row.advice,
        storable(told("url"), _LONGEST_URL),
        told("sg_machine_open") is True,
    )


def _occurred_at(told: object, latest: datetime) -> datetime | None:
    """A moment of the Unix epoch, whether told as a number or as a text; None if it cannot be one."""
    if isinstance(told, bool) or not isinstance(told, (int, float, str)):
        return None
    try:
        seconds = float(told)
        at = datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
    return at if at is not None and at <= latest else None


def _own(event: Mapping[str, Any]) -> tuple[str | None, str | None, str]:
    """Our own arguments, the ids where they are numbers of ours: others may send by the same account."""
    told = event.get
    message_id, store_id = _number(told("mid")), _number(told("store"))
    home = storable(told("home"), _LONGEST_ID)
    for nested in (told("custom_args"), told("unique_args")):
        # Usually they are flattened, older exports and tools nest them.
        if isinstance(nested, dict):
            message_id = message_id or _number(nested.get("mid"))
            store_id = store_id or _number(nested.get("store"))
            home = home or storable(nested.get("home"), _LONGEST_ID)
    return message_id, store_id, home


def _number(value: object) -> str | None:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or len(text) > _LONGEST_NUMBER:
        return None
    return text if text.isdigit() and text.isascii() else None


def _key(event: Mapping[str, Any], own: str | None, store: str | None) -> str:
    """Equal for two tellings; SendGrid's `sg_event_id` may differ between them (sendgrid-nodejs 1435)."""
    whose = (store, own) if own else (event.get("sg_message_id"), event.get("email"))
    told = [*whose, *map(event.get, _TELLING)]
    offset = event.get("url_offset")
    if isinstance(offset, dict):
        told += offset.get("index"), offset.get("type")
    exact = repr([value if isinstance(value, _PLAIN) else None for value in told])
    mark = hashlib.blake2s(exact.encode(), digest_size=_MARK_BYTES).hexdigest()
    return f"{storable(event['event'], 30)}:{own or ''}:{mark}"


def _reason(event: Mapping[str, Any], row: Verdict) -> str:
    """SendGrid's own words; of what a mail server said only the codes, for it may name a person."""
    reason = event.get("reason") if row.event == "dropped" else None
    told = (event.get("type"), event.get("bounce_classification"), reason)
    words = [part for part in told if part and isinstance(part, str)]
    said = harmless(" · ".join(words)) if words else ""
    codes = _codes(event)
    return f"{said} · {codes}"[:LONGEST] if said and codes else said or codes


def _codes(event: Mapping[str, Any]) -> str:
    status = enhanced_status(event)
    if status:
        return status
    said = event.get("response") or event.get("reason")
    found = _SMTP_CODE.search(said) if isinstance(said, str) and event["event"] == "deferred" else None
    return found[0] if found else ""
