"""Several calls at a time over one batch, with an end by the clock."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Crew:
    """How many calls run at a time, and until when a new one is begun.

    Attributes:
        threads: calls at a time; as many connections should be kept open.
        patience_seconds: from the start of the batch. What was not begun by then is left; a call that was
            begun is waited for, so that the batch lasts at most this and one call's own limit.
        is_stopping: whether the process is asked to end: no new call is begun then.
        clock: monotonic seconds.
    """

    threads: int
    patience_seconds: float
    is_stopping: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic

    def each(self, call: Callable[[Item], Answer], items: Sequence[Item]) -> list[Answer | None]:
        """The answer for every item, in order; None for those that were not begun in time.

        Args:
            call: never raises; it runs on several threads at once.
        """
        in_time = partial(self._in_time, call, self.clock() + self.patience_seconds)
        if len(items) == 1:
            return [in_time(items[0])]
        with ThreadPoolExecutor(max_workers=max(1, min(self.threads, len(items)))) as workers:
            return list(workers.map(in_time, items))

    def _in_time(self, call: Callable[[Item], Answer], end: float, item: Item) -> Answer | None:
        return call(item) if self.clock() < end and not self.is_stopping() else None
