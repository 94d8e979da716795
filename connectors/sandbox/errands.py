"""Errands to the app: sent in small rounds over a few connections, tried again while the app is down."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from select import select
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

from connectors.sandbox.wire import TIMEOUT_SECONDS, Lane, Request, UnreachableError

_ROUND = 64
_LANES = 8
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
class _Job:
    key: str
    requests: Sequence[Request]
    sent: int
    is_tried_again: bool


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

    def count_due(self, to: int) -> int:
        """How many errands are due by `to`."""
        with self._lock:
            return sum(errand.due <= to for errand in self._heap)


class Runner:
    """Does errands over HTTP; remembers how far an errand of several requests has come."""

    def __init__(self, pauses_seconds: Sequence[float] = _PAUSES_SECONDS) -> None:
        self._pauses_seconds = pauses_seconds
        self._lanes = [Lane() for _ in range(_LANES)]
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
        while errands := queue.take(to, _ROUND):
            outcomes = self._run(errands, write)
            for errand in errands:
                if outcomes[errand.key].error:
                    queue.push(errand)
            done = [(errand, outcomes[errand.key]) for errand in errands if not outcomes[errand.key].error]
            record(done)
            if done:
                failed_rounds = 0
                continue
            if failed_rounds == len(self._pauses_seconds):
                return outcomes[errands[0].key].error
            time.sleep(self._pauses_seconds[failed_rounds])
            failed_rounds += 1
        return ""

    def close(self) -> None:
        """Close the connections."""
        for lane in self._lanes:
            lane.close()

    def _run(self, errands: Sequence[E], write: Callable[[E], Sequence[Request]]) -> dict[str, Outcome]:
        """One round: as many errands under way as there are lanes, each one's requests in turn."""
        outcomes: dict[str, Outcome] = {}
        free, busy = list(self._lanes), dict[Lane, _Job]()
        for errand in errands:
            job = _Job(errand.key, write(errand), self._sent.pop(errand.key, 0), errand.is_tried_again)
            if job.sent >= len(job.requests):
                outcomes[job.key] = Outcome()
                continue
            if not free:
                free += self._settle(busy, outcomes)
            lane = free.pop()
            if not self._start(lane, job, busy, outcomes):
                free.append(lane)
        while busy:
            self._settle(busy, outcomes)
        return outcomes

    def _start(self, lane: Lane, job: _Job, busy: dict[Lane, _Job], outcomes: dict[str, Outcome]) -> bool:
        """Send the job's next request; False when the app does not take it."""
        try:
            lane.start(job.requests[job.sent])
        except UnreachableError as error:
            outcomes[job.key] = self._postpone(job, str(error))
            return False
        busy[lane] = job
        return True

    def _settle(self, busy: dict[Lane, _Job], outcomes: dict[str, Outcome]) -> list[Lane]:
        """Wait until at least one lane is free again."""
        freed: list[Lane] = []
        while busy and not freed:
            answered = select(list(busy), (), (), TIMEOUT_SECONDS)[0]
            for lane in () if answered else busy:
                lane.abandon()
            for lane in answered or list(busy):
                job = busy.pop(lane)
                outcome = self._finish(lane, job)
                if outcome:
                    outcomes[job.key] = outcome
                if outcome or not self._start(lane, job, busy, outcomes):
                    freed.append(lane)
        return freed

    def _finish(self, lane: Lane, job: _Job) -> Outcome | None:
        """The job's outcome, or None while it has more to send."""
        try:
            status = lane.finish()
        except UnreachableError as error:
            return self._postpone(job, str(error))
        if job.is_tried_again and (status >= 500 or status == _TOO_MANY):
            return self._postpone(job, f"{job.requests[job.sent].url} answered {status}")
        job.sent += 1
        return Outcome(status) if job.sent == len(job.requests) else None

    def _postpone(self, job: _Job, error: str) -> Outcome:
        if job.sent:
            self._sent[job.key] = job.sent
        return Outcome(error=error)
