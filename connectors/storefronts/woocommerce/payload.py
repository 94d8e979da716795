"""A store's JSON, read strictly: whatever is not as promised is UnreadablePayload, never another error."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypedDict

from connectors import exact_json
from connectors.base import JsonObject, Money, UnreadablePayload

LARGEST_ID = 2**63 - 1

_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,12})?")
_DIGITS = re.compile(r"[0-9]{1,19}")
_ZERO_DATES = ("0000", "-0001")
# Half a surrogate pair as an escape (most are whole pairs: emoji) or in bytes, and NUL as an escape.
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_SUSPECT_RAW = re.compile(rb"\xed[\xa0-\xbf]")


def parse(body: bytes) -> Any:
    """The JSON value of a body; numbers with a point stay the text that the store wrote.

    Raises:
        UnreadablePayload: not JSON, not UTF-8, nested too deeply, or a number of thousands of digits.
    """
    try:
        return exact_json.read(body)
    except ValueError as error:
        raise UnreadablePayload(f"not readable JSON ({type(error).__name__})") from None


def parse_object(body: bytes) -> JsonObject:
    """The one JSON object that a body holds; raises as `parse` and `as_object` do."""
    return as_object(parse(body), is_plain=has_only_plain_text(body))


def parse_envelope(body: bytes) -> JsonObject:
    """Of the one JSON object that a body holds what tells which it is: `id`, `date_modified_gmt`, `_links`.

    Raises:
        UnreadablePayload: as `parse_object`, but for bytes that are no UTF-8 elsewhere in the body.
    """
    return parse_in_part(body, _read_envelope)


def parse_in_part(body: bytes, read: Callable[[bytes], Any]) -> JsonObject:
    """Of the one JSON object that a body holds what a reader (`exact_json.reader_of`) decodes.

    Raises:
        UnreadablePayload: as `parse_object`, but for bytes that are no UTF-8 where nothing is decoded.
    """
    if not has_only_plain_text(body):
        return parse_object(body)
    try:
        return as_object(read(body), is_plain=True)
    except ValueError as error:
        raise UnreadablePayload(f"not readable JSON ({type(error).__name__})") from None


def has_only_plain_text(body: bytes) -> bool:
    """Whether no text in a JSON body can be one that no database keeps.

    It is seen in the bytes, because walking through all values takes longer than reading the JSON.
    False is only a suspicion. Every JSON object in UTF-16 or UTF-32 has a zero byte, too.
    """
    # The expression finds its first byte sooner than `in` finds two.
    if b"\x00" in body or _SUSPECT.search(body):
        return False
    return body.isascii() or not _SUSPECT_RAW.search(body)


def as_object(value: Any, *, is_plain: bool = False) -> JsonObject:
    """The value as one JSON object that a database can keep.

    Args:
        value: what `parse` gave.
        is_plain: what `has_only_plain_text` said of the bytes; without that word every text is looked at.

    Raises:
        UnreadablePayload: another type, or text with NUL or half a surrogate pair in it.
    """
    if not isinstance(value, dict):
        raise UnreadablePayload("an object was promised")
    if not is_plain:
        _check_storable(value)
    return value


def as_objects(value: Any, *, is_plain: bool = False) -> list[JsonObject]:
    """The value as a list of JSON objects; raises as `as_object` does."""
    if not isinstance(value, list):
        raise UnreadablePayload("a list was promised")
    return [as_object(entry, is_plain=is_plain) for entry in value]


def text(source: JsonObject, key: str) -> str:
    """The text under a key, "" when it is absent or null; a number is taken as its digits."""
    value = source.get(key)
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnreadablePayload(f"{key} is not text")
    return str(value)


def section(source: JsonObject, key: str) -> JsonObject:
    """The object under a key; PHP writes an empty one as `[]`."""
    value = source.get(key)
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise UnreadablePayload(f"{key} is not an object")
    return value


def entries(source: JsonObject, key: str) -> list[JsonObject]:
    """The list of objects under a key; PHP writes a list with gaps as an object."""
    found = values(source, key)
    if not all(isinstance(entry, dict) for entry in found):
        raise UnreadablePayload(f"{key} is not a list of objects")
    return found


def values(source: JsonObject, key: str) -> list[Any]:
    """The list under a key, empty when it is absent or null."""
    value = source.get(key)
    if value is None:
        return []
    if isinstance(value, dict):
        return list(value.values())
    if not isinstance(value, list):
        raise UnreadablePayload(f"{key} is not a list")
    return value


def identifier(source: JsonObject, key: str) -> str:
    """The id under a key as decimal text.

    Raises:
        UnreadablePayload: missing, zero, or larger than 64 bits.
    """
    found = optional_identifier(source, key)
    if found is None:
        raise UnreadablePayload(f"{key} is missing")
    return found


def optional_identifier(source: JsonObject, key: str) -> str | None:
    """The id under a key, or None for the 0, "" and null that WordPress writes for nobody."""
    value = source.get(key)
    if type(value) is int and 1 <= value <= LARGEST_ID:
        return str(value)
    return None if value in (None, "", 0, "0", False) else as_identifier(value, key)


def as_identifier(value: Any, name: str) -> str:
    """One id as decimal text between 1 and 2^63 - 1."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UnreadablePayload(f"{name} is not an id")
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise UnreadablePayload(f"{name} is not an id")
    if not 1 <= int(value) <= LARGEST_ID:
        raise UnreadablePayload(f"{name} is out of range")
    return str(int(value))


def decimal(source: JsonObject, key: str) -> Decimal:
    """The decimal number under a key; absent, null and "" are zero."""
    return Decimal(_decimal_text(source, key))


def money(source: JsonObject, key: str, currency: str) -> Money:
    """The amount under a key as the store wrote it; absent, null and "" are zero."""
    return Money(_decimal_text(source, key), currency)


@lru_cache(maxsize=4096)
def as_money(written: str, currency: str) -> Money:
    """The same of an amount that was read by another way; a shop has few prices."""
    if not _is_decimal(written):
        raise UnreadablePayload("a decimal number was promised")
    return Money(written, currency)


def moment(source: JsonObject, key: str) -> datetime | None:
    """The moment under a `…_gmt` key, or None; WordPress writes UTC without saying so.

    Source: facts of two measured stores, section 4 (both `date_x` in store time and `date_x_gmt`).
    """
    written = text(source, key)
    if not written or written.startswith(_ZERO_DATES):
        return None
    try:
        return _as_utc(written)
    except (ValueError, OverflowError):
        raise UnreadablePayload(f"{key} is not a moment") from None


def required_moment(source: JsonObject, *keys: str) -> datetime:
    """The first of these keys that holds a moment.

    Raises:
        UnreadablePayload: none of them does.
    """
    for key in keys:
        found = moment(source, key)
        if found is not None:
            return found
    raise UnreadablePayload(f"{keys[0]} is missing")


def email(source: JsonObject, key: str) -> str | None:
    """The normalised address under a key: no blanks around it, lower case; None when there is none."""
    return text(source, key).strip().lower() or None


class _Envelope(TypedDict, total=False):
    id: Any
    date_modified_gmt: Any
    _links: Any


_read_envelope = exact_json.reader_of(_Envelope)


@lru_cache(maxsize=1024)
def _as_utc(written: str) -> datetime:
    """The moment of a text; an order has the same one under several keys."""
    found = datetime.fromisoformat(written)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _decimal_text(source: JsonObject, key: str) -> str:
    written = text(source, key) or "0"
    if not _is_decimal(written):
        raise UnreadablePayload(f"{key} is not a decimal number")
    return written


@lru_cache(maxsize=4096)
def _is_decimal(written: str) -> bool:
    """A shop has few prices, and every order tells some of them again."""
    return _DECIMAL.fullmatch(written) is not None


def _check_storable(root: JsonObject) -> None:
    waiting: list[Any] = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, dict):
            waiting.extend(value.keys())
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _check_text(value: str) -> None:
    if "\x00" in value:
        raise UnreadablePayload("text with NUL")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise UnreadablePayload("text with half a surrogate pair") from None
