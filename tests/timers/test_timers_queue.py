from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from app import timers
from app.db import Database
from app.models import Timer, TimerCursor
from app.timers import NewTimer
from tests.conftest import NOW
from tests.seeds import rows_of, values_of

MINUTE = timedelta(minutes=1)
KIND = "enrollment"


def test_what_is_due_is_taken_once_in_the_order_of_its_moments(database: Database) -> None:
    _set(database, NewTimer(1, NOW, KIND, 3), NewTimer(1, NOW - MINUTE, KIND, 2), NewTimer(1, NOW, KIND, 1))

    taken = [_take(database, 1), _take(database, 1)]

    assert taken == [[2, 1, 3], []]


def test_what_is_not_due_waits(database: Database) -> None:
    _set(database, NewTimer(1, NOW + timedelta(microseconds=1), KIND, 1), NewTimer(1, NOW, KIND, 2))

    assert _take(database, 1) == [2]
    assert values_of(database, Timer, "subject_id") == [1]


def test_a_kind_and_a_store_are_taken_alone(database: Database) -> None:
    _set(
        database, NewTimer(1, NOW, KIND, 1), NewTimer(1, NOW, "look-up.orders", 2), NewTimer(2, NOW, KIND, 3)
    )

    assert _take(database, 1) == [1]
    assert values_of(database, Timer, "subject_id") == [2, 3]


def test_a_limit_takes_the_earliest(database: Database) -> None:
    _set(database, *(NewTimer(1, NOW - n * MINUTE, KIND, n) for n in range(5)))

    assert _take(database, 1, limit=2) == [4, 3]


def test_a_timer_set_twice_rings_once(database: Database) -> None:
    _set(database, NewTimer(1, NOW, KIND, 1, turn=2))
    _set(database, NewTimer(1, NOW, KIND, 1, turn=2))

    assert _take(database, 1) == [1]


def test_a_timer_is_back_when_its_taker_fails(database: Database) -> None:
    _set(database, NewTimer(1, NOW, KIND, 1))

    with pytest.raises(ZeroDivisionError):
        _take_and_fail(database)

    assert _take(database, 1) == [1]


def test_the_store_that_waits_longest_comes_first(database: Database) -> None:
    _set(
        database,
        NewTimer(1, NOW - MINUTE, KIND, 1),
        NewTimer(2, NOW - 3 * MINUTE, KIND, 1),
        NewTimer(3, NOW + MINUTE, KIND, 1),
    )

    with database.read() as session:
        found = [timers.due_stores(session, NOW, most, kinds=(KIND,)) for most in (10, 1)]

    assert found == [[2, 1], [2]]


def test_an_earlier_timer_brings_the_cursor_forward_and_a_later_one_does_not(database: Database) -> None:
    _set(database, NewTimer(1, NOW, KIND, 1))

    _set(database, NewTimer(1, NOW + MINUTE, KIND, 2))
    after_later = values_of(database, TimerCursor, "next_due_at")
    _set(database, NewTimer(1, NOW - MINUTE, KIND, 3))

    assert after_later == [NOW]
    assert values_of(database, TimerCursor, "next_due_at") == [NOW - MINUTE]


def test_a_settled_cursor_stands_at_the_next_timer_or_is_gone(database: Database) -> None:
    _set(database, NewTimer(1, NOW, KIND, 1), NewTimer(1, NOW + MINUTE, KIND, 2), NewTimer(2, NOW, KIND, 3))
    _take(database, 1)
    _take(database, 2)

    with database.write() as session:
        timers.settle_cursor(session, 1)
        timers.settle_cursor(session, 2)
        next_due = timers.next_due(session)

    assert rows_of(database, TimerCursor) == [(1, NOW + MINUTE)]
    assert next_due == NOW + MINUTE


def test_peeking_takes_nothing_and_sees_due_stores_only(database: Database) -> None:
    _set(database, NewTimer(1, NOW, "a", 1), NewTimer(1, NOW + MINUTE, "a", 2), NewTimer(2, NOW, "b", 3))

    with database.read() as session:
        found = [timers.peek_due(session, NOW, kinds, 10) for kinds in (("a", "b"), ("b",), ("c",))]

    assert [[row.subject_id for row in rows] for rows in found] == [[1, 3], [3], []]
    assert len(values_of(database, Timer, "subject_id")) == 3


def test_stores_that_wait_for_something_else_hide_nobody(database: Database) -> None:
    _set(database, *(NewTimer(store, NOW - MINUTE, "other", 1) for store in range(1, 6)))
    _set(database, NewTimer(9, NOW, KIND, 7))

    with database.read() as session:
        stores = timers.due_stores(session, NOW, 2, kinds=(KIND,))
        rows = timers.peek_due(session, NOW, (KIND,), 2)

    assert (stores, [row.subject_id for row in rows]) == ([9], [7])


def test_what_is_put_off_takes_its_stores_cursor_along(database: Database) -> None:
    _set(database, NewTimer(1, NOW, KIND, 1))

    with database.write() as session:
        (row,) = timers.peek_due(session, NOW, (KIND,), 10)
        timers.put_off(session, row, NOW + MINUTE)

    assert rows_of(database, TimerCursor) == [(1, NOW + MINUTE)]


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_timer_that_is_just_being_set_is_not_settled_away(database: Database) -> None:
    _set(database, NewTimer(1, NOW, KIND, 1), NewTimer(1, NOW + 5 * MINUTE, KIND, 2))

    with ThreadPoolExecutor(1) as pool:
        with database.write() as setting:
            timers.set_timers(setting, [NewTimer(1, NOW - MINUTE, KIND, 3)])
            settling = pool.submit(_take_and_settle, database)
            _wait_until_blocked(database)
        settling.result()

    assert rows_of(database, TimerCursor) == [(1, NOW - MINUTE)]


def _take_and_settle(database: Database) -> None:
    with database.write() as session:
        timers.take_due(session, 1, NOW, kind=KIND, limit=1)
        timers.settle_cursor(session, 1)


def _wait_until_blocked(database: Database) -> None:
    """Until some session of this database waits for a lock."""
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with database.read() as session:
        while not session.execute(waits).scalar_one():
            session.rollback()


def test_more_timers_than_one_statement_takes_are_dropped_whole(database: Database) -> None:
    _set(database, *(NewTimer(1, NOW, KIND, n) for n in range(450)))

    assert _take(database, 1, limit=450) == list(range(450))
    assert rows_of(database, Timer) == []


@pytest.mark.parametrize("engine", ["postgresql"])
def test_two_workers_take_different_timers(database: Database) -> None:
    _set(database, *(NewTimer(1, NOW, KIND, n) for n in range(4)))

    with database.write() as first, database.write() as second:
        ours = timers.take_due(first, 1, NOW, kind=KIND, limit=2)
        theirs = timers.take_due(second, 1, NOW, kind=KIND, limit=10)

    assert [[row.subject_id for row in rows] for rows in (ours, theirs)] == [[0, 1], [2, 3]]


def _set(database: Database, *new: NewTimer) -> None:
    with database.write() as session:
        timers.set_timers(session, new)


def _take_and_fail(database: Database) -> None:
    with database.write() as session:
        timers.take_due(session, 1, NOW, kind=KIND, limit=10)
        raise ZeroDivisionError


def _take(database: Database, store_id: int, limit: int = 10) -> list[int]:
    with database.write() as session:
        return [row.subject_id for row in timers.take_due(session, store_id, NOW, kind=KIND, limit=limit)]
