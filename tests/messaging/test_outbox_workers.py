"""Workers that die, sleep too long, or work at the same time: nobody is written to twice."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from threading import Barrier

import pytest
from sqlalchemy import update

from app.db import lease_now
from app.messaging import claim, send, settling
from app.messaging.claim import Claimed
from app.models import CustomerEvent, MessageAttempt, Store
from app.runtime import Runtime
from app.stores.accounts import NO_ACCOUNTS
from connectors.base import Outcome, SendResult
from jobs import doubts
from jobs.outbox import run, run_store
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import ACCEPTED, MESSAGES, Post, Shop, open_shop

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""Leases are measured by a clock of their own, which no test stops: on any day this one is over."""


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that may send."""
    return open_shop(runtime)


def claimed(shop: Shop) -> Claimed:
    """A worker's claim, committed; the worker does nothing more."""
    with shop.database.write() as session:
        store = session.get_one(Store, shop.id)
        return claim.claim(session, shop.kit(Post()).letters, store, accounts=NO_ACCOUNTS, now=NOW, limit=10)


def end_leases(shop: Shop) -> None:
    """Let every lease have run out."""
    with shop.database.write() as session:
        session.execute(update(MESSAGES).where(MESSAGES.c.store_id == shop.id).values(lease_until=LONG_AGO))


def record(shop: Shop, token: str, message_id: int, result: SendResult = ACCEPTED) -> None:
    """A worker writes down what it was told."""
    with shop.database.write() as session:
        send.record(session, shop.id, token, results=[(message_id, result)], now=NOW + MINUTE)


def sent_events(shop: Shop) -> list[str]:
    """The subjects of the timeline's `message.sent`."""
    rows = seeds.rows_of(shop.database, CustomerEvent, "type", "subject")
    return [subject for kind, subject in rows if kind == "message.sent"]


def test_a_message_whose_worker_died_while_sending_is_unknown_and_not_sent_again(shop: Shop) -> None:
    message_id, post = shop.add_message(), Post()
    claimed(shop)
    end_leases(shop)

    for minutes in range(3):
        doubts.run(shop.kit(post), NOW + minutes * MINUTE)
        run(shop.kit(post), NOW + minutes * MINUTE)

    row = shop.message(message_id)
    assert (row.status, row.unknown_since, row.sent_at, row.lease_token) == ("unknown", NOW, NOW, None)
    assert post.sent == []
    assert post.asked == [str(message_id)] * 2


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_worker_that_stood_still_after_its_claim_calls_nobody(shop: Shop) -> None:
    message_id, post = shop.add_message(), Post()
    seconds = chain([0.0], repeat(60.0))

    run_store(replace(shop.kit(post), stopwatch=lambda: next(seconds)), shop.id, NOW, 10)

    row = shop.message(message_id)
    assert (row.status, row.reason, post.sent) == ("queued", "pace", [])


def test_a_message_whose_worker_died_while_preparing_is_queued_and_sent(shop: Shop) -> None:
    message_id = shop.add_message(status="preparing", lease_token="lost", lease_until=LONG_AGO)
    post = Post()

    run(shop.kit(post), NOW)

    assert (shop.message(message_id).status, shop.message(message_id).lease_token) == ("sent", None)
    assert post.sent_ids == [message_id]


@pytest.mark.parametrize("status", ["sending", "preparing"])
def test_a_message_in_the_hands_of_a_worker_is_left_alone(shop: Shop, status: str) -> None:
    with shop.database.write() as session:
        # As the worker's own claim did: it wrote down when the machine started, too.
        far_away = lease_now(session) + HOUR
    message_id = shop.add_message(status=status, lease_token="theirs", lease_until=far_away)
    post = Post()

    run(shop.kit(post), NOW + MINUTE)

    row = shop.message(message_id)
    assert (row.status, row.lease_token, row.lease_until) == (status, "theirs", far_away)
    assert (post.sent, post.asked) == ([], [])


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.RETRY])
def test_a_worker_that_lost_its_lease_changes_no_message(shop: Shop, outcome: Outcome) -> None:
    message_id = shop.add_message()
    slow = claimed(shop)
    end_leases(shop)
    run(shop.kit(Post()), NOW)
    before = shop.message(message_id)

    record(shop, slow.token, message_id, SendResult(outcome))

    assert before.status == "unknown"
    assert shop.message(message_id) == before
    assert sent_events(shop) == []


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.RETRY])
def test_a_stale_worker_writes_nothing_over_the_one_that_followed(shop: Shop, outcome: Outcome) -> None:
    message_id = shop.add_message()
    slow = claimed(shop)
    end_leases(shop)
    run(shop.kit(Post()), NOW)
    with shop.database.write() as session:
        settling.settle(session, shop.message(message_id), SendResult(Outcome.RETRY), NOW)
    quick = claimed(shop)
    before = shop.message(message_id)

    record(shop, slow.token, message_id, SendResult(outcome))

    assert (before.status, before.lease_token) == ("sending", quick.token)
    assert shop.message(message_id) == before
    assert sent_events(shop) == []
    assert seeds.rows_of(shop.database, MessageAttempt, "ended_at", "outcome") == [
        (NOW, "lost"),
        (None, None),
    ]


def test_the_worker_that_followed_records_its_own_answer(shop: Shop) -> None:
    message_id = shop.add_message()
    quick = claimed(shop)
    record(shop, "somebody else's", message_id, SendResult(Outcome.FAILED))

    record(shop, quick.token, message_id)

    assert shop.message(message_id).status == "sent"
    assert sent_events(shop) == [f"message:{message_id}"]
    assert seeds.values_of(shop.database, MessageAttempt, "outcome") == ["accepted"]


def test_an_answer_ends_a_message_by_the_lease_alone_whoever_was_thought_to_hold_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = shop.add_message()
    claimed(shop)
    before = shop.message(message_id)
    monkeypatch.setattr("app.messaging.send._ours", lambda *_asked: {message_id: before})

    record(shop, "somebody else's", message_id, SendResult(Outcome.FAILED))

    assert shop.message(message_id) == before


def both(shop: Shop, post: Post, limit: int) -> None:
    """Two workers that start together, each claiming until it finds nothing more."""
    barrier = Barrier(2)

    def work() -> None:
        kit = shop.kit(post)
        barrier.wait()
        while run_store(kit, shop.id, NOW, limit)[0]:
            pass

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(work) for _ in range(2)]:
            done.result()


@pytest.mark.parametrize("limit", [1, 7])
def test_two_workers_send_each_message_once(shop: Shop, limit: int) -> None:
    expected, post = [shop.add_message() for _ in range(30)], Post()

    both(shop, post, limit)

    assert sorted(post.sent_ids) == expected
    assert shop.statuses() == ["sent"] * 30
    assert len(sent_events(shop)) == 30


@pytest.mark.parametrize("limit", [1, 7])
def test_two_workers_never_write_to_one_person_twice_a_day(shop: Shop, limit: int) -> None:
    people, post = [shop.add_subscriber() for _ in range(20)], Post()
    for who in people:
        shop.add_message(who)
        shop.add_message(who)

    both(shop, post, limit)

    to = Counter(message.to_address for message in post.sent)
    assert len(to) == len(people)
    assert set(to.values()) == {1}
    assert Counter(shop.statuses()) == {"sent": 20, "queued": 20}
