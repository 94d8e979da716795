"""The outbox's tick: each answer of a provider, lost answers, and what comes between queueing and sending."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from app.db import table_of
from app.messaging import outbox, receipts
from app.messaging.outbox import NewMessage
from app.models import ConsentState, Customer, CustomerEvent, Decision, Message, MessageAttempt
from app.runtime import Runtime
from connectors.base import Outcome, SendResult
from jobs import doubts
from jobs import outbox as sending
from jobs.kit import Kit
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import ACCEPTED, Post, Shop, open_shop

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
UNKNOWN = SendResult(Outcome.UNKNOWN, error="the line went dead")
NOT_SENT = SendResult(Outcome.RETRY)


def run(kit: Kit, now: datetime) -> None:
    """One round of sending, after what was in doubt before it."""
    doubts.run(kit, now)
    sending.run(kit, now)


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that may send."""
    return open_shop(runtime)


def sent_events(shop: Shop) -> list[str]:
    """The subjects of the timeline's `message.sent`."""
    rows = seeds.rows_of(shop.database, CustomerEvent, "type", "subject")
    return [subject for kind, subject in rows if kind == "message.sent"]


def attempts(shop: Shop) -> list[tuple[object, ...]]:
    """When each attempt ended, and how."""
    return seeds.rows_of(shop.database, MessageAttempt, "ended_at", "outcome", "error")


def test_an_accepted_message_is_sent_once_and_stands_in_the_timeline(shop: Shop) -> None:
    message_id, post = shop.add_message(), Post()

    run(shop.kit(post), NOW)
    run(shop.kit(post), NOW + MINUTE)

    row = shop.message(message_id)
    assert post.sent_ids == [message_id]
    assert (row.status, row.sent_at, row.provider_message_id) == ("sent", NOW, "provider-1")
    assert (row.lease_token, row.lease_until) == (None, None)
    assert attempts(shop) == [(NOW, "accepted", None)]
    assert sent_events(shop) == [f"message:{message_id}"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_was_sent_is_kept_with_its_decision(shop: Shop) -> None:
    message_id, post = shop.add_message(), Post()

    run(shop.kit(post), NOW)

    row = shop.message(message_id)
    assert (row.to_address, row.subject) == (post.sent[0].to_address, post.sent[0].subject)
    assert row.content is not None
    assert seeds.rows_of(shop.database, Decision, "message_id", "verdict", "reason") == [
        (message_id, "pass", None)
    ]


def test_a_message_that_is_to_be_tried_again_is_queued_for_later(shop: Shop) -> None:
    message_id, post = shop.add_message(), Post(SendResult(Outcome.RETRY, error="slow down"))

    run(shop.kit(post), NOW)

    row = shop.message(message_id)
    assert (row.status, row.reason, row.sent_at, row.lease_token) == ("queued", "pace", None, None)
    assert row.next_at == NOW + timedelta(seconds=30)
    assert attempts(shop) == [(NOW, "retry", "slow down")]
    assert sent_events(shop) == []


def test_the_pauses_between_tries_grow_and_the_message_leaves_in_the_end(shop: Shop) -> None:
    message_id, post = shop.add_message(), Post(SendResult(Outcome.RETRY))
    pauses, moment = [], NOW

    for _ in range(3):
        run(shop.kit(post), moment)
        pauses.append((shop.message(message_id).next_at - moment).total_seconds())
        moment = shop.message(message_id).next_at
    run(shop.kit(Post()), moment)

    assert pauses == [30, 60, 120]
    assert (shop.message(message_id).status, shop.message(message_id).attempts) == ("sent", 4)


def test_a_provider_that_names_a_longer_pause_gets_it(shop: Shop) -> None:
    message_id = shop.add_message()

    run(shop.kit(Post(SendResult(Outcome.RETRY, retry_after_seconds=600))), NOW)

    assert shop.message(message_id).next_at == NOW + 10 * MINUTE


@pytest.mark.parametrize(("wait_seconds", "status"), [(4 * 3600, "failed"), (3599, "queued")])
@pytest.mark.parametrize("engine", ["sqlite"])
def test_an_address_that_is_out_of_reach_for_hours_is_tried_three_times(
    shop: Shop, wait_seconds: int, status: str
) -> None:
    out_of_reach = SendResult(Outcome.RETRY, error="unreachable", retry_after_seconds=wait_seconds)
    message_id = shop.add_message(attempts=1)

    run(shop.kit(Post(out_of_reach)), NOW)
    second = shop.message(message_id).status
    with shop.database.write() as session:
        session.execute(update(table_of(Message)).values(next_at=NOW))
    run(shop.kit(Post(out_of_reach)), NOW)

    assert (second, shop.message(message_id).status) == ("queued", status)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_refused_message_fails_for_good(shop: Shop) -> None:
    message_id, post = shop.add_message(), Post(SendResult(Outcome.FAILED, error="no such mailbox"))

    run(shop.kit(post), NOW)
    run(shop.kit(post), NOW + HOUR)

    row = shop.message(message_id)
    assert post.sent_ids == [message_id]
    assert (row.status, row.reason, row.sent_at) == ("failed", "refused", None)
    assert attempts(shop) == [(NOW, "failed", "no such mailbox")]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_paused_sender_puts_the_message_off_by_an_hour(shop: Shop) -> None:
    message_id = shop.add_message()

    run(shop.kit(Post(SendResult(Outcome.PAUSE_SENDER))), NOW)

    row = shop.message(message_id)
    assert (row.status, row.reason, row.sent_at) == ("queued", "sender-paused", None)
    assert row.next_at == NOW + HOUR


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_was_not_sent_leaves_the_day_free_for_another_message(shop: Shop) -> None:
    who = shop.add_subscriber()
    shop.add_message(who)
    run(shop.kit(Post(SendResult(Outcome.FAILED))), NOW)
    other, post = shop.add_message(who), Post()

    run(shop.kit(post), NOW + MINUTE)

    assert post.sent_ids == [other]


def test_a_message_without_an_answer_is_unknown_and_takes_its_place_in_the_day(shop: Shop) -> None:
    who = shop.add_subscriber()
    message_id = shop.add_message(who)
    run(shop.kit(Post(UNKNOWN)), NOW)
    other, post = shop.add_message(who), Post()

    run(shop.kit(post), NOW + MINUTE)

    row = shop.message(message_id)
    assert (row.status, row.unknown_since, row.sent_at) == ("unknown", NOW, NOW)
    assert attempts(shop) == [(NOW, "unknown", "the line went dead")]
    assert (post.sent, shop.message(other).reason) == ([], "capped")


def test_the_provider_says_that_an_unknown_message_left(shop: Shop) -> None:
    message_id = shop.add_message()
    run(shop.kit(Post(UNKNOWN)), NOW)
    post = Post(known=replace(ACCEPTED, provider_message_id="provider-2"))

    run(shop.kit(post), NOW + MINUTE)

    row = shop.message(message_id)
    assert (post.asked, post.sent) == ([str(message_id)], [])
    assert (row.status, row.unknown_since, row.sent_at) == ("sent", None, NOW)
    assert row.provider_message_id == "provider-2"
    assert attempts(shop) == [(NOW, "arrived", "the line went dead")]
    assert sent_events(shop) == [f"message:{message_id}"]


def test_the_provider_says_that_an_unknown_message_never_came(shop: Shop) -> None:
    message_id = shop.add_message()
    run(shop.kit(Post(UNKNOWN)), NOW)
    post = Post(known=NOT_SENT)

    run(shop.kit(post), NOW + MINUTE)
    run(shop.kit(post), NOW + MINUTE)

    row = shop.message(message_id)
    assert (row.status, row.unknown_since, row.sent_at) == ("sent", None, NOW + MINUTE)
    assert post.sent_ids == [message_id]
    assert attempts(shop) == [
        (NOW, "lost", "the line went dead"),
        (NOW + MINUTE, "accepted", None),
    ]
    assert sent_events(shop) == [f"message:{message_id}"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_message_of_which_the_provider_cannot_speak_stays_unknown(shop: Shop) -> None:
    message_id, post = shop.add_message(), Post(UNKNOWN)

    run(shop.kit(post), NOW)
    run(shop.kit(post), NOW + MINUTE)

    assert post.sent_ids == [message_id]
    assert (shop.message(message_id).status, shop.message(message_id).unknown_since) == ("unknown", NOW)


def test_a_key_that_is_queued_twice_is_one_message(shop: Shop) -> None:
    new = NewMessage(
        store_id=shop.id,
        customer_id=shop.add_subscriber(),
        enrollment_id=1,
        flow_key="welcome",
        version_id=1,
        step="W2",
        occurrence="consent",
        channel="email",
        purpose="marketing",
        priority=3,
        due_at=NOW,
        expires_at=NOW + HOUR,
        context={"content": "welcome/W2", "only_if": []},
    )
    with shop.database.write() as session:
        outbox.enqueue(session, [new, new], NOW)
    run(shop.kit(Post()), NOW)

    with shop.database.write() as session:
        outbox.enqueue(session, [new._replace(due_at=NOW + MINUTE)], NOW + MINUTE)

    assert seeds.rows_of(shop.database, Message, "key", "status", "due_at") == [(new.key, "sent", NOW)]


def test_who_unsubscribes_before_the_claim_gets_nothing(shop: Shop) -> None:
    message_id, post = shop.add_message(), Post()
    with shop.database.write() as session:
        receipts.record_unsubscribe(
            session,
            shop.runtime.signer,
            store_id=shop.id,
            message_id=message_id,
            occurred_at=NOW + MINUTE,
            source="unsubscribe-link",
        )

    run(shop.kit(post), NOW + MINUTE)

    row = shop.message(message_id)
    assert post.sent == []
    assert (row.status, row.reason, row.content) == ("stopped", "suppressed", None)


@pytest.mark.parametrize(
    ("reason", "later", "is_own", "status"),
    [
        ("unsubscribe", MINUTE, True, "sent"),
        ("stop", MINUTE, True, "sent"),
        ("unsubscribe", MINUTE, False, "stopped"),
        ("unsubscribe", -MINUTE, True, "stopped"),
        ("bounce", MINUTE, True, "stopped"),
        ("complaint", MINUTE, True, "stopped"),
        ("provider", MINUTE, True, "stopped"),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"])
def test_who_refused_and_agreed_again_later_is_written_to(
    shop: Shop, reason: str, later: timedelta, is_own: bool, status: str
) -> None:
    message_id = shop.add_message()
    with shop.database.write() as session:
        session.execute(update(table_of(ConsentState)).values(is_own=is_own))
        customer = session.get_one(Customer, shop.message(message_id).customer_id)
        receipts.suppress(
            session,
            shop.runtime.signer,
            shop.id,
            channel="email",
            address=customer.email or "",
            reason=reason,
            now=NOW - later,
        )

    run(shop.kit(Post()), NOW)

    assert shop.message(message_id).status == status


def test_a_message_that_is_past_its_end_expires_unsent(shop: Shop) -> None:
    message_id, post = shop.add_message(expires_at=NOW + MINUTE), Post()

    run(shop.kit(post), NOW + MINUTE)

    assert post.sent == []
    assert (shop.message(message_id).status, shop.message(message_id).reason) == ("expired", "expired")


def test_the_better_of_two_messages_leaves_and_the_other_waits_a_day(shop: Shop) -> None:
    who = shop.add_subscriber()
    lesser, better = shop.add_message(who, priority=5), shop.add_message(who, priority=1)
    post = Post()

    run(shop.kit(post), NOW)

    row = shop.message(lesser)
    assert post.sent_ids == [better]
    assert (row.status, row.reason, row.next_at) == ("queued", "lost-to-better", NOW + timedelta(days=1))
