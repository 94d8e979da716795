"""One person's timeline as it becomes known in a replay: what is new at a tick, what was read before."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.flows.simulate.memory import Happening
from app.flows.simulate.question import LONG_AGO


@dataclass(slots=True)
class News:
    """The entries in the order in which they become known, the first `_told` of them told already."""

    entries: list[Happening]
    _told: int = 0
    _passed: int = 0
    _latest: datetime = LONG_AGO
    _at_latest: int = 0

    def next_at(self, before: datetime | None, wakes: Callable[[Happening], bool]) -> datetime | None:
        """The tick of the first entry before a moment that wakes anybody, as things stand until then."""
        entries, place = self.entries, max(self._passed, self._told)
        found = None
        while place < len(entries):
            entry = entries[place]
            if before is not None and entry.tick >= before:
                break
            if wakes(entry):
                found = entry.tick
                break
            place += 1
        self._passed = place
        return found

    def tell(self, now: datetime) -> list[Happening]:
        """What became known since the last tick."""
        entries, start = self.entries, self._told
        end = start
        while end < len(entries) and entries[end].tick <= now:
            end += 1
        if end == start:
            return []
        self._told, fresh = end, entries[start:end]
        self._count(fresh)
        return fresh

    def note(self, made: list[Happening]) -> list[Happening]:
        """Put in what the replay itself made, told at once; those entries that are heard."""
        if not made:
            return made
        self.entries[self._told : self._told] = made
        self._told += len(made)
        self._count(made)
        return [entry for entry in made if entry.is_heard]

    def already_read(self, heard: list[Happening]) -> list[Happening]:
        """What earlier passes read and what happened since the earliest entry of this one."""
        earliest = min(entry.occurred_at for entry in heard)
        if earliest == self._latest and len(heard) == self._at_latest:
            return []
        pending = {entry.id for entry in heard}
        return [
            entry
            for entry in self.entries[: self._told]
            if entry.occurred_at >= earliest and entry.id not in pending
        ]

    def _count(self, told: list[Happening]) -> None:
        """Note when the latest of what was told happened, and how much of it at that moment."""
        for entry in told:
            at = entry.occurred_at
            if at > self._latest:
                self._latest, self._at_latest = at, 1
            elif at == self._latest:
                self._at_latest += 1
