"""The chores of some stores are claimed together, and each is done by one worker alone."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert

from app.db import Database, lease_now
from app.models import Chore, Store
from app.runtime import Runtime
from app.stores import chores
from app.stores.chores import Held
from connectors.channels.local import LocalChannel
from jobs import upkeep
from jobs.kit import Kit
from tests.conftest import NOW
from tests.seeds import new_store

STORES, LATER = 6, NOW + timedelta(days=1)


@pytest.fixture
def kit(runtime: Runtime, database: Database) -> Kit:
    """A worker's pieces; some stores have one chore that is due."""
    found = Kit.build(runtime, LocalChannel(None))
    for number in range(STORES):
        store_id = new_store(database, f"shop{number}")
        row = {"store_id": store_id, "name": chores.FIGURES, "next_at": NOW, "notes": {}, "attempts": 0}
        with database.of_store(store_id).write() as session:
            session.execute(insert(Chore), row)
    return found


def _work(
    database: Database, seen: list[int], meanwhile: Callable[[Sequence[int]], None] = lambda _seen: None
) -> upkeep.Work:
    def work(_kit: Kit, held: Held, store: Store, now: datetime) -> int:
        seen.append(store.id)
        meanwhile(seen)
        with database.of_store(store.id).write() as session:
            return int(chores.finish(session, held, now=now, next_at=LATER))

    return work


def test_every_store_has_its_turn_once(kit: Kit, database: Database) -> None:
    seen: list[int] = []

    done = upkeep.run(kit, chores.FIGURES, NOW, _work(database, seen))
    again = upkeep.run(kit, chores.FIGURES, NOW, _work(database, seen))

    assert (done, again) == (STORES, 0)
    assert sorted(set(seen)) == sorted(seen)
    assert len(seen) == STORES


def test_what_another_worker_holds_is_left_to_it(kit: Kit, database: Database) -> None:
    seen: list[int] = []

    def other(known: Sequence[int]) -> None:
        if len(known) == 1:
            upkeep.run(kit, chores.FIGURES, NOW, _work(database, seen))

    done = upkeep.run(kit, chores.FIGURES, NOW, _work(database, seen, other))

    assert sorted(seen) == sorted(set(seen))
    assert (len(seen), done) == (STORES, upkeep._AT_ONCE)


def test_who_waited_long_for_a_slow_neighbour_is_held_anew(kit: Kit, database: Database) -> None:
    seen: list[int] = []
    elapsed = [0.0]

    def slow(known: Sequence[int]) -> None:
        elapsed[0] += 1000.0
        if len(known) == 1:
            _lose_the_second(database, known[0])

    slowly = replace(kit, stopwatch=lambda: elapsed[0])
    done = upkeep.run(slowly, chores.FIGURES, NOW, _work(database, seen, slow))

    # The one that another took meanwhile is not done by us, too.
    assert (done, len(seen)) == (STORES - 1, STORES - 1)


def _lose_the_second(database: Database, first: int) -> None:
    """Another worker takes the next store's chore, whose lease has ended by now."""
    with database.over_all_stores().write() as session:
        until = lease_now(session) + chores.LEASE
        values = {Chore.lease_token: "another", Chore.lease_until: until}
        session.query(Chore).filter(Chore.store_id == first + 1).update(values)  # type: ignore[arg-type]
