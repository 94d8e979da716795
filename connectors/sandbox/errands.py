"""Errands to the app: sent in rounds over kept connections, tried again while the app is down.

A round goes out at once: what comes together, the app keeps together, with one flush to its disk. While it
works on some, the next is written and sent over connections of its own.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import chain
from select import select
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

from connectors.sandbox.wire import TIMEOUT_SECONDS, Lane, Request, UnreachableError

_LANES = 32
"""How many errands a round has: each goes its own way."""
_ROUNDS = 3
"""So many are under way at once: the app keeps what it finds of them together, and reads one meanwhile."""
_PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8)
_TOO_MANY = 429


class Due(Protocol):
    """Something that waits for its moment; what waits compares by (due, key)."""

    @property
    def due(self) -> int:
        """The moment, in seconds."""

    @property
    def key(self) -> str:
        """The same text in every run."""

    def __lt__(self, _other: Any, /) -> bool:
        """The earlier first."""


class Errand(Due, Protocol):
    """Something to be done at a moment."""

    @property
    def is_tried_again(self) -> bool:
        """Whether an answer that says "not now" is followed by another try."""


D = TypeVar("D", bound=Due)
E = TypeVar("E", bound=Errand)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an errand: the last status, 0 when nothing had to be sent; or why it must wait."""

    status: int = 0
    error: str = ""


@dataclass(slots=True)
class _Job(Generic[E]):
    """An errand of a round, with how many of its requests were answered."""

    errand: E
    requests: Sequence[Request]
    sent: int
    outcome: Outcome = Outcome()


@dataclass(frozen=True, slots=True)
class _Round(Generic[E]):
    """Errands under way together, the lanes that are theirs, and which of these wait for an answer."""

    jobs: Sequence[_Job[E]]
    lanes: list[Lane]
    busy: dict[Lane, _Job[E]]


class Queue(Generic[D]):
    """Errands in the order of (due, key); may be filled while it is being emptied."""

    def __init__(self) -> None:
        self._heap: list[D] = []
        self._lock = Lock()

    def push(self, errand: D) -> None:
        """Add an errand."""
        with self._lock:
            heappush(self._heap, errand)

    def take(self, to: int, limit: int) -> list[D]:
        """Take out the first errands that are due by `to`."""
        taken: list[D] = []
        with self._lock:
            while len(taken) < limit and self._heap and self._heap[0].due <= to:
                taken.append(heappop(self._heap))
        return taken

    def next_due(self) -> int | None:
        """When the first errand is due."""
        with self._lock:
            return self._heap[0].due if self._heap else None

    def due_by(self, to: int) -> list[D]:
        """The errands that are due by `to`, in no order; they stay."""
        with self._lock:
            return [errand for errand in self._heap if errand.due <= to]

    def count_due(self, to: int) -> int:
        """How many errands are due by `to`."""
        with self._lock:
            return sum(errand.due <= to for errand in self._heap)


class Runner:
    """Does errands over HTTP; remembers how far an errand of several requests has come."""

    def __init__(self, pauses_seconds: Sequence[float] = _PAUSES_SECONDS) -> None:
        self._pauses_seconds = pauses_seconds
        self._resting = [[Lane() for _ in range(_LANES)] for _ in range(_ROUNDS)]
        self._sent: dict[str, int] = {}

    def flush(
        self,
        queue: Queue[E],
        to: int,
        write: Callable[[E], Sequence[Request]],
        record: Callable[[Sequence[tuple[E, Outcome]]], None],
    ) -> str:
        """Do everything due by `to`, telling `record` after each round, in the queue's order.

        Returns:
            why errands are still waiting, empty when none is.
        """
        failed_rounds = 0
        rounds: deque[_Round[E]] = deque()
        while True:
            while len(rounds) < _ROUNDS and (jobs := self._written(queue, to, write)):
                rounds.append(self._launch(jobs))
            if not rounds:
                return ""
            done, failed = self._settled(rounds.popleft(), record)
            # Before anything fails twice, what came of all that is under way is waited for.
            while failed and rounds:
                more_done, more_failed = self._settled(rounds.popleft(), record)
                done, failed = done + more_done, failed + more_failed
            for job in failed:
                queue.push(job.errand)
            if done or not failed:
                failed_rounds = 0
            elif failed_rounds == len(self._pauses_seconds):
                return failed[0].outcome.error
            else:
                # The app is down or refuses: nothing tells us when it is back.
                time.sleep(self._pauses_seconds[failed_rounds])
                failed_rounds += 1

    def close(self) -> None:
        """Close the connections."""
        for lane in chain.from_iterable(self._resting):
            lane.close()

    def _written(self, queue: Queue[E], to: int, write: Callable[[E], Sequence[Request]]) -> list[_Job[E]]:
        """The next round, ready to go out."""
        return [
            _Job(errand, write(errand), self._sent.get(errand.key, 0)) for errand in queue.take(to, _LANES)
        ]

    def _launch(self, jobs: list[_Job[E]]) -> _Round[E]:
        """Send each job's first request, all at once."""
        lanes = self._resting.pop()
        waiting = [job for job in jobs if job.sent < len(job.requests)]
        busy = {lane: job for lane, job in zip(lanes, waiting, strict=False) if self._start(lane, job)}
        return _Round(jobs, lanes, busy)

    def _settled(
        self, under_way: _Round[E], record: Callable[[Sequence[tuple[E, Outcome]]], None]
    ) -> tuple[int, list[_Job[E]]]:
        """Wait for a round's answers and tell of them; how many jobs are done, and those that failed."""
        while under_way.busy:
            self._settle(under_way.busy)
        self._resting.append(under_way.lanes)
        done = [(job.errand, job.outcome) for job in under_way.jobs if not job.outcome.error]
        record(done)
        return len(done), [job for job in under_way.jobs if job.outcome.error]

    def _start(self, lane: Lane, job: _Job[E]) -> bool:
        """Send the job's next request; False when the app does not take it."""
        try:
            lane.start(job.requests[job.sent])
        except UnreachableError as error:
            self._postpone(job, str(error))
            return False
        return True

    def _settle(self, busy: dict[Lane, _Job[E]]) -> None:
        """Wait for answers, and let the lanes that have theirs go on or rest."""
        answered = select(list(busy), (), (), TIMEOUT_SECONDS)[0]
        for lane in () if answered else busy:
            lane.abandon()
        for lane in answered or list(busy):
            if not self._goes_on(lane, busy[lane]):
                del busy[lane]

    def _goes_on(self, lane: Lane, job: _Job[E]) -> bool:
        """Take a request's answer and send the next one; False when the job has its outcome."""
        try:
            status = lane.finish()
        except UnreachableError as error:
            self._postpone(job, str(error))
            return False
        if job.errand.is_tried_again and (status >= 500 or status == _TOO_MANY):
            self._postpone(job, f"{job.requests[job.sent].url} answered {status}")
            return False
        job.sent += 1
        if job.sent < len(job.requests):
            return self._start(lane, job)
        self._sent.pop(job.errand.key, None)
        job.outcome = Outcome(status)
        return False

    def _postpone(self, job: _Job[E], error: str) -> None:
        if job.sent:
            self._sent[job.errand.key] = job.sent
        job.outcome = Outcome(error=error)
