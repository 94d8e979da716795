"""What many threads want done, done one group at a time.

While nobody else is at it, who wants something does it on its own thread: waking another one and being woken
costs more than most of what is done here. Whatever comes meanwhile is the next group, of a thread of its own.
"""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_MOST = 256
_HEAVIEST = 8 * 1024 * 1024

Item = TypeVar("Item")


class Groups(Generic[Item]):
    """Does items in groups, never two groups at once.

    Args:
        name: of the thread, which is started when it is first needed.
        work: does a group; whatever it raises ends the thread, and the next item finds another one.
        ended: called when the thread ends or `close` is.
        rested: called after a group behind which nothing waits.
        weigh: how many bytes an item holds; a group is no heavier than eight million.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[list[Item]], None],
        *,
        ended: Callable[[], None],
        rested: Callable[[], None] = lambda: None,
        weigh: Callable[[Item], int] = lambda _item: 0,
    ) -> None:
        self._name = name
        self._work = work
        self._ended = ended
        self._rested = rested
        self._weigh = weigh
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def do(self, item: Item) -> None:
        """Do an item on this thread if nobody is at any, else let it wait for its group."""
        if not self._turn.acquire(blocking=False):
            self.put(item)
            return
        try:
            self._work([item])
            if self._queue.empty():
                self._rested()
        finally:
            self._turn.release()

    def put(self, item: Item) -> None:
        """Let an item wait for its group, and return at once."""
        if self._thread is None:
            self._start()
        self._queue.put(item)

    def close(self) -> None:
        """Finish what was taken and stop the thread."""
        thread = self._thread
        if thread is not None:
            self._queue.put(None)
            thread.join()
        self._end()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        try:
            while (first := self._queue.get()) is not None:
                self._take_turn(first)
        finally:
            self._thread = None
            self._end()

    def _take_turn(self, first: Item) -> None:
        """Do what waits until nothing does: who comes meanwhile must not have its turn alone."""
        with self._turn:
            group = self._gathered([first])
            while group:
                self._work(group)
                group = self._gathered([])
            self._rested()

    def _gathered(self, group: list[Item]) -> list[Item]:
        """The group with what waits behind it."""
        weight = sum(map(self._weigh, group))
        while len(group) < _MOST and weight < _HEAVIEST:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                self._queue.put(None)
                break
            group.append(item)
            weight += self._weigh(item)
        return group

    def _end(self) -> None:
        with self._turn:
            self._ended()
