"""Shopify's leaky bucket of query points."""

from collections.abc import Callable
from datetime import datetime
from threading import Lock


class Bucket:
    """Points that restore by the second, of real or of simulated time, whichever has run further.

    A simulated year passes in a minute; by the real clock alone, hourly polling would starve.
    """

    def __init__(self, size: float, restore_rate: float, clock: Callable[[], float]) -> None:
        """A full bucket of `size` points that restores `restore_rate` points a second."""
        self.size = size
        self.restore_rate = restore_rate
        self._clock = clock
        self._points = size
        self._real_at = clock()
        self._simulated_at: datetime | None = None
        self._lock = Lock()

    def take(self, requested: int, now: datetime) -> bool:
        """Take out the points of a query; False (and nothing taken) when there are too few."""
        with self._lock:
            self._restore(now)
            if requested > self._points:
                return False
            self._points -= requested
            return True

    def give_back(self, points: int) -> None:
        """Return what a query asked for but did not use."""
        with self._lock:
            self._points = min(self.size, self._points + points)

    def status(self) -> dict[str, float]:
        """The `throttleStatus` of an answer."""
        return {
            "maximumAvailable": self.size,
            "currentlyAvailable": int(self._points),
            "restoreRate": self.restore_rate,
        }

    def _restore(self, now: datetime) -> None:
        real_at = self._clock()
        passed = real_at - self._real_at
        if self._simulated_at is not None:
            passed = max(passed, (now - self._simulated_at).total_seconds())
        self._points = min(self.size, self._points + max(passed, 0.0) * self.restore_rate)
        self._real_at, self._simulated_at = real_at, now
