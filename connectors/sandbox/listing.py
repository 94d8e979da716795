"""What one shop shows of one kind: ids by id, or by the moment of their last change, sliced by bisection."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Sequence


class Listing:
    """Grows as facts are made. Changes must be told in the order of time."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._latest: dict[int, int] = {}
        self._changed_at: array[int] = array("q")
        self._changed_id: array[int] = array("q")
        self._whole: dict[bool, tuple[int, ...]] = {}

    def touch(self, subject_id: int, at: int) -> None:
        """Show an id, or note that it changed."""
        known = self._latest.get(subject_id)
        if known == at:
            return
        if known is None:
            insort(self._ids, subject_id)
        self._latest[subject_id] = at
        self._changed_at.append(at)
        self._changed_id.append(subject_id)
        self._whole.clear()

    def changed_at(self, subject_id: int) -> int | None:
        """The last change of an id, in seconds; None for an id that is not shown."""
        return self._latest.get(subject_id)

    def ids(self, *, updated_from: int | None, by_id: bool) -> Sequence[int]:
        """The ids changed at or after a moment (None: all), ordered by id or by (last change, id)."""
        if updated_from is not None:
            return self._select(bisect_left(self._changed_at, updated_from), by_id)
        if by_id not in self._whole:
            self._whole[by_id] = tuple(self._ids) if by_id else self._select(0, by_id)
        return self._whole[by_id]

    def _select(self, first: int, by_id: bool) -> tuple[int, ...]:
        latest = self._latest
        changes = zip(self._changed_at[first:], self._changed_id[first:], strict=True)
        current = sorted((at, subject_id) for at, subject_id in changes if latest[subject_id] == at)
        chosen = [subject_id for _, subject_id in current]
        return tuple(sorted(chosen) if by_id else chosen)
