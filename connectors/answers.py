"""What comes back from a call: whole, or in pieces."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors import exact_json
from connectors.base import ConnectorError


class Headers(Mapping[str, str]):
    """Headers, read without regard to case; one that came several times holds all its values, by commas."""

    __slots__ = ("_by_name",)

    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        self._by_name: dict[str, str] = {}
        for name, value in headers:
            key, text = name.lower(), value.strip(" \t")
            self._by_name[key] = f"{self._by_name[key]}, {text}" if key in self._by_name else text

    def __getitem__(self, name: str) -> str:
        return self._by_name[name.lower()]

    # Mapping's own find out by an exception that a header is not there.
    def __contains__(self, name: object) -> bool:
        return str(name).lower() in self._by_name

    def get(self, name: str, default: Any = None, /) -> Any:
        """The header's value, or the default."""
        return self._by_name.get(name.lower(), default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


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
            return json.loads(exact_json.shallow(self.body))
        except ValueError:
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
