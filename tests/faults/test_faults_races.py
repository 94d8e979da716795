"""People leave while their mails do: whoever was out before a round began gets nothing of it."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

import pytest

from app.messaging import receipts
from app.runtime import Runtime
from jobs.outbox import run_store
from tests.bars.sizes import Note, asked
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, Shop, open_shop

pytestmark = pytest.mark.faults
PEOPLE, SHARE, WORKERS = asked(1000, full=2000, quick=100), 7, 2
LEAVING = PEOPLE // 2


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that may send."""
    return open_shop(runtime)


def test_who_unsubscribed_before_a_round_began_gets_nothing_of_it(shop: Shop, record_property: Note) -> None:
    messages = [shop.add_message() for _ in range(PEOPLE)]
    leaving = random.Random(1).sample(messages, LEAVING)
    left, lock, begin = set[int](), Lock(), Barrier(WORKERS + 1)
    too_late: list[int] = []
    posts = [Post() for _ in range(WORKERS)]

    def send(post: Post) -> None:
        kit, sent = shop.kit(post), 0
        begin.wait()
        looked_at = 1
        while looked_at:
            with lock:
                gone = frozenset(left)
            looked_at, _ = run_store(kit, shop.id, NOW, SHARE)
            too_late.extend(gone.intersection(post.sent_ids[sent:]))
            sent = len(post.sent)

    def leave(messages_of_them: Sequence[int]) -> None:
        begin.wait()
        for message_id in messages_of_them:
            with shop.database.write() as session:
                receipts.record_unsubscribe(
                    session,
                    shop.runtime.signer,
                    store_id=shop.id,
                    message_id=message_id,
                    occurred_at=NOW,
                    source="one-click",
                )
            with lock:
                left.add(message_id)

    with ThreadPoolExecutor(WORKERS + 1) as threads:
        done = [threads.submit(send, post) for post in posts]
        done.append(threads.submit(leave, leaving))
        for one in done:
            one.result()

    sent = sorted(message_id for post in posts for message_id in post.sent_ids)
    record_property("unsubscribed while their mails left", len(left))
    record_property("calls begun after the commit", len(too_late))
    record_property("mails that left twice", len(sent) - len(set(sent)))
    assert too_late == []
    assert len(sent) == len(set(sent))
    assert set(messages) - set(leaving) <= set(sent)
    assert 0 < len(sent) < PEOPLE
