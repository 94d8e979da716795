"""P3: a tick of the timers: of very many that wait, those that are due are found, claimed and committed.

A tick is what the flows' stage does: the stores that have something due, then in one transaction a store's
share of its timers, the journeys that they belong to and what the conditions of their steps ask of people,
orders, codes and messages, its cursor settled. What is done with them after that is not part of it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from sqlalchemy.orm import Session

from app import timers
from app.flows import facts, work
from app.flows.writing import TIMER_KIND
from app.loading import keep_loaded
from app.models import Store
from app.runtime import Runtime
from benchmarks import series, simulate, stores
from benchmarks.databases import Databases, alchemy_url
from benchmarks.floors import ticks as floors

CLAIMS, TICKS, EMPTY_TICKS = 500, 60, 200
FEW = 100_000
"""So many wait in the store beside which the one with more is measured."""
MOST_STORES = 100
_BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_TAKEN = TICKS * CLAIMS
_APART = 7919
_SCATTERED = f"CASE WHEN n <= {_TAKEN} THEN n * {_APART} % {_TAKEN} + 1 ELSE n END"
"""Whose turn comes when: of those that the ticks take in another order than they entered, as at the floor."""
_COLUMNS = {"kind": f"'{TIMER_KIND}'", "subject_id": _SCATTERED, "turn": "0", "due_at": "AT"}
_OF_REVIEW = {
    "id": "n",
    "customer_id": "n",
    "flow_key": "'review'",
    "version_id": "1",
    "due_at": "AT",
    "context": "'{}'",
}
_JOURNEYS = _OF_REVIEW | {
    "occurrence": "'order:' || n",
    "subject": "'order:' || n",
    "state": "'active'",
    "step": "'to-M3R'",
    "turn": "0",
    "entered_at": "AT",
}
_MESSAGES = _OF_REVIEW | {
    "key": "'review:M3:' || n",
    "enrollment_id": "n",
    "step": "'M3'",
    "channel": "'email'",
    "purpose": "'service'",
    "priority": "4",
    "status": "'sent'",
    "is_prepared": "TRUE",
    "attempts": "1",
    **dict.fromkeys(("expires_at", "next_at", "created_at", "sent_at"), "AT"),
}


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


@dataclass(frozen=True, slots=True)
class Found:
    """The floor's ticks, the product's with as many timers waiting, and the product's with few."""

    floor: Ticks
    product: Ticks
    few: Ticks

    @property
    def growth(self) -> float:
        """How many times as long a tick takes as with few waiting."""
        return self.product.median / self.few.median


def compare(kind: str, databases: Databases, *, waiting: int) -> Found:
    """Ticks of all three in turns, with so many timers waiting, one a second."""
    is_sqlite = kind == "SQLite"
    open_floor = floors.on_sqlite if is_sqlite else floors.on_postgres
    floor = open_floor(str(databases.sqlite()) if is_sqlite else databases.postgresql(), waiting, CLAIMS)
    stores_of = [
        _opened(databases, waiting, is_sqlite=is_sqlite),
        _opened(databases, FEW, is_sqlite=is_sqlite),
    ]
    keep_loaded()
    found = Found(*_measure([floor, *(partial(_tick, runtime) for runtime in stores_of)]))
    for runtime in stores_of:
        runtime.database.dispose()
    return found


def _opened(databases: Databases, waiting: int, *, is_sqlite: bool) -> Runtime:
    url = f"sqlite:///{databases.sqlite()}" if is_sqlite else alchemy_url(databases.postgresql())
    runtime = stores.connect(url)
    _fill(runtime, waiting)
    return runtime


def _fill(runtime: Runtime, waiting: int) -> None:
    """Timers for all; journeys, people and orders for those that the ticks will take."""
    taken = _TAKEN
    with runtime.database.write() as session:
        span, connection = waiting * _SECOND, session.connection()
        insert = partial(series.insert, connection, begin=_BEGIN, span=span)
        insert("timers", _COLUMNS, count=waiting, customers=1)
        insert("customers", simulate.CUSTOMERS, count=taken, customers=taken)
        insert("orders", simulate.ORDERS, count=taken, customers=taken)
        insert("enrollments", _JOURNEYS, count=taken, customers=taken)
        insert("messages", _MESSAGES, count=taken, customers=taken)
        first = timers.NewTimer(1, _BEGIN + _SECOND, TIMER_KIND, _APART + 1)
        timers.set_timers(session, [first])
    stores.take_stock(runtime)


def _tick(runtime: Runtime, second: int) -> int:
    """One tick of the product, so many seconds after the beginning; how many timers it took."""
    now, taken = _BEGIN + second * _SECOND, 0
    with runtime.database.over_all_stores().read() as session:
        due = timers.due_stores(session, now, MOST_STORES, kinds=(TIMER_KIND,))
    for store_id in due:
        with runtime.database.of_store(store_id).write() as session:
            ids = [
                row.subject_id
                for row in timers.take_due(session, store_id, now, kind=TIMER_KIND, limit=CLAIMS)
            ]
            taken += _with_conditions(session, store_id, ids)
            timers.settle_cursor(session, store_id)
    return taken


def _with_conditions(session: Session, store_id: int, ids: list[int]) -> int:
    """Read what a batch reads for these journeys; how many of them there are with their order."""
    journeys = work.journeys_of(session, store_id, (), ids)
    asked = facts.load(
        session,
        session.get_one(Store, store_id),
        customer_ids=[row.customer_id for row in journeys],
        subjects=[row.subject for row in journeys],
        enrollment_ids=ids,
    )
    return sum(
        row.customer_id in asked.customers
        and facts.order_of(asked, row.subject) is not None
        and bool(asked.siblings.get(row.id))
        for row in journeys
    )


def _measure(ticks: Sequence[Callable[[int], int]]) -> list[Ticks]:
    """Claim what became due since the tick before, again and again; then look where nothing is due."""
    claims: list[list[_Timed]] = [[] for _ in ticks]
    empties: list[list[_Timed]] = [[] for _ in ticks]
    for number in range(1, TICKS + 1):
        for tick, found in zip(ticks, claims, strict=True):
            found.append(one := _timed(tick, number * CLAIMS))
            if one.taken != CLAIMS:
                raise RuntimeError(f"a tick claimed {one.taken} timers in the place of {CLAIMS}")
    for _ in range(EMPTY_TICKS):
        for tick, found in zip(ticks, empties, strict=True):
            found.append(one := _timed(tick, TICKS * CLAIMS))
            if one.taken:
                raise RuntimeError("a tick took what was taken already, or what is not due yet")
    return [_summed(found, empty) for found, empty in zip(claims, empties, strict=True)]


class _Timed(NamedTuple):
    wall: float
    cpu: float
    taken: int


def _summed(claims: Sequence[_Timed], empty: Sequence[_Timed]) -> Ticks:
    return Ticks(
        _median([one.wall for one in claims]),
        _median([one.cpu for one in claims]),
        max(one.wall for one in claims),
        _median([one.wall for one in empty]),
        _median([one.cpu for one in empty]),
    )


def _timed(tick: Callable[[int], int], second: int) -> _Timed:
    wall, cpu = time.perf_counter(), time.process_time()
    taken = tick(second)
    return _Timed((time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000, taken)


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
