"""The only now(): business time, which the demo, the dry run and the tests may simulate.

Leases never use this clock, nor do sign-ins and tokens: theirs are never simulated (`app/leases.py`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_simulated: datetime | None = None


def now() -> datetime:
    """The business moment, aware UTC: the simulated one while a journey is on, else the real one."""
    return _simulated if _simulated is not None else datetime.now(UTC)


def going_on(moment: datetime) -> Callable[[], datetime]:
    """What a moment has become by each call: it goes on as now() does from here, and stands if it does."""
    begun = now()
    return lambda: moment + (now() - begun)


def travel_to(moment: datetime | None) -> None:
    """Set the simulated moment for the whole process; None returns to real time.

    Raises:
        ValueError: the moment has no zone.
    """
    global _simulated
    if moment is not None and moment.tzinfo is None:
        raise ValueError("a simulated moment needs a time zone")
    _simulated = moment.astimezone(UTC) if moment is not None else None


@contextmanager
def frozen_at(moment: datetime) -> Iterator[None]:
    """Run a block as of a moment and return to the time before it."""
    previous = _simulated
    travel_to(moment)
    try:
        yield
    finally:
        travel_to(previous)
