"""Running work that may fail in ways nobody foresaw, and the pauses before it is tried again."""

import random
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from structlog.contextvars import bound_contextvars

T = TypeVar("T")

PAUSES = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 2 * 60, 10 * 60, 60 * 60, 4 * 60 * 60, 12 * 60 * 60)
)
"""Between the tries of a row that fails; after the last it rests as dead. Source: RELIABILITY.md 5."""


@dataclass(frozen=True, slots=True)
class Failed:
    """What went wrong: one line to show, and the traceback for the row."""

    error: Exception
    summary: str
    trace: str


def run_guarded(work: Callable[[], T], **named: object) -> T | Failed:
    """Run something; whatever it raises comes back as a value, to be recorded on the row.

    Args:
        named: what every log line of this work says besides: `store=7`, `inbound=12`.
    """
    try:
        with bound_contextvars(**named):
            return work()
    except Exception as error:
        summary = f"{type(error).__name__}: {error}"[:500]
        return Failed(error, summary, traceback.format_exc()[-3500:])


def each_store(stores: Iterable[int], work: Callable[[int], int]) -> int:
    """Do something for one store after the other; how much was done in all.

    Raises:
        Exception: the first store's failure, once its neighbours are done.
    """
    done = 0
    failures: list[Failed] = []
    for store_id in stores:
        result = run_guarded(partial(work, store_id), store=store_id)
        if isinstance(result, Failed):
            failures.append(result)
        else:
            done += result
    for failure in failures:
        raise failure.error
    return done


def rounds(one: Callable[[dict[int, Failed]], int], most: int) -> int:
    """Go round the stores until a round finds nothing; how much was done in all.

    Args:
        one: does a round, leaves out the stores that failed before, and notes those that fail now.

    Raises:
        Exception: the first store's failure, once its neighbours are done.
    """
    failures: dict[int, Failed] = {}
    done = 0
    for _ in range(most):
        count = one(failures)
        done += count
        if not count:
            break
    for failure in failures.values():
        raise failure.error
    return done


def pause_after(attempts: int) -> timedelta | None:
    """How long to wait after so many failed tries (±10 %), or None when it is enough."""
    if attempts >= len(PAUSES):
        return None
    return PAUSES[attempts] * random.uniform(0.9, 1.1)
