"""Running work that may fail in ways nobody foresaw, and the pauses before it is tried again."""

import random
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog
from structlog.contextvars import bound_contextvars

from app import watching
from app.errors import AppError
from connectors.base import ConnectorError

log = structlog.get_logger()
T = TypeVar("T")
EXPECTED = (AppError, ConnectorError)
"""What code of ours raised on purpose: its text is safe to show, and says what it means."""

_MOST_NAMED = 20
PAUSES = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 2 * 60, 10 * 60, 60 * 60, 4 * 60 * 60, 12 * 60 * 60)
)
"""Between the tries of a row that fails; after the last it rests as dead. Source: RELIABILITY.md 5."""


@dataclass(frozen=True, slots=True)
class Failed:
    """What went wrong: one line for the store's own eyes, the traceback for the row, what a log may hold."""

    error: Exception
    summary: str
    trace: str

    @property
    def told(self) -> str:
        """Our own errors as they are; any other by its kind and place, for its text may name somebody."""
        if isinstance(self.error, EXPECTED):
            return self.summary
        *_, place = traceback.extract_tb(self.error.__traceback__)
        return f"{type(self.error).__name__} in {place.name} ({Path(place.filename).name}:{place.lineno})"


def run_guarded(work: Callable[[], T], **named: object) -> T | Failed:
    """Run something; whatever it raises comes back as a value, to be recorded on the row.

    Args:
        named: what every log line of this work says besides: `store=7`, `inbound=12`.
    """
    with bound_contextvars(**named):
        try:
            return work()
        except Exception as error:  # whatever it is, it is told, and recorded where the work's row is
            if not isinstance(error, EXPECTED):
                watching.report(error)
            summary = f"{type(error).__name__}: {error}"[:500]
            return Failed(error, summary, traceback.format_exc()[-3500:])


def each_store(stores: Sequence[int], work: Callable[[int], int], *, at_once: int = 1) -> int:
    """Do something for one store after the other, or for some at once; how much was done in all.

    Raises:
        Exception: the first store's failure, once its neighbours are done; it says which stores failed.
    """
    failures: dict[int, Failed] = {}
    done = each_sound(stores, work, failures, at_once=at_once)
    raise_first(failures)
    return done


def each_sound(
    stores: Sequence[int], work: Callable[[int], int], failures: dict[int, Failed], *, at_once: int = 1
) -> int:
    """Do something for each store; how much was done, and in `failures` those that fail."""
    done = 0
    for store_id, result in zip(stores, _results(stores, work, at_once), strict=True):
        if isinstance(result, Failed):
            failures[store_id] = result
        else:
            done += result
    return done


def raise_first(failures: Mapping[int, Failed]) -> None:
    """Tell of each store that failed, and raise what went wrong in the first one.

    Raises:
        Exception: that; it says which stores failed.
    """
    for store_id, failure in failures.items():
        log.error("store failed", store=store_id, error=failure.told)
    for failure in failures.values():
        others = f" and {len(failures) - _MOST_NAMED} others" if len(failures) > _MOST_NAMED else ""
        failure.error.add_note(
            f"stores that failed: {', '.join(map(str, [*failures][:_MOST_NAMED]))}{others}"
        )
        raise failure.error


def _results(stores: Sequence[int], work: Callable[[int], int], at_once: int) -> Iterator[int | Failed]:
    """What came of each store's work, in the order of the stores."""
    # A thread's log lines say what the caller's would.
    guarded = (
        partial(copy_context().run, partial(run_guarded, partial(work, store_id), store=store_id))
        for store_id in stores
    )
    if min(at_once, len(stores)) <= 1:
        yield from (run() for run in guarded)
        return
    with ThreadPoolExecutor(at_once, "stores") as crew:
        yield from crew.map(lambda run: run(), guarded)


def rounds(one: Callable[[dict[int, Failed]], int], most: int) -> int:
    """Go round the stores until a round finds nothing; how much was done in all.

    Args:
        one: does a round, leaves out the stores that failed before, and notes those that fail now.

    Raises:
        Exception: the first store's failure, once its neighbours are done; it says which stores failed.
    """
    failures: dict[int, Failed] = {}
    done = 0
    for _ in range(most):
        count = one(failures)
        done += count
        if not count:
            break
    raise_first(failures)
    return done


def pause_after(attempts: int) -> timedelta | None:
    """How long to wait after so many failed tries (±10 %), or None when it is enough."""
    if attempts >= len(PAUSES):
        return None
    return PAUSES[attempts] * random.uniform(0.9, 1.1)
