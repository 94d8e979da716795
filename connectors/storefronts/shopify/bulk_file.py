"""A bulk operation's file, read in one pass and from any byte: lines of JSON, children behind their parent.

What Shopify says of it: one object a line; an object of a nested connection stands on a line of its own,
after its parent, and names it in `__parentId`; with `groupObjects` the children follow right below their
parent, without it they may be anywhere. Grouped files can be read in constant memory and from any object
on, so this is not taken on trust: `check` goes through the whole file before the first object of it is
used. Others are put in order first (bulk_sort).
Source: shopify.dev, perform bulk operations; changelog of 27 June 2025, optional groupObjects argument.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from connectors import exact_json
from connectors.base import ConnectorError, JsonObject
from connectors.transport import StoreTransport, Stream


class BadFile(Exception):
    """The file is not what the operation promised: gone, cut, malformed, or not grouped."""


@dataclass(slots=True)
class Group:
    """An object with all its children; `end` is the byte after them."""

    node: JsonObject
    children: list[JsonObject] = field(default_factory=list)
    end: int = 0


@dataclass(frozen=True, slots=True)
class Checked:
    """So much of a file is known to be in order; `at` is the byte where the next object begins."""

    at: int = 0
    objects: int = 0
    roots: int = 0
    is_grouped: bool = True
    is_whole: bool = False


def lines(transport: StoreTransport, url: str, start: int) -> Iterator[tuple[int, bytes]]:
    """The lines from a byte on, each with the byte after it.

    Raises:
        BadFile: it cannot be had any more.
        ConnectorError: this reading failed.
    """
    with transport.stream(url, {"Range": f"bytes={start}-"} if start else None) as stream:
        if start and stream.status == _NOTHING_BEYOND:
            return
        end, rest = start, b""
        for piece in _from(stream, start):
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                end += len(line) + 1
                yield end, line
            if len(rest) > _LONGEST_LINE:
                raise BadFile("a line has no end")
        if rest:
            yield end + len(rest), rest


def check(found: Iterable[tuple[int, bytes]], since: Checked) -> Iterator[Checked]:
    """Count, and see whether each child stands below its parent; says every 64 MiB how far it got.

    Only ids are looked at, which costs a tenth of reading the file.
    """
    at, objects, roots, begin = since.at, since.objects, since.roots, since.at
    is_grouped = since.is_grouped
    parent = b""
    for end, line in found:
        own, named = ids_of(line)
        if named is not None:
            is_grouped = is_grouped and named == parent
        elif line.strip():
            if at - begin >= _CHECKED_AT_ONCE:
                begin = at
                yield Checked(at, objects, roots, is_grouped)
            parent = own
            roots += 1
        objects += bool(line.strip())
        at = end
    yield Checked(at, objects, roots, is_grouped, is_whole=True)


def ids_of(line: bytes) -> tuple[bytes, bytes | None]:
    """The first id in a line, which is the object's own, and that of its parent; b"" for none."""
    parent = _PARENT.search(line)
    own = _ID.search(line)
    return own.group(1) if own else b"", parent.group(1) if parent else None


def groups(found: Iterable[tuple[int, bytes]]) -> Iterator[Group]:
    """The objects of a checked file, each with its children.

    Raises:
        BadFile: a line is no object of JSON, or a child has another parent.
    """
    group: Group | None = None
    for end, line in found:
        if not line.strip():
            continue
        node = _object(line)
        parent = node.pop("__parentId", None)
        if parent is None:
            if group is not None:
                yield group
            group = Group(node)
        elif group is None or parent != group.node.get("id"):
            raise BadFile("a child does not stand below its parent")
        else:
            group.children.append(node)
        group.end = end
    if group is not None:
        yield group


def children_of(group: Group, kind: str) -> list[JsonObject]:
    """The children of one kind, by their GIDs."""
    begin = f"gid://shopify/{kind}/"
    return [child for child in group.children if str(child.get("id", "")).startswith(begin)]


_NOTHING_BEYOND = 416
_PARTIAL, _WHOLE = 206, 200
_GONE = frozenset({400, 403, 404, 410})
_LONGEST_LINE = 64 * 1024 * 1024
_CHECKED_AT_ONCE = 64 * 1024 * 1024
# A quote inside a text is written as \", so neither can be found within one.
_PARENT = re.compile(rb'"__parentId"\s*:\s*"([^"]*)"')
_ID = re.compile(rb'"id"\s*:\s*"([^"]*)"')
_RANGE = re.compile(r"bytes (\d+)-")


def _from(stream: Stream, start: int) -> Iterator[bytes]:
    """The bytes from `start` on, also of a server that knows no ranges and sends all of them."""
    if stream.status in _GONE:
        raise BadFile("the file is gone")
    if stream.status not in {_PARTIAL, _WHOLE}:
        raise ConnectorError(f"the file's host answered {stream.status}", status=stream.status)
    skipped = start
    if stream.status == _PARTIAL:
        begins = _RANGE.match(stream.headers.get("Content-Range", ""))
        if begins is None or int(begins.group(1)) != start:
            raise ConnectorError("the file's host answered another range")
        skipped = 0
    for piece in stream.pieces:
        if skipped < len(piece):
            yield piece[skipped:]
        skipped = max(0, skipped - len(piece))


def _object(line: bytes) -> JsonObject:
    try:
        value = exact_json.read(line)
    except ValueError:
        raise BadFile("a line is not readable JSON") from None
    if not isinstance(value, dict):
        raise BadFile("a line is not an object")
    return value
