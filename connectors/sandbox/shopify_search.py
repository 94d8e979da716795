"""Shopify's list arguments: search syntax, sort keys, cursors; a page costs a bisection, not a scan.

Source: shopify.dev "search syntax" and "pagination" (November 2026). Unknown search fields are ignored,
as the platform does.
"""

import base64
import binascii
import json
import operator
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

Value = int | str | datetime
TERM = re.compile(r"(\w+):(>=|<=|>|<|)(?:'([^']*)'|\"([^\"]*)\"|([^\s)]+))")
COMPARE: Mapping[str, Callable[[Value, Value], bool]] = {
    "": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
MAX_PAGE = 250


class BadArgumentError(Exception):
    """A list argument that Shopify refuses; the text is Shopify's message."""


class Ids(Protocol):
    """The ids of a resource, as `WorldView` lists them."""

    def __call__(self, *, updated_from: datetime | None, by_id: bool) -> Sequence[int]:
        """Sorted by (updated, id) or by id, from a moment on."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object that can be listed.

    Attributes:
        values: the searchable fields, each read from an id; `updated_at` and `created_at` are always there.
    """

    ids: Ids
    values: Mapping[str, Callable[[int], Value]]


@dataclass(frozen=True, slots=True)
class Term:
    """One condition of a search: field, comparison, value."""

    field: str
    compare: str
    value: Value

    def holds(self, value: Value) -> bool:
        """Whether an object's value satisfies the condition."""
        return type(value) is type(self.value) and COMPARE[self.compare](value, self.value)


@dataclass(frozen=True, slots=True)
class ListArguments:
    """The arguments of a connection field."""

    first: int | None
    after: str | None = None
    query: str | None = None
    reverse: bool = False
    sort_key: str = "ID"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of ids with their cursors."""

    ids: tuple[int, ...]
    cursors: tuple[str, ...]
    has_next: bool
    has_previous: bool
    updated_from: datetime | None


def search(resource: Resource, arguments: ListArguments) -> Page:
    """The page that the arguments ask for.

    Raises:
        BadArgumentError: no `first`, too large a `first`, or a cursor that is not one.
    """
    if arguments.first is None:
        raise BadArgumentError("you must provide one of first or last")
    if not 1 <= arguments.first <= MAX_PAGE:
        raise BadArgumentError(f"first must be between 1 and {MAX_PAGE}")
    terms = parse_terms(arguments.query, resource)
    lower = updated_from(terms)
    key = _sort_value(resource, arguments.sort_key)
    found: list[int] = []
    for number in _candidates(resource, arguments, key, lower):
        if all(term.holds(resource.values[term.field](number)) for term in terms):
            found.append(number)
        if len(found) > arguments.first:
            break
    ids = tuple(found[: arguments.first])
    return Page(
        ids=ids,
        cursors=tuple(_cursor(key(number), number) for number in ids),
        has_next=len(found) > arguments.first,
        has_previous=arguments.after is not None,
        updated_from=lower,
    )


def count(resource: Resource, query: str | None) -> int:
    """How many objects match a search."""
    terms = parse_terms(query, resource)
    ids = resource.ids(updated_from=updated_from(terms), by_id=False)
    if all(term.field == "updated_at" and term.compare == ">=" for term in terms):
        return len(ids)
    return sum(all(term.holds(resource.values[term.field](number)) for term in terms) for number in ids)


def parse_terms(query: str | None, resource: Resource) -> list[Term]:
    """The conditions of a search on fields that the resource knows, joined by AND."""
    terms = []
    for field, compare, *texts in TERM.findall(query or ""):
        value = _value(field, "".join(texts))
        if field in resource.values and value is not None:
            terms.append(Term(field, compare, value))
    return terms


def updated_from(terms: Sequence[Term]) -> datetime | None:
    """The moment from which changes are asked for, if any."""
    moments = [
        term.value
        for term in terms
        if term.field == "updated_at" and term.compare.startswith(">") and isinstance(term.value, datetime)
    ]
    return max(moments, default=None)


def _value(field: str, text: str) -> Value | None:
    if field.endswith("_at"):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if field == "id" or field.endswith("_id"):
        return int(text) if text.isascii() and text.isdigit() else None
    return text.lower()


def _sort_value(resource: Resource, sort_key: str) -> Callable[[int], Value]:
    if sort_key == "ID":
        return lambda number: number
    return resource.values["updated_at" if sort_key == "UPDATED_AT" else "created_at"]


def _candidates(
    resource: Resource, arguments: ListArguments, key: Callable[[int], Value], lower: datetime | None
) -> Iterator[int]:
    after = _decode_cursor(arguments.after) if arguments.after else None
    by_update = arguments.sort_key == "UPDATED_AT"
    if by_update and after and not arguments.reverse and isinstance(after[0], datetime):
        lower = max(lower, after[0]) if lower else after[0]
    ids = resource.ids(updated_from=lower, by_id=not by_update)

    def position(number: int) -> tuple[str, int]:
        return _comparable(key(number)), number

    if arguments.sort_key not in {"ID", "UPDATED_AT"}:
        ids = sorted(ids, key=position)
    if after is None:
        return iter(ids) if not arguments.reverse else reversed(ids)
    place = bisect_right(ids, (_comparable(after[0]), after[1]), key=position)
    if not arguments.reverse:
        return iter(ids[place:])
    return (number for number in reversed(ids[:place]) if number != after[1])


def _comparable(value: Value) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return f"{value:020d}" if isinstance(value, int) else value


def _cursor(value: Value, number: int) -> str:
    text = value.isoformat() if isinstance(value, datetime) else value
    return base64.b64encode(json.dumps({"last_id": number, "last_value": text}).encode()).decode()


def _decode_cursor(cursor: str) -> tuple[Value, int]:
    try:
        content = json.loads(base64.b64decode(cursor, validate=True))
        value, number = content["last_value"], int(content["last_id"])
        return (value if isinstance(value, int) else datetime.fromisoformat(value)), number
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise BadArgumentError("Invalid cursor for current pagination sort.") from error
