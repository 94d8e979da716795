"""Several calls at a time, with an end by the clock."""

import threading
from itertools import count

from connectors.fanout import Crew


def test_answers_come_in_the_order_of_the_items() -> None:
    together = threading.Barrier(3)

    def call(item: int) -> int:
        together.wait(5)
        return item * 10

    assert Crew(3, 25).each(call, [1, 2, 3, 4, 5, 6]) == [10, 20, 30, 40, 50, 60]


def test_no_call_is_begun_after_the_end() -> None:
    looks = count()
    crew = Crew(1, 3, clock=lambda: float(next(looks)))

    assert crew.each(str, [1, 2, 3, 4]) == ["1", "2", None, None]


def test_nothing_is_called_for_nothing() -> None:
    assert Crew(4, 25).each(str, []) == []


def test_no_call_is_begun_once_the_process_is_asked_to_end() -> None:
    called: list[int] = []
    crew = Crew(1, 25, is_stopping=lambda: len(called) == 2)

    crew.each(called.append, [1, 2, 3, 4])

    assert called == [1, 2]
