"""People leave or move while their mails leave: whoever had before a round began gets nothing of it."""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Condition

import pytest

from app.db import table_of
from app.messaging import receipts
from app.models import Customer
from app.runtime import Runtime
from connectors.base import OutgoingMessage
from jobs.outbox import run_store
from tests.bars.sizes import Note, asked
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, Shop, open_shop

pytestmark = pytest.mark.faults
PEOPLE, SHARE, WORKERS = asked(1000, full=2000, quick=100), 7, 2
LEAVING = PEOPLE // 2
CUSTOMERS = table_of(Customer)


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that may send."""
    return open_shop(runtime)


def test_who_unsubscribed_before_a_round_began_gets_nothing_of_it(shop: Shop, record_property: Note) -> None:
    messages = [shop.add_message() for _ in range(PEOPLE)]
    leaving = random.Random(1).sample(messages, LEAVING)
    race = Race(shop)

    race.run(leaving, race.unsubscribe)

    sent = sorted(int(one.message_id) for post in race.posts for one in post.sent)
    record_property("unsubscribed", len(race.changed))
    record_property("of them while mails still left", race.meanwhile)
    record_property("calls begun after the commit", len(race.too_late))
    record_property("mails that left twice", len(sent) - len(set(sent)))
    assert race.too_late == []
    assert len(sent) == len(set(sent))
    assert set(messages) - set(leaving) <= set(sent)
    assert 0 < len(sent) < PEOPLE


def test_who_moved_before_a_round_began_gets_nothing_of_it_at_the_old_address(
    shop: Shop, record_property: Note
) -> None:
    messages = [shop.add_message() for _ in range(PEOPLE)]
    moving = random.Random(2).sample(messages, LEAVING)
    race = Race(shop, is_gone=lambda sent: "moved" not in sent.to_address)

    race.run(moving, race.move)

    record_property("addresses changed", len(race.changed))
    record_property("of them while mails still left", race.meanwhile)
    record_property("calls begun after the commit", len(race.too_late))
    assert race.too_late == []
    assert set(messages) - set(moving) <= {int(one.message_id) for post in race.posts for one in post.sent}


class Race:
    """Two workers send while somebody changes the people behind some of the messages.

    Attributes:
        is_gone: whether a mail must not have left once its person was changed.
        changed: the messages whose people were changed so far, each after its commit.
        meanwhile: how many of them were when the last worker was done.
        too_late: mails of a round that had begun after that.
    """

    def __init__(self, shop: Shop, is_gone: Callable[[OutgoingMessage], bool] = lambda _: True) -> None:
        self._shop = shop
        self._is_gone = is_gone
        self._turn, self._begin = Condition(), Barrier(WORKERS + 1)
        self._is_over = False
        self.posts = [Post() for _ in range(WORKERS)]
        self.changed: set[int] = set()
        self.meanwhile = 0
        self.too_late: list[str] = []

    def run(self, messages: Sequence[int], change: Callable[[int], None]) -> None:
        """Let both go until there is nothing left to send and nobody to change."""
        with ThreadPoolExecutor(WORKERS + 1) as threads:
            done = [threads.submit(self._send, post) for post in self.posts]
            done.append(threads.submit(self._change, messages, change))
            for one in done:
                one.result()

    def unsubscribe(self, message_id: int) -> None:
        """Somebody says no by the button of a mail."""
        with self._shop.database.write() as session:
            receipts.record_unsubscribe(
                session,
                self._shop.runtime.signer,
                store_id=self._shop.id,
                message_id=message_id,
                occurred_at=NOW,
                source="one-click",
            )

    def move(self, message_id: int) -> None:
        """The shop tells of somebody's new address."""
        customer_id = self._shop.message(message_id).customer_id
        told = CUSTOMERS.update().where(CUSTOMERS.c.store_id == self._shop.id, CUSTOMERS.c.id == customer_id)
        with self._shop.database.write() as session:
            session.execute(told.values(email=f"moved{customer_id}@example.com"))

    def _send(self, post: Post) -> None:
        kit, sent = self._shop.kit(post), 0
        self._begin.wait()
        looked_at, known = 1, frozenset[int]()
        while looked_at:
            known = self._after_another(known)
            gone = {str(number) for number in known}
            looked_at, _ = run_store(kit, self._shop.id, NOW, SHARE)
            left = [one for one in post.sent[sent:] if one.message_id in gone and self._is_gone(one)]
            self.too_late += [one.message_id for one in left]
            sent = len(post.sent)
        self.meanwhile = len(self.changed)

    def _after_another(self, known: frozenset[int]) -> frozenset[int]:
        """Who was changed by now, once that is somebody more: on SQLite who writes may go on writing."""
        with self._turn:
            self._turn.wait_for(lambda: self._is_over or len(self.changed) > len(known))
            return frozenset(self.changed)

    def _change(self, messages: Sequence[int], change: Callable[[int], None]) -> None:
        self._begin.wait()
        try:
            for message_id in messages:
                change(message_id)
                with self._turn:
                    self.changed.add(message_id)
                    self._turn.notify_all()
        finally:
            with self._turn:
                self._is_over = True
                self._turn.notify_all()
