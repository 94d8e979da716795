"""Several calls at a time over one batch, with an end by the clock."""

import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_MOST_THREADS = 256


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
        end = self.clock() + self.patience_seconds
        answers: list[Answer | None] = [None] * len(items)
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for place in range(len(items)):
            waiting.put(place)

        def _work() -> None:
            while (place := _next(waiting)) is not None:
                if self.clock() < end and not self.is_stopping():
                    answers[place] = call(items[place])

        if len(items) == 1:
            _work()
            return answers
        crew = [_threads().submit(_work) for _ in range(min(self.threads, len(items)))]
        for one in crew:
            one.result()
        return answers


@cache
def _threads() -> ThreadPoolExecutor:
    """Those of the whole process, begun as needed; beginning some for each batch took a quarter of it."""
    return ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="crew")


def _next(waiting: queue.SimpleQueue[int]) -> int | None:
    try:
        return waiting.get_nowait()
    except queue.Empty:
        return None
