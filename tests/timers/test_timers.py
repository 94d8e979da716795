"""The timer table: whole keys, turns, what a failed transaction gives back, and fairness over many stores."""

from datetime import datetime, timedelta

import pytest

from app import timers
from app.db import Database
from app.models import Timer, TimerCursor
from app.timers import NewTimer
from tests import seeds
from tests.conftest import NOW

MINUTE = timedelta(minutes=1)
SHOP, OTHER, THIRD = 1, 2, 3


def step(subject_id: int, due_at: datetime = NOW, store_id: int = SHOP, *, turn: int = 0) -> NewTimer:
    return NewTimer(store_id, due_at, "step", subject_id, turn)


def set_all(database: Database, *new: NewTimer) -> None:
    with database.write() as session:
        timers.set_timers(session, new)


def take(database: Database, now: datetime = NOW, kind: str = "step", limit: int = 100) -> list[int]:
    """The subjects of what is due, in the order in which it is handed out."""
    with database.write() as session:
        return [row.subject_id for row in timers.take_due(session, SHOP, now, kind=kind, limit=limit)]


def due_stores(database: Database, now: datetime = NOW, limit: int = 100) -> list[int]:
    with database.read() as session:
        return timers.due_stores(session, now, limit, kinds=("step",))


def take_and_die(database: Database) -> None:
    with database.write() as session:
        timers.take_due(session, SHOP, NOW, kind="step", limit=10)
        timers.settle_cursor(session, SHOP)
        raise RuntimeError("died")


def waiting(database: Database) -> list[int]:
    return seeds.values_of(database, Timer, "subject_id")


def cursors(database: Database) -> list[tuple[int, datetime]]:
    return seeds.rows_of(database, TimerCursor)


def test_the_same_timer_set_twice_is_one_and_keeps_its_turn(database: Database) -> None:
    set_all(database, step(7, turn=1))
    set_all(database, step(7, turn=2))

    with database.write() as session:
        taken = timers.take_due(session, SHOP, NOW, kind="step", limit=10)

    assert [(row.subject_id, row.turn) for row in taken] == [(7, 1)]


def test_taking_in_a_transaction_that_fails_brings_them_back(database: Database) -> None:
    set_all(database, step(1), step(2))

    with pytest.raises(RuntimeError, match="died"):
        take_and_die(database)

    assert due_stores(database) == [SHOP]
    assert take(database) == [1, 2]


def test_peeking_takes_nothing_and_sees_all_stores(database: Database) -> None:
    set_all(database, step(2), step(1, NOW - MINUTE, OTHER), step(3, NOW + MINUTE))

    with database.read() as session:
        seen = timers.peek_due(session, NOW, ("step",), 10)

    assert [(row.store_id, row.subject_id) for row in seen] == [(OTHER, 1), (SHOP, 2)]
    assert waiting(database) == [2, 3, 1]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_peeking_sees_the_kinds_that_are_named_up_to_the_limit(database: Database) -> None:
    set_all(database, step(1), NewTimer(SHOP, NOW, "other", 2), NewTimer(SHOP, NOW, "third", 3))

    with database.read() as session:
        both = timers.peek_due(session, NOW, ("step", "third"), 10)
        one = timers.peek_due(session, NOW, ("step", "third"), 1)

    assert [row.subject_id for row in both] == [1, 3]
    assert [row.subject_id for row in one] == [1]


def test_dropping_removes_the_very_timer_only(database: Database) -> None:
    set_all(database, step(1), step(1, NOW + MINUTE), step(1, store_id=OTHER))
    with database.read() as session:
        (mine, _) = timers.peek_due(session, NOW, ("step",), 10)

    with database.write() as session:
        timers.drop(session, [mine])

    assert seeds.rows_of(database, Timer, "store_id", "due_at") == [(SHOP, NOW + MINUTE), (OTHER, NOW)]


def test_the_store_that_waits_longest_comes_first(database: Database) -> None:
    set_all(database, step(1), step(2, NOW - MINUTE, OTHER), step(3, NOW + MINUTE, THIRD))

    assert due_stores(database) == [OTHER, SHOP]
    assert due_stores(database, NOW + MINUTE) == [OTHER, SHOP, THIRD]
    assert due_stores(database, limit=1) == [OTHER]


def test_the_next_moment_is_the_earliest_of_all_stores(database: Database) -> None:
    with database.read() as session:
        nothing = timers.next_due(session)
    set_all(database, step(1, NOW + MINUTE), step(2, NOW, OTHER))

    with database.read() as session:
        assert (nothing, timers.next_due(session)) == (None, NOW)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_setting_nothing_changes_nothing(database: Database) -> None:
    set_all(database)

    assert (waiting(database), cursors(database)) == ([], [])
