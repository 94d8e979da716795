"""What a customer's row holds after some news; no database here."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from app.customers import own_words
from connectors.base import CustomerRecord

_FIELDS = ("email", "phone", "first_name", "last_name", "locale", "country", "region", "city")
_BIRTH = ("birth_year", "birth_month", "birth_day")
_MOMENTS = ("source_created_at", "source_updated_at", "birth_known_at")
_COUNT = ("platform_orders_count", "platform_orders_at")
_STATED = (*_FIELDS, *_BIRTH, "platform_orders_count")
TOLD = (*_FIELDS, *_BIRTH, *_MOMENTS, *_COUNT, "external_id", "identity", "tags", "own_words")


_stated = attrgetter(*_STATED)


def normalise_email(text: str | None) -> str | None:
    """Lower case and trimmed; None when there is no address in it."""
    trimmed = (text or "").strip().lower()
    return trimmed if "@" in trimmed and len(trimmed) <= 320 else None


def identity_of(record: CustomerRecord) -> str | None:
    """What makes the person unique in a store, or None for somebody without id and e-mail."""
    if record.external_id:
        return f"id:{record.external_id}"
    email = normalise_email(record.email)
    return f"email:{email}" if email else None


def nobody(identity: str) -> dict[str, Any]:
    """A row of which nothing was told yet."""
    return {**dict.fromkeys(TOLD), "identity": identity, "tags": []}


def heard(held: Mapping[str, Any], records: Sequence[CustomerRecord], now: datetime) -> dict[str, Any]:
    """The row's values after these news; what is older than the row fills its gaps only."""
    values = dict(held)
    for record in records:
        stated = _values(record)
        if values["own_words"]:
            stated = own_words.respected(stated, values["own_words"], moment(record))
        told_at = values["source_updated_at"]
        if told_at is not None and moment(record) < told_at.timestamp():
            stated = {name: value for name, value in stated.items() if values[name] is None}
        values["birth_known_at"] = _birth_known_at(values, stated, record, now)
        known = values["platform_orders_count"]
        if stated.get("platform_orders_count", known) != known:
            values["platform_orders_at"] = now
        values |= stated
        values["source_updated_at"] = max(filter(None, (told_at, record.updated_at)), default=None)
        values["source_created_at"] = values["source_created_at"] or record.created_at
        if values["external_id"] is None and record.external_id is not None:
            values |= {"external_id": record.external_id, "identity": f"id:{record.external_id}"}
    return values


def moment(record: CustomerRecord) -> float:
    """When the news are from, for comparing; without a moment they are older than all."""
    return record.updated_at.timestamp() if record.updated_at else 0.0


def _values(record: CustomerRecord) -> dict[str, Any]:
    """What the record states; None means that it says nothing."""
    values = dict(zip(_STATED, _stated(record), strict=True))
    values["email"] = normalise_email(record.email)
    values["tags"] = None if record.tags is None else list(record.tags)
    return {name: value for name, value in values.items() if value is not None}


def _birth_known_at(
    values: Mapping[str, Any], stated: Mapping[str, Any], record: CustomerRecord, now: datetime
) -> datetime | None:
    """Since when the birthday is known: each of its tellings proves that it was known by then."""
    held: datetime | None = values["birth_known_at"]
    if held is None and record.birth_month is None and record.birth_day is None:
        return None
    birthday = {name: stated.get(name, values[name]) for name in ("birth_month", "birth_day")}
    if any(birthday[name] != values[name] for name in birthday):
        return _known_since(record, now)
    is_told_again = all(getattr(record, name) == birthday[name] for name in birthday)
    return min(held, _known_since(record, now)) if held is not None and is_told_again else held


def _known_since(record: CustomerRecord, now: datetime) -> datetime:
    """When the birthday was told: the platform's moment of the news, never later than now."""
    moment = record.updated_at or record.created_at or now
    return min(moment, now)
