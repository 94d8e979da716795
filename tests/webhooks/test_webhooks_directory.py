"""Deliveries that come together ask for their store once, and none goes by what was two seconds ago."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from app.errors import Busy
from app.models import Store
from app.runtime import Runtime
from app.stores.platforms import SHOPIFY
from tests.webhooks.webhooks_shops import connect_shopify
from webhooks.directory import Directory

TOGETHER = 8


@dataclass
class Slow:
    """A directory whose questions wait at the database's door, under a stopwatch of the test's."""

    told: Directory
    key: tuple[str, str]
    seconds: float = 0.0
    asked: int = 0
    answer: Callable[[], None] = lambda: None
    has_come: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    may_go: threading.Event = field(default_factory=threading.Event)

    def crowd(self, count: int) -> "list[Store | Busy | None]":
        """So many get the store at once, of whom one is at the door by now; then the door opens."""
        with ThreadPoolExecutor(count) as threads:
            first = threads.submit(self._get)
            self.has_come.acquire()
            rest = [threads.submit(self._get) for _ in range(count - 1)]
            self.may_go.set()
            return [one.result() for one in (first, *rest)]

    def _get(self) -> "Store | Busy | None":
        try:
            return self.told.get(self.key)
        except Busy as busy:
            return busy


@pytest.fixture
def slow(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    told = Directory(runtime, lambda: made.seconds)
    made = Slow(told, (SHOPIFY, connect_shopify(runtime).domain))
    look_up = told._look_up

    def wait(kind: str, name: str) -> Store | None:
        made.asked += 1
        made.has_come.release()
        made.may_go.wait()
        made.answer()
        return look_up(kind, name)

    monkeypatch.setattr(told, "_look_up", wait)
    yield made
    made.may_go.set()


def test_of_a_crowd_one_asks(slow: Slow) -> None:
    found = slow.crowd(TOGETHER)

    assert [store.domain for store in found if isinstance(store, Store)] == [slow.key[1]] * TOGETHER
    assert slow.asked == 1


def test_while_one_asks_anew_the_others_go_by_what_is_known(slow: Slow) -> None:
    slow.may_go.set()
    known = slow.told.get(slow.key)
    slow.may_go.clear()
    slow.seconds = 1.6
    is_remembered = [slow.told.remembers(slow.key)]

    with ThreadPoolExecutor(1) as threads:
        slow.has_come.acquire()
        renewing = threads.submit(slow.told.get, slow.key)
        slow.has_come.acquire()
        is_remembered.append(slow.told.remembers(slow.key))
        meanwhile = slow.told.get(slow.key)
        slow.may_go.set()
        renewed = renewing.result()

    assert is_remembered == [False, True]
    assert meanwhile is known
    assert slow.told.get(slow.key) is renewed is not known
    assert slow.asked == 2


def test_after_two_seconds_nobody_goes_by_what_was_known(slow: Slow) -> None:
    slow.may_go.set()
    known = slow.told.get(slow.key)
    slow.has_come.acquire()
    slow.may_go.clear()
    slow.seconds = 2.0

    assert not slow.told.remembers(slow.key)
    assert known not in slow.crowd(2)


def test_where_the_one_that_asks_fails_each_asks_by_itself(slow: Slow) -> None:
    def refuse() -> None:
        raise Busy("the database cannot be read now")

    slow.answer = refuse

    assert [type(one) for one in slow.crowd(3)] == [Busy] * 3
    assert slow.asked == 3


def test_what_is_forgotten_while_somebody_asks_is_asked_for_anew(slow: Slow) -> None:
    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(slow.told.get, slow.key)
        slow.has_come.acquire()
        slow.told.forget(slow.key)
        slow.may_go.set()
        asking.result()

    assert not slow.told.remembers(slow.key)
    slow.told.get(slow.key)
    assert slow.asked == 2
