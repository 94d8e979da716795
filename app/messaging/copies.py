"""A message as it was sent, packed as it is kept: links, subject, text, html, headers.

Packed by zlib with a preset dictionary (RFC 1950), so that what all mails have in common is not kept with
each. A copy names the dictionary that it needs by its checksum. So a dictionary that was ever used is never
changed and never removed: another one is another file, named first of `_DICTIONARIES`. A copy without any is
read as well.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from connectors import exact_json

_DICTIONARIES = ("copies_1.txt",)
"""The one that is packed with, then those that were: the markup and the words of the mails of their day."""
_CHECKSUM = slice(2, 6)
"""Where a stream that needs a dictionary names it, after the two bytes that every one begins with."""
_LEVEL, _WINDOW_BITS, _MEMORY_LEVEL = 2, 14, 6
"""A mail and the dictionary fit into 16 KiB; room for more would have to be cleared for each of them."""
_LINKS = b'{"links":'
_NAMES_DICTIONARY = 0x20
"""The bit of a stream's second byte that says that it needs one."""
_HEAD_BYTES = 2048
"""As much of a copy holds its links, unless there are very many."""


def pack(content: Mapping[str, Any]) -> bytes:
    """The copy as it is kept, its links first: each click reads them, and little else is ever read."""
    packing = _PACKING.copy()
    return packing.compress(exact_json.encoded({"links": (), **content})) + packing.flush()


def read_content(packed: bytes | None) -> dict[str, Any] | None:
    """What was sent: links, subject, text, html, headers; None once its retention is over.

    Raises:
        zlib.error: it is no whole copy, or its dictionary is not known.
    """
    if packed is None:
        return None
    reading = _reading(packed)
    text = reading.decompress(packed)
    if not reading.eof:
        raise zlib.error("a copy is cut off")
    kept: dict[str, Any] = exact_json.read(text)
    return kept


def read_links(packed: bytes | None) -> Sequence[str]:
    """Where the links of a copy lead; none once its retention is over.

    Raises:
        zlib.error: as above.
    """
    if packed is None:
        return ()
    head = _head(packed)
    if head.startswith(_LINKS):
        try:
            # What is cut off at the end of the head stands behind the links, or they are not whole.
            links, _ = _DECODER.raw_decode(head.decode("utf-8", "replace"), len(_LINKS))
            return [str(link) for link in links]
        except ValueError:
            pass
    links = (read_content(packed) or {}).get("links", ())
    return [str(link) for link in links]


def _reading(packed: bytes) -> Any:
    return zlib.decompressobj(zdict=_BY_CHECKSUM.get(bytes(packed[_CHECKSUM]), b""))


def _head(packed: bytes) -> bytes:
    """How a copy begins, read without the sum over the dictionary, which takes longer than all the rest."""
    dictionary = _BY_CHECKSUM.get(bytes(packed[_CHECKSUM]))
    if dictionary is None or not packed[1] & _NAMES_DICTIONARY:
        head: bytes = _reading(packed).decompress(packed, _HEAD_BYTES)
        return head
    bare = zlib.decompressobj(-zlib.MAX_WBITS, zdict=dictionary)
    return bare.decompress(packed[_CHECKSUM.stop :], _HEAD_BYTES)


_DECODER = json.JSONDecoder()
_READ = [files("app.messaging").joinpath(name).read_bytes() for name in _DICTIONARIES]
_BY_CHECKSUM = {zlib.adler32(one).to_bytes(4, "big"): one for one in _READ}
_PACKING = zlib.compressobj(
    _LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL, zlib.Z_DEFAULT_STRATEGY, _READ[0]
)
"""Copied for each message: to read the dictionary anew would take longer than the message itself."""
