"""What comes back from a call: whole, or in pieces."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.base import ConnectorError


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, whole. `headers` are read without regard to case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ConnectorError: the body is not readable JSON.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise ConnectorError("the answer is not readable JSON", status=self.status) from None

    def retry_after_seconds(self) -> float | None:
        """What `Retry-After` asks for in seconds; its date form is not read."""
        text = self.headers.get("Retry-After", "").strip()
        return float(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else None


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer whose body comes in pieces while it is read, each of them whole but the last."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    pieces: Iterator[bytes] = field(repr=False)


_LONGEST_NUMBER = 6
