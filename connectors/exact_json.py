"""JSON as platforms send it, its numbers exact: one with a fraction stays the text that was written."""

from json import JSONDecoder, detect_encoding
from typing import Any


def read(body: bytes) -> Any:
    """The value in a body of UTF-8, UTF-16 or UTF-32.

    `json.loads` reads the same; it would make a decoder for each body.

    Raises:
        ValueError: not JSON, or NaN and its like.
        RecursionError: nested too deeply.
    """
    return _DECODER.decode(body.decode(detect_encoding(body), "surrogatepass"))


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


_DECODER = JSONDecoder(parse_float=str, parse_constant=_refuse_constant)
