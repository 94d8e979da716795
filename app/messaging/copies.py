"""A message as it was sent, packed as it is kept: subject, text, html, headers, links."""

import zlib
from collections.abc import Mapping
from typing import Any

from connectors import exact_json

_LEVEL = 1


def pack(content: Mapping[str, Any]) -> bytes:
    """The copy as it is kept."""
    return zlib.compress(exact_json.encoded(content), _LEVEL)


def read_content(packed: bytes | None) -> dict[str, Any] | None:
    """What was sent: subject, text, html, headers, links; None once its retention is over."""
    if packed is None:
        return None
    kept: dict[str, Any] = exact_json.read(zlib.decompress(packed))
    return kept
