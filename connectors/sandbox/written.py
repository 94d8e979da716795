"""What the app has written back to the shops, found again quickly.

`WorldView.remembered` is a growing list; an index reads only its new end at each look.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from threading import Lock
from weakref import WeakKeyDictionary

from connectors.sandbox.model import WorldView

Fact = Mapping[str, object]


class Written:
    """The remembered facts of one kind, by one of their keys."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._seen = 0
        self._by_key: dict[object, list[Fact]] = {}
        self._lock = Lock()

    def all_of(self, value: object) -> Sequence[Fact]:
        """The facts whose key has this value, oldest first."""
        return self._by_key.get(value, ())

    def last_of(self, value: object) -> Fact | None:
        """The newest fact whose key has this value."""
        facts = self.all_of(value)
        return facts[-1] if facts else None

    def latest(self) -> list[Fact]:
        """The newest fact of every value, in the order of their first appearance."""
        return [facts[-1] for facts in list(self._by_key.values())]

    def catch_up(self, facts: Sequence[Fact]) -> None:
        """Read the facts that are new since the last look."""
        if len(facts) == self._seen:
            return
        with self._lock:
            fresh = facts[self._seen :]
            for fact in fresh:
                self._by_key.setdefault(fact[self._key], []).append(fact)
            self._seen += len(fresh)


class Asked(ABC):
    """A view of a world that notes what it is asked."""

    @abstractmethod
    def written(self, kind: str, key: str) -> Written:
        """The world's index, each look at which is noted."""


def written(world: WorldView, kind: str, key: str) -> Written:
    """The up-to-date index of a world's facts of a kind."""
    if isinstance(world, Asked):
        return world.written(kind, key)
    indexes = _INDEXES.setdefault(world, {})
    index = indexes.setdefault((kind, key), Written(key))
    index.catch_up(world.remembered(kind))
    return index


_INDEXES: WeakKeyDictionary[WorldView, dict[tuple[str, str], Written]] = WeakKeyDictionary()
