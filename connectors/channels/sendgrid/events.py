"""SendGrid's event webhook: is a post signed, and what does it tell?

Source: docs.sendgrid.com, event webhook reference and security features (2021 and January 2026).
"""

import hashlib
import json
import math
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
    told = [(event, verdict(event)) for event in events]
    updates = tuple(
        _update(event, row.kind, row, received_at) for event, row in told if row is not None and row.kind
    )
    return Events(
        updates=updates,
        total=len(entries),
        unreadable=len(entries) - len(events),
        ignored=len(events) - len(updates),
    )


_OWN_ID = re.compile(r"[0-9]{1,19}")
_SMTP_CODE = re.compile(r"\b[245]\d\d\b")
_LONGEST_INT = 20
_PLAIN = (str, int, float)
_MARK_BYTES = 16
_TELLING = ("event", "timestamp", "url", "attempt", "type")
_LONGEST_ADDRESS, _LONGEST_URL, _LONGEST_AGENT, _LONGEST_IP, _LONGEST_ID = 320, 2000, 400, 45, 200
_AHEAD = timedelta(hours=1)
# Where our own arguments may lie: usually flattened, older exports and tools nest them.
_NESTS = ("custom_args", "unique_args")


def _entries(body: bytes) -> Any:
    try:
        return exact_json.read(body)
    except ValueError:
        # NaN or a whole number of thousands of digits would fail the post; so it fails its own entry only.
        return json.loads(body, parse_int=_whole_number)


def _whole_number(text: str) -> int | str:
    return int(text) if len(text) <= _LONGEST_INT else text


def _update(
    event: Mapping[str, Any], kind: DeliveryKind, row: Verdict, received_at: datetime
) -> DeliveryUpdate:
    message_id, store_id = _own(event, "mid"), _own(event, "store")
    return DeliveryUpdate(
        kind=kind,
        occurred_at=_occurred_at(event.get("timestamp"), received_at),
        key=_key(event, message_id, store_id),
        message_id=message_id,
        store_id=store_id,
        installation=_home(event),
        address=storable(event.get("email"), _LONGEST_ADDRESS).strip(),
        provider_message_id=storable(event.get("sg_message_id"), _LONGEST_ID) or None,
        reason=_reason(event, row),
        advice=row.advice,
        url=storable(event.get("url"), _LONGEST_URL),
        agent=storable(event.get("useragent"), _LONGEST_AGENT),
        ip=storable(event.get("ip"), _LONGEST_IP) if kind in _ACTS else "",
        is_machine=event.get("sg_machine_open") is True,
    )


# Of all other events `ip` is the address of a mail server.
_ACTS = frozenset({DeliveryKind.CLICKED, DeliveryKind.OPENED})


def _occurred_at(told: object, received_at: datetime) -> datetime:
    seconds = _seconds(told)
    if seconds is None:
        return received_at
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return received_at
    return at if at <= received_at + _AHEAD else received_at


def _seconds(told: object) -> float | None:
    """A moment of the Unix epoch, whether told as a number or as a text; None if it cannot be one."""
    if isinstance(told, bool) or not isinstance(told, (int, float, str)):
        return None
    try:
        seconds = float(told)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _own(event: Mapping[str, Any], name: str) -> str | None:
    """Our own argument, where it is a number of ours: others may send mails by the same account."""
    text = _number(event.get(name))
    if text is not None:
        return text
    return next((text for nest in _nests(event) if (text := _number(nest.get(name))) is not None), None)


def _home(event: Mapping[str, Any]) -> str:
    home = storable(event.get("home"), _LONGEST_ID)
    if home:
        return home
    return next((text for nest in _nests(event) if (text := storable(nest.get("home"), _LONGEST_ID))), "")


def _nests(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [nest for key in _NESTS if isinstance(nest := event.get(key), dict)]


def _number(value: object) -> str | None:
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return text if _OWN_ID.fullmatch(text) else None


def _key(event: Mapping[str, Any], own: str | None, store: str | None) -> str:
    """Equal for two tellings; SendGrid's `sg_event_id` may differ between them (sendgrid-nodejs 1435)."""
    whose = (store, own) if own else (event.get("sg_message_id"), event.get("email"))
    offset = event.get("url_offset")
    place = (offset.get("index"), offset.get("type")) if isinstance(offset, dict) else ()
    told = (*whose, *map(event.get, _TELLING), *place)
    exact = repr([value if isinstance(value, _PLAIN) else None for value in told])
    mark = hashlib.blake2s(exact.encode(), digest_size=_MARK_BYTES).hexdigest()
    return f"{storable(event['event'], 30)}:{own or ''}:{mark}"


def _reason(event: Mapping[str, Any], row: Verdict) -> str:
    """SendGrid's own words; of what a mail server said only the codes, for it may name a person."""
    reason = event.get("reason") if row.event == "dropped" else ""
    told = (event.get("type"), event.get("bounce_classification"), reason)
    words = [part for part in told if isinstance(part, str) and part]
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
