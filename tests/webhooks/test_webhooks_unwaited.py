"""Deliveries for which no thread waits: answered in order, in time, once, and by a server that ends, too."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue
from types import SimpleNamespace
from typing import Any, cast

import pytest
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel

from app.cli.dispatching import AnswerableRequest, Calls, Dispatcher, is_to_write
from app.config import Settings
from app.errors import Busy
from app.inbox import Kept
from app.models import Store
from app.runtime import Runtime
from connectors.base import Envelope
from tests.engines import SQLITE
from tests.webhooks.webhooks_inbox import Inbox
from tests.webhooks.webhooks_process import EMBEDDED, SETTINGS, Answer, Headers, Serving, pause, serving
from tests.webhooks.webhooks_raw import raw, statuses
from tests.webhooks.webhooks_shops import (
    Delivery,
    connect_shopify,
    new_order_of,
)
from webhooks import promises
from webhooks.answers import Answer as Said
from webhooks.deliveries import Deliveries
from webhooks.unwaited import UnwaitedDeliveries
from webhooks.writer import InboxWriter, Outcomes

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
only_embedded = pytest.mark.parametrize("engine", [SQLITE])


@pytest.fixture
def store(runtime: Runtime) -> Store:
    """A shop whose deliveries come."""
    return connect_shopify(runtime)


def _parts(delivery: Delivery) -> tuple[str, Headers, bytes]:
    return delivery.path, delivery.headers, delivery.body


def _entrance(url: str) -> Runtime:
    values: dict[str, Any] = {name.lower(): value for name, value in SETTINGS.items()}
    return Runtime.of_operator(Settings.model_validate({"database_url": url, **values}))


def _post_into(answers: "Queue[Answer]", served: Serving, delivery: Delivery) -> None:
    answers.put(served.post(*_parts(delivery)))


@only_embedded
def test_deliveries_sent_without_waiting_are_all_answered_in_their_order(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    served.post(*_parts(new_order_of(store, "first")))
    good = [new_order_of(store, f"{number:02}") for number in range(40)]
    forged = raw(new_order_of(store, "forged"), body=b'{"id": 1}')

    requests = [*map(raw, good[:20]), forged, *map(raw, good[20:])]
    answers = statuses(served.port, b"".join(requests), 41)

    assert answers == [200] * 20 + [401] + [200] * 20
    keys = [row.dedupe_key for row in Inbox(runtime, store).rows()]
    assert sorted(keys) == [*(f"{number:02}" for number in range(40)), "first"]


@only_embedded
def test_a_delivery_in_chunks_is_kept_as_one_of_a_known_length(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    served.post(*_parts(new_order_of(store, "first")))
    delivery = new_order_of(store, "in-chunks")
    lines = [f"POST {delivery.path} HTTP/1.1", "Host: shop.test", "Transfer-Encoding: chunked"]
    lines += [f"{name}: {value}" for name, value in delivery.headers]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(delivery.body), delivery.body)

    answers = statuses(served.port, head + chunked, 1)

    assert answers == [200]
    assert [row.dedupe_key for row in Inbox(runtime, store).rows()] == ["first", "in-chunks"]


@only_embedded
def test_a_server_that_is_ended_answers_what_it_took(database_url: str, tmp_path: Path) -> None:
    with serving(database_url, EMBEDDED, tmp_path) as served:
        runtime = _entrance(database_url)
        store = connect_shopify(runtime)
        before = served.post(*_parts(new_order_of(store, "before")))
        answers: Queue[Answer] = Queue()
        path = database_url.removeprefix("sqlite:///")

        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            during = new_order_of(store, "during")
            poster = threading.Thread(target=_post_into, args=(answers, served, during))
            poster.start()
            pause(0.5)
            served.process.terminate()
            pause(0.3)
            other.execute("ROLLBACK")
        poster.join(20)
        served.process.wait(20)

    assert [before.status, answers.get(timeout=0).status] == [200, 200]
    assert [row.dedupe_key for row in Inbox(runtime, store).rows()] == ["before", "during"]
    runtime.database.dispose()


def test_whom_nobody_tells_anything_hears_in_time_that_it_is_busy_and_hears_it_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(promises, "ANSWER_SECONDS", 0.05)
    inbox = _SilentInbox()
    deliveries = _unwaited(inbox)
    said: Queue[int] = Queue()

    for key in ("a", "b"):
        deliveries.keep([_kept(key)], lambda answers: said.put(answers[0].code))
    inbox.tells[1]([None])
    told, late = said.get(timeout=10), said.get(timeout=10)
    inbox.tells[0]([None])
    inbox.tells[1]([Busy("again")])

    assert (told, late) == (200, 503)
    assert said.empty()


def test_who_comes_after_one_that_was_given_up_is_given_up_in_time_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(promises, "ANSWER_SECONDS", 0.05)
    deliveries = _unwaited(_SilentInbox())
    said: Queue[Said] = Queue()

    codes = []
    for key in ("a", "b"):
        deliveries.keep([_kept(key)], lambda answers: said.put(answers[0]))
        codes.append(said.get(timeout=10).code)

    assert codes == [503, 503]


def test_the_loop_is_woken_once_for_all_that_was_ready_before_it_looked() -> None:
    pulls: list[None] = []
    call = Calls(lambda: pulls.append(None))

    call()
    call()
    before = len(pulls)
    call.heard()
    call()

    assert (before, len(pulls)) == (1, 2)


def test_a_loop_that_has_ended_is_woken_by_nobody() -> None:
    def _ended() -> None:
        raise OSError("the pipe is closed")

    Calls(_ended)()


@pytest.mark.parametrize(("unread", "queued"), [(0, 0), (64 * 1024, 0), (64 * 1024 + 1, 1)])
def test_who_leaves_its_answers_unread_is_answered_by_a_thread_and_not_by_the_loop(
    unread: int, queued: int
) -> None:
    dispatcher = Dispatcher(_believing(_SilentInbox()))

    dispatcher.add_task(_channel(_Trigger(), unread=unread))

    assert len(dispatcher.queue) == queued


def test_what_comes_while_the_loop_looks_again_is_kept_together_and_the_loop_says_its_answers() -> None:
    inbox, trigger = _SilentInbox(), _Trigger()
    dispatcher = Dispatcher(_believing(inbox))
    channels = [_channel(trigger) for _ in range(3)]

    dispatcher.add_task(channels[0])
    dispatcher.look()
    trigger.look()
    dispatcher.add_task(channels[1])
    dispatcher.add_task(channels[2])
    dispatcher.look()
    trigger.look()
    taken = len(inbox.tells)
    dispatcher.look()
    trigger.look()
    inbox.tells[0]([None, Busy("full"), None])
    told = [channel.requests[0].answer for channel in channels]
    trigger.look()

    assert (taken, len(inbox.tells)) == (0, 1)
    assert told == [None] * 3
    assert [channel.requests[0].answer.code for channel in channels] == [200, 503, 200]


def test_what_never_ceases_to_come_is_kept_all_the_same() -> None:
    inbox, trigger = _SilentInbox(), _Trigger()
    dispatcher = Dispatcher(_believing(inbox))

    for _ in range(64):
        dispatcher.add_task(_channel(trigger))
        dispatcher.look()
    trigger.look()

    assert len(inbox.tells) == 1


def test_what_comes_while_a_group_is_handed_over_is_of_the_next_one() -> None:
    inbox, trigger = _SilentInbox(), _Trigger()
    dispatcher = Dispatcher(_believing(inbox))

    dispatcher.add_task(_channel(trigger))
    dispatcher.look()
    dispatcher.look()
    inbox.meanwhile = lambda: dispatcher.add_task(_channel(trigger))
    trigger.look()
    calls = trigger.calls
    dispatcher.look()
    dispatcher.look()
    trigger.look()

    assert [calls, len(inbox.tells)] == [4, 2]


def test_answers_are_said_by_who_has_them_where_the_server_was_closed() -> None:
    inbox, trigger = _SilentInbox(), _Trigger()
    dispatcher = Dispatcher(_believing(inbox))
    channel = _channel(trigger)

    dispatcher.add_task(channel)
    dispatcher.look()
    dispatcher.look()
    trigger.look()
    trigger.is_closed = True
    inbox.tells[0]([None])

    assert channel.requests[0].answer.code == 200


def test_a_server_that_has_ended_says_what_its_loop_does_not_come_to() -> None:
    inbox, trigger = _SilentInbox(), _Trigger()
    dispatcher = Dispatcher(_believing(inbox))
    channels = [_channel(trigger) for _ in range(2)]

    dispatcher.add_task(channels[0])
    dispatcher.look()
    dispatcher.look()
    trigger.look()
    inbox.tells[0]([None])
    dispatcher.add_task(channels[1])
    dispatcher.shutdown(timeout=0)
    inbox.tells[1]([None])

    assert [channel.requests[0].answer.code for channel in channels] == [200, 200]


@pytest.mark.parametrize(
    ("unread", "is_held", "is_asked"), [(0, False, False), (1, False, True), (1, True, False)]
)
def test_the_loop_is_not_asked_to_write_while_a_thread_writes(
    unread: int, is_held: bool, is_asked: bool
) -> None:
    lock = threading.Lock()
    channel = SimpleNamespace(
        total_outbufs_len=unread, outbuf_lock=lock, will_close=False, close_when_flushed=False
    )
    if is_held:
        lock.acquire()

    assert is_to_write(cast(HTTPChannel, channel)) is is_asked
    assert lock.locked() is is_held


class _Trigger:
    """A loop's trigger: what is to be done is done when the loop looks."""

    def __init__(self) -> None:
        self._thunks: list[Callable[[], None]] = []
        self.calls = 0
        self.is_closed = False

    def pull_trigger(self, thunk: Callable[[], None] | None = None) -> None:
        """Remember what to do."""
        if self.is_closed:
            raise OSError("the pipe is closed")
        self.calls += 1
        self._thunks += [thunk] if thunk else []

    def look(self) -> None:
        """Do it."""
        thunks, self._thunks = self._thunks, []
        for thunk in thunks:
            thunk()


def _channel(trigger: _Trigger, *, unread: int = 0) -> Any:
    """A channel with a delivery."""
    request = AnswerableRequest(Adjustments())
    request.received(raw(Delivery("/webhooks/shopify", [], b"{}")))
    server = SimpleNamespace(trigger=trigger)
    return SimpleNamespace(requests=[request], total_outbufs_len=unread, server=server, service=lambda: None)


def _believing(inbox: "_SilentInbox") -> UnwaitedDeliveries:
    return UnwaitedDeliveries(cast(Deliveries, _Believing()), cast(InboxWriter, inbox))


class _Believing:
    """Takes whatever is posted for a delivery, without asking."""

    def is_quick(self, _posted: object) -> bool:
        """Always."""
        return True

    def check(self, _posted: object) -> Kept:
        """One that is to be kept."""
        return _kept("believed")


class _SilentInbox:
    """Takes deliveries and tells nobody what became of them."""

    def __init__(self) -> None:
        self.tells: list[Callable[[Outcomes], None]] = []
        self.meanwhile: Callable[[], None] | None = None

    def hand_over_all(self, _kept: Sequence[Kept], tell: Callable[[Outcomes], None]) -> None:
        """Take some."""
        self.tells.append(tell)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()


def _unwaited(inbox: _SilentInbox) -> UnwaitedDeliveries:
    return UnwaitedDeliveries(cast(Deliveries, SimpleNamespace()), cast(InboxWriter, inbox))


def _kept(key: str) -> Kept:
    return Kept(1, Envelope("shopify", "orders/create", "a.myshopify.com", key), b"{}", NOW)
