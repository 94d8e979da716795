"""Waiting for what another thread will tell: on a thread, and on an event loop."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

from app.errors import Busy

ANSWER_SECONDS = 4.0
"""How long anybody waits; Shopify hangs up after five."""
TOO_SLOW = "the database is too slow now"
"""What somebody is told who waited for so long."""

T = TypeVar("T")
Tell = Callable[[T | Busy], None]
"""Says what came of it, from whatever thread; must not raise."""


def promised(begin: Callable[[Tell[T]], None]) -> T:
    """Begin something and wait on this thread for what is told.

    Raises:
        Busy: that was told, or nothing is known yet.
    """
    promise: _Promise[T] = _Promise()
    begin(promise.settle)
    return promise.wait(ANSWER_SECONDS)


class LoopPromises:
    """The same on an event loop, for what other threads tell."""

    def __init__(self) -> None:
        self._settled: deque[tuple[asyncio.Future[Any], Any]] = deque()
        self._is_called = False
        self._given: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._clock: asyncio.TimerHandle | None = None

    async def promised(self, begin: Callable[[Tell[T]], None]) -> T:
        """Begin something and return what is told.

        Raises:
            Busy: that was told, or nothing is known yet.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        begin(partial(self._tell, loop, future))
        self._be_patient_with(future, loop)
        return await future

    def _tell(self, loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], told: Any) -> None:
        """Whatever thread this is: let the loop hear of it."""
        self._settled.append((future, told))
        # A group wakes the loop once, not once for each of its items.
        if not self._is_called:
            self._is_called = True
            loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        # First of all: who tells from here on calls again.
        self._is_called = False
        while self._settled:
            future, told = self._settled.popleft()
            if future.done():
                continue
            if isinstance(told, Busy):
                future.set_exception(told)
            else:
                future.set_result(told)

    def _be_patient_with(self, future: asyncio.Future[Any], loop: asyncio.AbstractEventLoop) -> None:
        """All are waited for equally long, so one clock minds the oldest: a clock each would cost more."""
        while self._given and self._given[0][1].done():
            self._given.popleft()
        self._given.append((loop.time() + ANSWER_SECONDS, future))
        if self._clock is None:
            self._clock = loop.call_later(ANSWER_SECONDS, self._give_up, loop)

    def _give_up(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        while self._given and (self._given[0][1].done() or self._given[0][0] <= now):
            _, future = self._given.popleft()
            if not future.done():
                future.set_exception(Busy(TOO_SLOW))
        self._clock = loop.call_at(self._given[0][0], self._give_up, loop) if self._given else None


class _Promise(Generic[T]):
    """What a thread waits on: a tenth of the cost of a Future."""

    __slots__ = ("_settled", "_told")

    def __init__(self) -> None:
        self._told: T | Busy = Busy(TOO_SLOW)
        self._settled = threading.Lock()
        self._settled.acquire()

    def settle(self, told: T | Busy) -> None:
        """Let the waiting thread go on."""
        self._told = told
        self._settled.release()

    def wait(self, seconds: float) -> T:
        """Return what was told."""
        self._settled.acquire(timeout=seconds)
        if isinstance(self._told, Busy):
            raise self._told
        return self._told
