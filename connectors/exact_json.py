"""JSON as platforms send it, its numbers exact: one with a fraction stays the text that was written."""

from json import JSONDecoder, detect_encoding
from typing import Any

import msgspec


def read(body: bytes) -> Any:
    """The value in a body of UTF-8, UTF-16 or UTF-32.

    msgspec reads it in half the time of the standard library and takes less: no half of a surrogate pair, no
    other encoding than UTF-8. What it refuses is read by the standard library, which alone decides what is
    refused; what both take they read alike.

    Raises:
        ValueError: not JSON, or NaN and its like.
        RecursionError: nested too deeply.
    """
    try:
        return _QUICK.decode(body)
    except (ValueError, RecursionError):
        return _DECODER.decode(body.decode(detect_encoding(body), "surrogatepass"))


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


_QUICK = msgspec.json.Decoder(float_hook=str)
_DECODER = JSONDecoder(parse_float=str, parse_constant=_refuse_constant)
"""`json.loads` reads the same; it would make a decoder for each body."""
