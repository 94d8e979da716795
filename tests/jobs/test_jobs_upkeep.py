"""Chores of many stores: each is claimed when the one before is done, by the transaction that ends that."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from app.db import Database, table_of
from app.models import Chore, Store
from app.runtime import Runtime
from app.stores import chores
from app.stores.chores import Held
from jobs import upkeep
from jobs.kit import Kit
from tests import seeds
from tests.conftest import NOW
from tests.jobs.jobs_seed import kit_of

CHORES = table_of(Chore)
DAY = timedelta(days=1)
WORDS = ("one", "two", "three")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_end_of_a_store_and_the_claim_of_the_next_are_one_transaction(runtime: Runtime) -> None:
    stores = _shops(runtime.database)
    commits: list[object] = []
    event.listen(runtime.database.engine, "commit", commits.append)

    done = upkeep.run(kit_of(runtime), chores.FIGURES, NOW, _work())

    assert done == len(stores)
    assert len(commits) == len(stores) + 1
    assert _left(runtime.database) == [(store, NOW + DAY, None, 0) for store in stores]


def test_a_store_is_claimed_when_the_one_before_it_is_done(runtime: Runtime) -> None:
    _shops(runtime.database)
    held: list[int] = []

    upkeep.run(kit_of(runtime), chores.FIGURES, NOW, _work(lambda _: held.append(_held(runtime.database))))

    assert held == [1, 1, 1]


@pytest.mark.parametrize("in_ending", [False, True], ids=["in its work", "in its ending"])
def test_a_store_that_fails_is_put_off_and_the_others_go_on(runtime: Runtime, *, in_ending: bool) -> None:
    one, two, three = _shops(runtime.database)

    def fail(store_id: int) -> None:
        if store_id == two:
            raise ValueError("no such shop")

    work = _work(ending=fail) if in_ending else _work(fail)
    done = upkeep.run(kit_of(runtime), chores.FIGURES, NOW, work)

    assert done == 2
    assert _left(runtime.database) == [
        (one, NOW + DAY, None, 0),
        (two, NOW + timedelta(seconds=30), None, 1),
        (three, NOW + DAY, None, 0),
    ]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_store_that_another_worker_holds_is_left_to_it(runtime: Runtime, number: int) -> None:
    stores = _shops(runtime.database)
    with runtime.database.write() as session:
        theirs = chores.claim(session, chores.FIGURES, NOW, store_id=stores[number])
    assert theirs is not None

    done = upkeep.run(kit_of(runtime), chores.FIGURES, NOW, _work())

    assert done == 2
    assert [row[0] for row in _left(runtime.database) if row[2] == theirs.token] == [stores[number]]
    assert [row[1] for row in _left(runtime.database)].count(NOW + DAY) == 2


def test_what_an_ending_changes_of_its_store_is_kept(runtime: Runtime) -> None:
    """The next store's rows alone are seen from its claim on."""
    stores = _shops(runtime.database)

    def work(_kit: Kit, held: Held, _store: Store, now: datetime) -> upkeep.Ending:
        return partial(_place, held=held, now=now)

    upkeep.run(kit_of(runtime), chores.FIGURES, NOW, work)

    rows = seeds.rows_of(runtime.database, Chore, "store_id", "name", "position")
    assert [row for row in rows if row[2]] == [(store, chores.IDENTITY, f"of {store}") for store in stores]


def _place(session: Session, *, held: Held, now: datetime) -> int:
    other = session.get_one(Chore, (held.store_id, chores.IDENTITY))
    chores.finish(session, held, now=now, next_at=now + DAY)
    other.position = f"of {held.store_id}"
    return 1


def _nothing(_store_id: int) -> None:
    pass


def _work(during: Callable[[int], None] = _nothing, ending: Callable[[int], None] = _nothing) -> upkeep.Work:
    def end(session: Session, *, held: Held, now: datetime) -> int:
        is_kept = chores.finish(session, held, now=now, next_at=now + DAY)
        ending(held.store_id)
        return int(is_kept)

    def work(_kit: Kit, held: Held, _store: Store, now: datetime) -> upkeep.Ending:
        during(held.store_id)
        return partial(end, held=held, now=now)

    return work


def _shops(database: Database) -> list[int]:
    """Stores whose figures alone are due, the first one the longest."""
    stores = [seeds.new_store(database, word) for word in WORDS]
    with database.write() as session:
        for number, store_id in enumerate(stores):
            chores.plan(session, session.get_one(Store, store_id), NOW)
            first = NOW - timedelta(minutes=len(stores) - number)
            session.execute(update(CHORES).where(CHORES.c.store_id == store_id).values(next_at=first))
    return stores


def _held(database: Database) -> int:
    with database.read() as session:
        return len(session.execute(select(CHORES.c.name).where(CHORES.c.lease_token.is_not(None))).all())


def _left(database: Database) -> list[tuple[int, datetime, str | None, int]]:
    columns = [CHORES.c[name] for name in ("store_id", "next_at", "lease_token", "attempts")]
    with database.read() as session:
        rows = session.execute(select(*columns).where(CHORES.c.name == chores.FIGURES).order_by(columns[0]))
        return [(*row,) for row in rows]
