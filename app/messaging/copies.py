"""A message as it was sent, packed as it is kept: subject, text, html, headers, links.

Packed by zlib with a preset dictionary (RFC 1950), so that what all mails have in common is not kept with
each. A copy names the dictionary that it needs by its checksum. So a dictionary that was ever used is never
changed and never removed: another one is another file, named first of `_DICTIONARIES`. A copy without any is
read as well.
"""

import zlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from connectors import exact_json

_DICTIONARIES = ("copies_1.txt",)
"""The one that is packed with, then those that were: the markup and the words of the mails of their day."""
_CHECKSUM = slice(2, 6)
"""Where a stream that needs a dictionary names it, after the two bytes that every one begins with."""
_LEVEL, _WINDOW_BITS, _MEMORY_LEVEL = 2, 14, 6
"""A mail and the dictionary fit into 16 KiB; room for more would have to be cleared for each of them."""


def pack(content: Mapping[str, Any]) -> bytes:
    """The copy as it is kept."""
    packing = _PACKING.copy()
    return packing.compress(exact_json.encoded(content)) + packing.flush()


def read_content(packed: bytes | None) -> dict[str, Any] | None:
    """What was sent: subject, text, html, headers, links; None once its retention is over.

    Raises:
        zlib.error: it is no whole copy, or its dictionary is not known.
    """
    if packed is None:
        return None
    reading = zlib.decompressobj(zdict=_BY_CHECKSUM.get(bytes(packed[_CHECKSUM]), b""))
    text = reading.decompress(packed)
    if not reading.eof:
        raise zlib.error("a copy is cut off")
    kept: dict[str, Any] = exact_json.read(text)
    return kept


_READ = [files("app.messaging").joinpath(name).read_bytes() for name in _DICTIONARIES]
_BY_CHECKSUM = {zlib.adler32(one).to_bytes(4, "big"): one for one in _READ}
_PACKING = zlib.compressobj(
    _LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL, zlib.Z_DEFAULT_STRATEGY, _READ[0]
)
"""Copied for each message: to read the dictionary anew would take longer than the message itself."""
