"""P3: a tick of the timers: of very many that wait, those that are due are found, claimed and committed.

A tick is what the flows' stage does: the stores that have something due, then in one transaction a store's
share of its timers, its cursor settled. What is done with them after that is not part of it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app import timers
from app.flows.writing import TIMER_KIND
from app.runtime import Runtime
from benchmarks import series, stores
from benchmarks.databases import Databases, alchemy_url
from benchmarks.floors import ticks as floors

CLAIMS, TICKS, EMPTY_TICKS = 500, 60, 200
MOST_STORES = 100
_BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_COLUMNS = {"kind": f"'{TIMER_KIND}'", "subject_id": "n", "turn": "0", "due_at": "AT"}


@dataclass(frozen=True, slots=True)
class Ticks:
    """Milliseconds of a tick that claims and of one that finds nothing; `cpu`: of this process alone."""

    median: float
    median_cpu: float
    worst: float
    empty: float
    empty_cpu: float

    @property
    def rate(self) -> float:
        """Claims a second."""
        return CLAIMS * 1000 / self.median


def compare(kind: str, databases: Databases, *, waiting: int) -> tuple[Ticks, Ticks]:
    """The floor's ticks and the product's, with so many timers waiting, one a second."""
    is_sqlite = kind == "SQLite"
    open_floor = floors.on_sqlite if is_sqlite else floors.on_postgres
    floor = open_floor(str(databases.sqlite()) if is_sqlite else databases.postgresql(), waiting, CLAIMS)
    runtime = stores.connect(
        f"sqlite:///{databases.sqlite()}" if is_sqlite else alchemy_url(databases.postgresql())
    )
    _fill(runtime, waiting)
    found = _measure(floor), _measure(lambda second: _tick(runtime, second))
    runtime.database.dispose()
    return found


def _fill(runtime: Runtime, waiting: int) -> None:
    with runtime.database.write() as session:
        span = waiting * _SECOND
        connection = session.connection()
        series.insert(connection, "timers", _COLUMNS, count=waiting, customers=1, begin=_BEGIN, span=span)
        first = timers.NewTimer(1, _BEGIN + _SECOND, TIMER_KIND, 1)
        timers.set_timers(session, [first])
    stores.take_stock(runtime)


def _tick(runtime: Runtime, second: int) -> int:
    """One tick of the product, so many seconds after the beginning; how many timers it took."""
    now, taken = _BEGIN + second * _SECOND, 0
    with runtime.database.over_all_stores().read() as session:
        due = timers.due_stores(session, now, MOST_STORES, kinds=(TIMER_KIND,))
    for store_id in due:
        with runtime.database.of_store(store_id).write() as session:
            taken += len(timers.take_due(session, store_id, now, kind=TIMER_KIND, limit=CLAIMS))
            timers.settle_cursor(session, store_id)
    return taken


def _measure(tick: Callable[[int], int]) -> Ticks:
    """Claim what became due since the tick before, again and again; then look where nothing is due."""
    walls, cpus = [], []
    for number in range(1, TICKS + 1):
        wall, cpu, taken = _timed(tick, number * CLAIMS)
        if taken != CLAIMS:
            raise RuntimeError(f"a tick claimed {taken} timers in the place of {CLAIMS}")
        walls.append(wall)
        cpus.append(cpu)
    empty = [_timed(tick, TICKS * CLAIMS) for _ in range(EMPTY_TICKS)]
    if any(taken for _, _, taken in empty):
        raise RuntimeError("a tick took what was taken already, or what is not due yet")
    return Ticks(
        _median(walls),
        _median(cpus),
        max(walls),
        _median([wall for wall, _, _ in empty]),
        _median([cpu for _, cpu, _ in empty]),
    )


def _timed(tick: Callable[[int], int], second: int) -> tuple[float, float, int]:
    wall, cpu = time.perf_counter(), time.process_time()
    taken = tick(second)
    return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000, taken


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
