"""Objects that note what a reader asks them for: what is decoded must hold all of it."""

from collections.abc import Mapping
from typing import Any


class Noting(dict[str, Any]):
    """An object that notes the keys that it is asked for."""

    def __init__(self, source: Mapping[str, Any], asked: set[str]) -> None:
        super().__init__(source)
        self._asked = asked

    def get(self, key: str, default: Any = None) -> Any:
        """The value, with a note."""
        self._asked.add(key)
        return super().get(key, default)
