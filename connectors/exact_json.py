"""JSON as platforms send it, its numbers exact: one with a fraction stays the text that was written."""

from collections.abc import Callable
from json import JSONDecoder, JSONEncoder, detect_encoding
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


def reader_of(shape: type) -> Callable[[bytes], Any]:
    """A `read` that need only give those keys of an object which a TypedDict names, in a fourth of the time.

    What it leaves out it does not decode, so that it may take a body in which `read` would refuse a text.
    """
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(shape, float_hook=str)

    def _read(body: bytes) -> Any:
        try:
            return decoder.decode(body)
        except (ValueError, RecursionError):
            return read(body)

    return _read


def written(value: Any) -> str:
    """A value as JSON, in a fifth of the standard library's time; what JSON lacks (NaN, infinity) as null.

    Raises:
        TypeError: it holds what JSON has no form for.
    """
    try:
        return _WRITER.encode(value).decode()
    except ValueError:
        # Half of a surrogate pair.
        return _ENCODER.encode(value)


def encoded(value: Any) -> bytes:
    """The same in UTF-8, which is what it is written as first.

    Raises:
        TypeError: it holds what JSON has no form for.
    """
    try:
        return _WRITER.encode(value)
    except ValueError:
        return _ENCODER.encode(value).encode()


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


_QUICK = msgspec.json.Decoder(float_hook=str)
_WRITER = msgspec.json.Encoder()
_ENCODER = JSONEncoder()
_DECODER = JSONDecoder(parse_float=str, parse_constant=_refuse_constant)
"""`json.loads` reads the same; it would make a decoder for each body."""
