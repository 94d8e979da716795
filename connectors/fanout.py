"""Several calls at a time over one batch, with an end by the clock."""

import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_MOST_THREADS = 256
_FEW, _TIMES_AS_MANY = 4, 4
"""Threads at first, and how many times as many where those all wait for their answers."""


@dataclass(frozen=True, slots=True)
class Crew:
    """How many calls run at a time, and until when a new one is begun.

    A few at first. Where none of them ends between two looks, they wait for the other side, and more are
    begun; otherwise more would only hand the interpreter's lock to one another.

    Attributes:
        threads: calls at a time, at most; as many connections should be kept open.
        patience_seconds: from the start of the batch. What was not begun by then is left; a call that was
            begun is waited for, so that the batch lasts at most this and one call's own limit.
        is_stopping: whether the process is asked to end: no new call is begun then.
        clock: monotonic seconds.
        look_seconds: between two looks whether calls ended.
    """

    threads: int
    patience_seconds: float
    is_stopping: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic
    look_seconds: float = 0.002

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
        self._work_off(waiting, _work)
        return answers

    def _work_off(self, waiting: "queue.SimpleQueue[int]", work: Callable[[], None]) -> None:
        """Have as many threads as it takes do the work until nothing waits any more."""
        left = waiting.qsize()
        most, crew = min(self.threads, left), list[Future[None]]()
        more = min(_FEW, most)
        while left and len(crew) < most:
            crew += [_threads().submit(work) for _ in range(more)]
            before, begun, more = left, more, 0
            if not wait(crew, self.look_seconds).not_done:
                break
            left = waiting.qsize()
            if before - left <= begun:
                # What was taken is what the new threads began with: no call has ended.
                more = min(_TIMES_AS_MANY * len(crew), most) - len(crew)
        for one in crew:
            one.result()


@cache
def _threads() -> ThreadPoolExecutor:
    """Those of the whole process, begun as needed; beginning some for each batch took a quarter of it."""
    return ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="crew")


def _next(waiting: queue.SimpleQueue[int]) -> int | None:
    try:
        return waiting.get_nowait()
    except queue.Empty:
        return None
