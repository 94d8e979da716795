"""The REST conventions of WordPress: errors, parameters, pages, fields.

Source: captures of WooCommerce 10.0 (November 2026), including its error bodies and paging headers.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from connectors.sandbox.forms import STORE_ZONE
from connectors.sandbox.model import WorldView
from connectors.sandbox.woo_traits import traits

MAX_PAGE = 100
_Reach = Mapping[str, Any]
Arguments = Mapping[str, str]
Test = Callable[[int], bool]


class WooError(Exception):
    """An error that the store answers with.

    Attributes:
        code: WordPress' error code.
        status: the HTTP status.
        extra: what the body's `data` holds besides the status.
    """

    def __init__(
        self, code: str, message: str, status: int, extra: Mapping[str, object] | None = None
    ) -> None:
        """The parts of the body."""
        super().__init__(message)
        self.code = code
        self.status = status
        self.extra = extra or {}

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        return {"code": self.code, "message": str(self), "data": {"status": self.status, **self.extra}}


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request to a resource."""

    world: WorldView
    path: str
    arguments: Arguments
    sent: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0

    @property
    def fields(self) -> Collection[str] | None:
        """The names that `_fields` asks for, without what they reach into; None if it asks for all."""
        asked = self.arguments.get("_fields", "")
        return _roots(asked) if asked else None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a resource answers: JSON and headers."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def index_link(world: WorldView) -> str:
    """The header by which every answer says where the API begins."""
    return f'<{traits(world).home}/wp-json/>; rel="https://api.w.org/"'


def bad_parameter(name: str, message: str, code: str = "rest_invalid_param") -> WooError:
    """The 400 for a parameter that does not satisfy its schema."""
    details = {name: {"code": code, "message": message, "data": None}}
    extra = {"params": {name: message}, "details": details}
    return WooError("rest_invalid_param", f"Invalid parameter(s): {name}", 400, extra)


def whole(arguments: Arguments, name: str, default: int, highest: int | None = None) -> int:
    """A whole number from 1 up.

    Raises:
        WooError: not a number, or out of bounds.
    """
    text = arguments.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.lstrip("-").isdigit()):
        raise bad_parameter(name, f"{name} is not of type integer.", "rest_invalid_type")
    number = int(text)
    if highest is not None and not 1 <= number <= highest:
        message = f"{name} must be between 1 (inclusive) and {highest} (inclusive)"
        raise bad_parameter(name, message, "rest_out_of_bounds")
    if number < 1:
        raise bad_parameter(name, f"{name} must be greater than or equal to 1", "rest_out_of_bounds")
    return number


def choice(arguments: Arguments, name: str, allowed: Sequence[str], default: str) -> str:
    """One of the allowed words.

    Raises:
        WooError: another word.
    """
    word = arguments.get(name, default)
    if word not in allowed:
        listed = f"{', '.join(allowed[:-1])}, and {allowed[-1]}"
        raise bad_parameter(name, f"{name} is not one of {listed}.", "rest_not_in_enum")
    return word


def numbers(arguments: Arguments, name: str) -> list[int]:
    """A list of ids: ``1,2`` or ``name[0]=1&name[1]=2``."""
    texts = [text for key, text in arguments.items() if key == name or key.startswith(f"{name}[")]
    return [int(text) for text in ",".join(texts).split(",") if text.strip().isdigit()]


def asked_for(call: Call, ids: Sequence[int]) -> Sequence[int]:
    """Only those that `include` names: to find a hundred, nobody sorts them all."""
    wanted = frozenset(numbers(call.arguments, "include"))
    return [number for number in ids if number in wanted] if wanted else ids


def kept(ids: Sequence[int], tests: Sequence[Test]) -> Sequence[int]:
    """Those that pass every test."""
    if not tests:
        return ids
    return [number for number in ids if all(test(number) for test in tests)]


def arranged(call: Call, ids: Sequence[int], orderby: str, is_descending: bool) -> Sequence[int]:
    """The ids in the order that is asked for, of which they have the ascending one."""
    wanted = numbers(call.arguments, "include")
    if wanted:
        present, chosen = set(ids), set(wanted)
        ids = [number for number in ids if number in chosen]
        if orderby == "include":
            return [number for number in wanted if number in present]
    return ids[::-1] if is_descending else ids


def words(text: str) -> Iterator[str]:
    """The words of a list by commas."""
    return (word.strip() for word in text.split(",") if word.strip())


def moment(arguments: Arguments, name: str) -> datetime | None:
    """A date parameter: store time unless `dates_are_gmt` is true or the text has its own offset.

    Raises:
        WooError: not a date.
    """
    text = arguments.get(name)
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text[:11] + text[11:].replace(" ", "+"))
    except ValueError as error:
        raise bad_parameter(name, "Invalid date.", "rest_invalid_date") from error
    if parsed.tzinfo is None:
        is_gmt = arguments.get("dates_are_gmt", "").lower() in {"true", "1"}
        parsed = parsed.replace(tzinfo=UTC if is_gmt else STORE_ZONE)
    return parsed.astimezone(UTC)


def paged(
    call: Call, ids: Sequence[int], body_of: Callable[[int], Any], *, hides_total: bool = False
) -> Reply:
    """One page of a list with the paging headers; beyond the end it is empty.

    Args:
        call: the request, whose arguments say which page.
        ids: the whole list, in order.
        body_of: the JSON of one id.
        hides_total: totals read 0 beyond the end, as measured on orders.
    """
    per_page = whole(call.arguments, "per_page", 10, MAX_PAGE)
    page = whole(call.arguments, "page", 1)
    total = len(ids)
    pages = -(-total // per_page)
    chosen = ids[(page - 1) * per_page : page * per_page]
    if page > pages and hides_total:
        total = pages = 0
    headers = {
        "X-WP-Total": str(total),
        "X-WP-TotalPages": str(pages),
        "Link": _link_header(call, page, pages),
    }
    return Reply([body_of(number) for number in chosen], headers=headers)


def only_fields(body: Any, wanted: str) -> Any:
    """The body cut down to `_fields`; a dotted name reaches inside."""
    return _cut(body, _reach(wanted))


def _cut(body: Any, reach: _Reach) -> Any:
    if isinstance(body, list):
        return [_cut(item, reach) for item in body]
    if not isinstance(body, dict):
        return body
    return {
        key: value if (inner := reach[key]) is None else _cut(value, inner)
        for key, value in body.items()
        if key in reach
    }


@lru_cache(maxsize=256)
def _reach(wanted: str) -> _Reach:
    """What `_fields` asks for by its first names, with what it reaches into below; None for all of it."""
    found: dict[str, Any] = {}
    for name, dot, inner in (name.partition(".") for name in wanted.split(",")):
        found[name] = None if not dot or found.get(name, "") is None else f"{found.get(name, '')},{inner}"
    return {name: None if inner is None else _reach(inner.strip(",")) for name, inner in found.items()}


@lru_cache(maxsize=256)
def _roots(wanted: str) -> frozenset[str]:
    return frozenset(_reach(wanted))


def _link_header(call: Call, page: int, pages: int) -> str:
    def target(number: int, relation: str) -> str:
        query = urlencode({**call.arguments, "page": str(number)})
        return f'<{traits(call.world).home}{call.path}?{query}>; rel="{relation}"'

    found = []
    if page > 1:
        found.append(target(min(page - 1, pages), "prev"))
    if page < pages:
        found.append(target(page + 1, "next"))
    return ", ".join(found) or index_link(call.world)
