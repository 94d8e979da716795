"""A message as it was sent, packed as it is kept: links, subject, text, html, headers.

Packed by zlib with a preset dictionary (RFC 1950), so that what all mails have in common is not kept with
each. A copy names the dictionary that it needs by its checksum. So a dictionary that was ever used is never
changed and never removed: another one is another file, named first of `_DICTIONARIES`. A copy without any is
read as well.

While a release is rolled out, processes of the one before read what those of the new one write. So another
dictionary or format is read by one release and written from the next one on (CONTRIBUTING.md, *Two releases
at once*). Who meets a newer one all the same says so, and is asked again once all are new.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from app.errors import Busy
from connectors import exact_json

_DICTIONARIES = ("copies_1.txt",)
"""The one that is packed with, then those that were: the markup and the words of the mails of their day."""
_CHECKSUM = slice(2, 6)
"""Where a stream that needs a dictionary names it, after the two bytes that every one begins with."""
_LEVEL, _WINDOW_BITS, _MEMORY_LEVEL = 2, 14, 6
"""A mail and the dictionary fit into 16 KiB; room for more would have to be cleared for each of them."""
_LINKS = b'{"links":'
_METHOD, _CHECKED_BY = 0x0F, 31
"""By these the first two bytes of every stream of zlib's are known."""
_NAMES_DICTIONARY = 0x20
"""The bit of a stream's second byte that says that it needs one."""
_HEAD_BYTES = 2048
"""As much of a copy holds its links, unless there are very many."""


class NewerCopy(Busy):
    """A copy that a newer release wrote: this process cannot read it, the next one will."""

    def __init__(self) -> None:
        super().__init__("this message was kept by a newer release, which is being rolled out")


def pack(content: Mapping[str, Any]) -> bytes:
    """The copy as it is kept, its links first: each click reads them, and little else is ever read."""
    packing = _PACKING.copy()
    return packing.compress(exact_json.encoded({"links": (), **content})) + packing.flush()


def read_content(packed: bytes | None) -> dict[str, Any] | None:
    """What was sent: links, subject, text, html, headers; None once its retention is over.

    Raises:
        NewerCopy: it is in a format that this release does not know.
        zlib.error: it is no whole copy.
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
        NewerCopy, zlib.error: as above.
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
    return zlib.decompressobj(zdict=_dictionary(packed) or b"")


def _head(packed: bytes) -> bytes:
    """How a copy begins, read without the sum over the dictionary, which takes longer than all the rest."""
    dictionary = _dictionary(packed)
    if dictionary is None:
        head: bytes = _reading(packed).decompress(packed, _HEAD_BYTES)
        return head
    bare = zlib.decompressobj(-zlib.MAX_WBITS, zdict=dictionary)
    return bare.decompress(packed[_CHECKSUM.stop :], _HEAD_BYTES)


def _dictionary(packed: bytes) -> bytes | None:
    """The dictionary that a copy needs; None for one without any, or that is cut off before it says so."""
    if len(packed) < _CHECKSUM.stop:
        return None
    if packed[0] & _METHOD != zlib.DEFLATED or int.from_bytes(packed[:2], "big") % _CHECKED_BY:
        raise NewerCopy
    if not packed[1] & _NAMES_DICTIONARY:
        return None
    dictionary = _BY_CHECKSUM.get(bytes(packed[_CHECKSUM]))
    if dictionary is None:
        raise NewerCopy
    return dictionary


_DECODER = json.JSONDecoder()
_READ = [files("app.messaging").joinpath(name).read_bytes() for name in _DICTIONARIES]
_BY_CHECKSUM = {zlib.adler32(one).to_bytes(4, "big"): one for one in _READ}
_PACKING = zlib.compressobj(
    _LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL, zlib.Z_DEFAULT_STRATEGY, _READ[0]
)
"""Copied for each message: to read the dictionary anew would take longer than the message itself."""
