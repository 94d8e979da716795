"""SendGrid's event webhook: is a post signed, and what does it tell?

Source: docs.sendgrid.com, event webhook reference and security features (2021 and January 2026).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from connectors.base import UnreadablePayload
from connectors.channels.sendgrid import entries as entries_of
from connectors.channels.sendgrid.entries import Event, NoList
from connectors.channels.sendgrid.signature import verify
from connectors.channels.sendgrid.verdicts import ROWS, Verdict, enhanced_status, verdict
from connectors.delivery import MOST_DIGITS, DeliveryKind, DeliveryUpdate, WentWell
from connectors.wording import LONGEST, harmless, storable

__all__ = ["Events", "read", "verify"]


@dataclass(frozen=True, slots=True)
class Events:
    """What one post told.

    Attributes:
        well: the events that say no more than that; `others` are the rest.
        total: entries of the post.
        unreadable: entries that are no event: of them nothing is kept.
        ignored: events that say nothing of a message or that we do not know.
    """

    well: WentWell
    others: tuple[DeliveryUpdate, ...]
    total: int
    unreadable: int
    ignored: int

    @property
    def updates(self) -> tuple[DeliveryUpdate, ...]:
        """All of them, one by one."""
        return (*self.well.updates(), *self.others)


def read(body: bytes, *, received_at: datetime) -> Events:
    """What a verified post tells.

    Args:
        received_at: stands in for a moment that an event does not tell, or tells of the future.

    Raises:
        UnreadablePayload: the body is no JSON list.
    """
    try:
        entries = entries_of.read(body)
    except NoList as error:
        raise UnreadablePayload(str(error)) from error
    except ValueError as error:
        raise UnreadablePayload("the post is not readable JSON") from error
    events = [entry for entry in entries if isinstance(entry, Event) and isinstance(entry.event, str)]
    latest = received_at + _AHEAD
    before = latest.timestamp()
    well: list[Event] = []
    rest: list[Event] = []
    for event in events:
        (well if event.event in _WELL and _is_plain(event, before) else rest).append(event)
    others = tuple(
        _update(event, row.kind, row, received_at=received_at, latest=latest)
        for event in rest
        if (row := verdict(event)) is not None and row.kind
    )
    return Events(
        well=_in_columns(well),
        others=others,
        total=len(entries),
        unreadable=len(entries) - len(events),
        ignored=len(rest) - len(others),
    )


_SMTP_CODE = re.compile(r"\b[245]\d\d\b")
_LONGEST_NUMBER = 19
_PLAIN = (str, int, float)
_MARK_BYTES = 16
_LONGEST_ADDRESS, _LONGEST_URL, _LONGEST_ID = 320, 2000, 200
_AHEAD = timedelta(hours=1)
_WENT_WELL = (DeliveryKind.ACCEPTED, DeliveryKind.DELIVERED)
"""Of these nobody asks why, and whose address it was."""
_WELL: Mapping[str, DeliveryKind] = {
    row.event: row.kind for row in ROWS if row.kind in _WENT_WELL and not row.patterns
}


def _is_plain(event: Event, before: float) -> bool:
    """Whether an event says no more than which message of ours it is about, and when."""
    at, own, store = event.timestamp, event.mid, event.store
    told = (event.url, event.attempt, event.type, event.url_offset, event.custom_args, event.unique_args)
    if told != _NO_MORE or type(at) is not int or not 0 < at <= before:
        return False
    if type(own) is not str or type(store) is not str:
        return False
    digits = own + store
    are_there = 0 < len(own) <= MOST_DIGITS and 0 < len(store) <= MOST_DIGITS
    return are_there and digits.isdigit() and digits.isascii()


def _in_columns(events: Sequence[Event]) -> WentWell:
    """Plain events, as `_update` reads each of them."""
    return WentWell(
        kind=[_WELL[event.event] for event in events],
        occurred_at=[_second(event.timestamp) for event in events],
        key=[f"{event.event}:{event.mid}:{event.store}:{event.timestamp}" for event in events],
        message_id=[event.mid for event in events],
        store_id=[event.store for event in events],
        installation=[storable(event.home, _LONGEST_ID) if event.home else "" for event in events],
    )


def _update(
    event: Event, kind: DeliveryKind, row: Verdict, *, received_at: datetime, latest: datetime
) -> DeliveryUpdate:
    message_id, store_id, home = _own(event)
    at = _moment(event.timestamp) if type(event.timestamp) in _PLAIN else None
    # By place: naming each would take as long as the rest of the event.
    return DeliveryUpdate(
        kind,
        at if at is not None and at <= latest else received_at,
        _key(event, message_id, store_id),
        message_id,
        store_id,
        home,
        "" if kind in _WENT_WELL else storable(event.email, _LONGEST_ADDRESS).strip(),
        "" if kind in _WENT_WELL else _reason(event, row),
        row.advice,
        storable(event.url, _LONGEST_URL) if event.url else "",
        event.sg_machine_open is True,
    )


@lru_cache(maxsize=1024)
def _second(told: int) -> datetime:
    return datetime.fromtimestamp(told, UTC)


@lru_cache(maxsize=1024)
def _moment(told: float | str) -> datetime | None:
    """A moment of the Unix epoch, as a number or as text; None if it cannot be one. Many share theirs."""
    try:
        seconds = float(told)
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def _own(event: Event) -> tuple[str | None, str | None, str]:
    """Our own arguments, the ids where they are numbers of ours: others may send by the same account."""
    message_id, store_id = _number(event.mid), _number(event.store)
    home = storable(event.home, _LONGEST_ID) if event.home else ""
    for nested in (event.custom_args, event.unique_args):
        # Usually they are flattened, older exports and tools nest them.
        if isinstance(nested, dict):
            message_id = message_id or _number(nested.get("mid"))
            store_id = store_id or _number(nested.get("store"))
            home = home or storable(nested.get("home"), _LONGEST_ID)
    return message_id, store_id, home


def _number(value: object) -> str | None:
    text = str(value) if type(value) is int else value
    if type(text) is not str or len(text) > _LONGEST_NUMBER:
        return None
    return text if text.isdigit() and text.isascii() else None


def _key(event: Event, own: str | None, store: str | None) -> str:
    """Equal for two tellings; SendGrid's `sg_event_id` may differ between them (sendgrid-nodejs 1435).

    Of most events message and moment are all there is to tell them apart by: that is the key as it is. Where
    there is more, it is a mark of all of it, which names nobody and is short.
    """
    told = (event.url, event.attempt, event.type, event.url_offset)
    at = event.timestamp
    if own and told == _NOTHING and type(at) is int and 0 < at < _LONG_AFTER:
        return f"{event.event}:{own}:{store}:{at}"
    whose = (store, own) if own else (event.sg_message_id, event.email)
    offset = event.url_offset
    places = (offset.get("index"), offset.get("type")) if isinstance(offset, dict) else ()
    exact = [*whose, event.event, at, *told[:-1], *places]
    known = repr([value if isinstance(value, _PLAIN) else None for value in exact])
    mark = hashlib.blake2s(known.encode(), digest_size=_MARK_BYTES).hexdigest()
    return f"{storable(event.event, 30)}:{own or ''}:{mark}"


_NOTHING = (None, None, None, None)
_NO_MORE = (*_NOTHING, None, None)
_LONG_AFTER = 10**12


def _reason(event: Event, row: Verdict) -> str:
    """SendGrid's own words; of what a mail server said only the codes, for it may name a person."""
    reason = event.reason if row.event == "dropped" else None
    told = (event.type, event.bounce_classification, reason)
    words = [part for part in told if part and isinstance(part, str)]
    said = harmless(" · ".join(words)) if words else ""
    codes = _codes(event)
    return f"{said} · {codes}"[:LONGEST] if said and codes else said or codes


def _codes(event: Event) -> str:
    status = enhanced_status(event)
    if status:
        return status
    said = event.response or event.reason
    found = _SMTP_CODE.search(said) if isinstance(said, str) and event.event == "deferred" else None
    return found[0] if found else ""
