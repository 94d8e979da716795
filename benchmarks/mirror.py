"""P2: orders a second that reach the mirror, against the same orders parsed and upserted by the driver alone.

`live` is the worker's way from the inbox (read, parse, mirror, timeline, mark); `backfill` is what a page of
history goes through. Both in batches of 500, new orders first, then the same told again with later news.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from typing import Protocol

from sqlalchemy import func, select

from app.db import table_of
from app.errors import Busy
from app.inbox import EVENTS, Kept
from app.mirror.apply import apply_records
from app.models import Order, Store
from app.runtime import Runtime
from benchmarks import stores
from benchmarks.bodies import SHOP, order_bodies
from benchmarks.databases import Databases, alchemy_url
from benchmarks.floors import mirror as floors
from connectors.base import Envelope
from connectors.channels.local import LocalChannel
from connectors.storefronts.shopify.records import records
from jobs import inbox as inbox_job
from jobs.kit import Kit
from webhooks.writer import InboxWriter

BATCH = 500
_NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


class Target(Protocol):
    """Something that mirrors a batch of bodies."""

    def apply(self, bodies: Sequence[bytes]) -> None:
        """Mirror one batch."""

    def count(self) -> int:
        """How many orders are there."""

    def close(self) -> None:
        """Leave the database."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Orders a second, by the clock on the wall and by this process's own processor time."""

    new: float
    again: float
    new_cpu: float
    again_cpu: float


class Backfill:
    """A page of history: parsed, then through the mirror's one door."""

    def __init__(self, url: str) -> None:
        self._runtime = stores.connect(url)

    def apply(self, bodies: Sequence[bytes]) -> None:
        """Mirror one batch."""
        found = [record for body in bodies for record in records("orders/updated", body, None)]
        with self._runtime.database.write() as session:
            store = session.execute(select(Store)).scalar_one()
            apply_records(session, self._runtime.signer, store, found, now=_NOW, history_until=_NOW)

    def count(self) -> int:
        """How many orders are there."""
        return _count(self._runtime)

    def close(self) -> None:
        """Leave the database."""
        self._runtime.database.dispose()


class Live:
    """From the inbox, as the worker does it; keeping the deliveries there is not counted (that is P1)."""

    def __init__(self, url: str) -> None:
        self._runtime = stores.connect(url)
        self._kit = Kit.build(self._runtime, LocalChannel(None))
        self._moment = _NOW

    def keep(self, bodies: Sequence[bytes]) -> None:
        """Put deliveries into the inbox."""
        writer = InboxWriter(self._runtime.database)
        self._moment += timedelta(minutes=1)
        answers: SimpleQueue[Busy | None] = SimpleQueue()
        for number, body in enumerate(bodies):
            key = f"{self._moment:%H%M}-{number}"
            envelope = Envelope("shopify", "orders/updated", SHOP, key, triggered_at=self._moment)
            writer.hand_over(Kept(1, envelope, body, self._moment), answers.put)
        if any(answers.get() for _ in bodies):
            raise AssertionError("not all were kept")

    def apply(self, bodies: Sequence[bytes]) -> None:
        """Mirror all that waits: the job takes batches of 500 by itself."""
        done = inbox_job.run(self._kit, self._moment)
        if done["received"] != len(bodies):
            raise AssertionError(f"{done['received']} of {len(bodies)} were read")

    def count(self) -> int:
        """How many orders are there."""
        with self._runtime.database.read() as session:
            open_ = session.execute(select(func.count()).where(EVENTS.c.status != "done")).scalar_one()
        if open_:
            raise AssertionError(f"{open_} deliveries were not mirrored")
        return _count(self._runtime)

    def close(self) -> None:
        """Leave the database."""
        self._runtime.database.dispose()


def compare(kind: str, databases: Databases, *, orders: int, rounds: int) -> dict[str, Rates]:
    """The best rates of floor, backfill and live, taken in turns on fresh databases of one kind."""
    new = order_bodies(orders, customers=orders // 2)
    again = order_bodies(orders, customers=orders // 2, minutes_later=60)
    best: dict[str, Rates] = {}
    for _ in range(rounds):
        for name, open_target in _targets(kind, databases).items():
            target = open_target()
            first, second = _timed(target, new), _timed(target, again)
            if target.count() != orders:
                raise AssertionError(f"{name}: {target.count()} of {orders} orders are there")
            target.close()
            rates = Rates(first[0], second[0], first[1], second[1])
            best[name] = _better(best.get(name), rates)
    return best


def _targets(kind: str, databases: Databases) -> dict[str, Callable[[], Target]]:
    if kind == "SQLite":
        return {
            "floor": lambda: floors.OnSqlite(str(databases.sqlite())),
            "backfill": lambda: Backfill(f"sqlite:///{databases.sqlite()}"),
            "live": lambda: Live(f"sqlite:///{databases.sqlite()}"),
        }
    return {
        "floor": lambda: floors.OnPostgres(databases.postgresql()),
        "backfill": lambda: Backfill(alchemy_url(databases.postgresql())),
        "live": lambda: Live(alchemy_url(databases.postgresql())),
    }


def _timed(target: Target, bodies: Sequence[bytes]) -> tuple[float, float]:
    if isinstance(target, Live):
        target.keep(bodies)
        batches = [bodies]
    else:
        batches = [bodies[start : start + BATCH] for start in range(0, len(bodies), BATCH)]
    begun, cpu = time.perf_counter(), time.process_time()
    for batch in batches:
        target.apply(batch)
    cpu = time.process_time() - cpu
    return len(bodies) / (time.perf_counter() - begun), len(bodies) / cpu


def _better(held: Rates | None, found: Rates) -> Rates:
    if held is None:
        return found
    names = ("new", "again", "new_cpu", "again_cpu")
    return Rates(*(max(getattr(held, name), getattr(found, name)) for name in names))


def _count(runtime: Runtime) -> int:
    with runtime.database.read() as session:
        return session.execute(select(func.count()).select_from(table_of(Order))).scalar_one()
