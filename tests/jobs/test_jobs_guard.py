"""Work for many stores: some are worked on at once, and one that fails keeps no other from its turn."""

import threading

import pytest
from structlog.testing import capture_logs

from jobs.guard import each_store

STORES = (1, 2, 3)


def test_stores_are_worked_on_at_once_where_that_is_wanted() -> None:
    together = threading.Barrier(len(STORES), timeout=5)

    def _wait_for_the_others(store_id: int) -> int:
        together.wait()
        return store_id

    assert each_store(STORES, _wait_for_the_others, at_once=3) == 6


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_store_that_fails_is_told_of_after_the_others_had_their_turn(at_once: int) -> None:
    done: list[int] = []

    def _fail_for_the_first(store_id: int) -> int:
        if store_id == 1:
            raise ValueError("store 1")
        done.append(store_id)
        return 1

    with capture_logs() as logged, pytest.raises(ValueError, match="store 1"):
        each_store(STORES, _fail_for_the_first, at_once=at_once)

    assert sorted(done) == [2, 3]
    assert [(line["event"], line["store"]) for line in logged] == [("store failed", 1)]


def test_the_failure_that_is_told_names_the_first_stores_that_failed() -> None:
    def _fail(store_id: int) -> int:
        raise ValueError(f"store {store_id}")

    with pytest.raises(ValueError, match="store 1") as raised:
        each_store(range(1, 26), _fail)

    (note,) = raised.value.__notes__
    assert note.startswith("stores that failed: 1, 2, 3,")
    assert note.endswith("19, 20 and 5 others")
