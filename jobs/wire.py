"""A batch on its way to its provider while the next one is claimed: both wait for others most of the time."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType

from jobs.guard import Failed, run_guarded

Work = Callable[[], None]
Failures = dict[int, Failed]


class Wire:
    """Carries out what it is given on one thread of its own, in order, at most one work beside its caller.

    Whoever opened it leaves it once all is carried out. A failure is noted for the store whose work it was.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "wire")
        self._under_way: tuple[int, Future[None]] | None = None

    def __enter__(self) -> "Wire":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        failures: Failures = {}
        self.wait(failures)
        self._thread.shutdown()
        for failure in failures.values():
            raise failure.error from error

    def carry_out(self, store_id: int, failures: Failures, work: Work) -> None:
        """Begin a store's work, once the one before is done."""
        self.wait(failures)
        # In this context, so that its log lines name what those of the claim name.
        self._under_way = (store_id, self._thread.submit(copy_context().run, work))

    def wait(self, failures: Failures) -> None:
        """Until nothing is under way; a failure is noted unless the store has one already."""
        if self._under_way is None:
            return
        store_id, future = self._under_way
        self._under_way = None
        result = run_guarded(future.result)
        if isinstance(result, Failed):
            failures.setdefault(store_id, result)
