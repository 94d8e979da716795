"""A message as it was sent, packed as it is kept: subject, text, html, headers, links."""

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from connectors import exact_json

_LEVEL = 3
_LINKS = b'{"links":'
_HEAD_BYTES = 4096
"""As much of a copy holds its links, unless there are very many."""


def pack(content: Mapping[str, Any]) -> bytes:
    """The copy as it is kept, its links first: each click reads them, and little else is ever read."""
    return zlib.compress(exact_json.encoded({"links": (), **content}), _LEVEL)


def read_content(packed: bytes | None) -> dict[str, Any] | None:
    """What was sent: subject, text, html, headers, links; None once its retention is over."""
    if packed is None:
        return None
    kept: dict[str, Any] = exact_json.read(zlib.decompress(packed))
    return kept


def read_links(packed: bytes | None) -> Sequence[str]:
    """Where the links of a copy lead; none once its retention is over."""
    if packed is None:
        return ()
    head = zlib.decompressobj().decompress(packed, _HEAD_BYTES)
    if head.startswith(_LINKS):
        try:
            # What is cut off at the end of the head stands behind the links, or they are not whole.
            links, _ = _DECODER.raw_decode(head.decode("utf-8", "replace"), len(_LINKS))
            return [str(link) for link in links]
        except ValueError:
            pass
    links = (read_content(packed) or {}).get("links", ())
    return [str(link) for link in links]


_DECODER = json.JSONDecoder()
