"""What providers say after they took a message: each event counts once, in whatever order they come."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from app.messaging import provider_events, reports
from app.models import (
    ConsentState,
    CustomerEvent,
    DeliveryEvent,
    MessageAttempt,
    Sender,
    SenderDay,
    Suppression,
)
from app.runtime import Runtime
from connectors.delivery import Advice, DeliveryKind, DeliveryUpdate
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Shop, open_shop

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
K = DeliveryKind
TO = "anna@example.com"


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that may send."""
    return open_shop(runtime)


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ((K.ACCEPTED,), "sent"),
        ((K.DEFERRED,), "sent"),
        ((K.BLOCKED,), "sent"),
        ((K.DELIVERED,), "delivered"),
        ((K.BOUNCED,), "bounced"),
        ((K.FAILED,), "failed"),
        ((K.DELIVERED, K.BOUNCED), "bounced"),
        ((K.ACCEPTED, K.DEFERRED, K.DELIVERED), "delivered"),
        ((K.ACCEPTED, K.BLOCKED, K.BOUNCED), "bounced"),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"])
def test_events_lead_to_the_same_status_in_every_order(
    shop: Shop, kinds: tuple[DeliveryKind, ...], status: str
) -> None:
    found = set()
    for order in permutations(kinds):
        message_id = _sent(shop)
        for kind in order:
            _tell(shop, _event(kind, message_id))
        found.add(shop.message(message_id).status)

    assert found == {status}


def test_an_event_that_is_told_twice_counts_once(shop: Shop) -> None:
    message_id = _sent(shop)
    events = [_event(K.DELIVERED, message_id), _event(K.BOUNCED, message_id)]

    news = [_tell(shop, *events), _tell(shop, *events), _tell(shop, *events, *events)]

    assert news == [2, 0, 0]
    assert seeds.rows_of(shop.database, SenderDay, "delivered", "bounced") == [(1, 1)]
    assert seeds.rows_of(shop.database, DeliveryEvent, "type", "is_entry") == [
        ("delivered", True),
        ("bounced", False),
    ]
    told = seeds.values_of(shop.database, CustomerEvent, "type")
    assert [kind for kind in told if kind.startswith("message.")] == ["message.bounced"]


@pytest.mark.parametrize("status", ["sending", "unknown", "queued"])
def test_an_event_proves_that_a_message_left_whose_answer_was_lost(shop: Shop, status: str) -> None:
    unknown_since = NOW if status == "unknown" else None
    message_id = _sent(shop, status=status, attempts=1, lease_token="worker", unknown_since=unknown_since)
    _attempt(shop, message_id)

    _tell(shop, _event(K.DELIVERED, message_id))

    row = shop.message(message_id)
    assert (row.status, row.unknown_since, row.lease_token) == ("delivered", None, None)
    assert seeds.rows_of(shop.database, MessageAttempt, "outcome") == [("arrived",)]
    told = seeds.values_of(shop.database, CustomerEvent, "type")
    assert [kind for kind in told if kind == "message.sent"] == ["message.sent"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_an_event_about_a_message_that_never_left_changes_nothing(shop: Shop) -> None:
    message_id = _sent(shop, status="queued", attempts=0)

    _tell(shop, _event(K.DELIVERED, message_id))

    assert shop.message(message_id).status == "queued"


@pytest.mark.parametrize("engine", ["sqlite"])
def test_an_event_about_another_stores_message_is_none_of_ours(shop: Shop) -> None:
    other = open_shop(shop.runtime, "altra")
    theirs = _sent(other)

    news = _tell(shop, _event(K.COMPLAINED, theirs))

    assert news == 0
    assert other.message(theirs).status == "sent"
    assert seeds.values_of(shop.database, DeliveryEvent, "id") == []
    assert seeds.values_of(shop.database, Suppression, "reason") == []


@pytest.mark.parametrize(
    ("event", "reason", "state"),
    [
        ({"kind": K.COMPLAINED}, "complaint", "unsubscribed"),
        ({"kind": K.UNSUBSCRIBED}, "unsubscribe", "unsubscribed"),
        ({"kind": K.BOUNCED, "advice": Advice.SUPPRESS}, "bounce", "subscribed"),
        ({"kind": K.FAILED, "advice": Advice.SUPPRESS}, "bounce", "subscribed"),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"])
def test_who_cannot_or_will_not_be_written_to_is_not_written_to(
    shop: Shop, event: dict[str, Any], reason: str, state: str
) -> None:
    message_id = _sent(shop)

    _tell(shop, _event(message_id=message_id, **event))

    assert seeds.rows_of(shop.database, Suppression, "channel", "reason") == [("email", reason)]
    assert seeds.rows_of(shop.database, ConsentState, "channel", "state") == [("email", state)]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_bounce_of_a_message_that_is_not_named_bars_the_address_all_the_same(shop: Shop) -> None:
    _tell(shop, _event(K.BOUNCED, None, advice=Advice.SUPPRESS, address=TO))

    assert seeds.values_of(shop.database, Suppression, "reason") == ["bounce"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_mailbox_that_turns_us_away_on_three_days_of_a_fortnight_is_left_alone(shop: Shop) -> None:
    customer = shop.add_subscriber()
    barred: list[int] = []
    for days in (16, 9, 9, 4, 1):
        message_id = _sent(shop, customer)
        at = NOW - days * DAY + len(barred) * MINUTE
        _tell(shop, _event(K.BLOCKED, message_id, advice=Advice.COUNT, at=at))
        barred.append(len(seeds.values_of(shop.database, Suppression, "reason")))

    assert barred == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_an_account_that_the_provider_stops_rests(shop: Shop) -> None:
    with shop.database.write() as session:
        session.add(Sender(store_id=shop.id, channel="email", account="mine"))

    _tell(shop, _event(K.ACCOUNT, None, advice=Advice.PAUSE_SENDER, reason="suspended"))

    paused = seeds.rows_of(shop.database, Sender, "pause", "paused_until")
    assert paused == [("the provider refuses the account: suspended", NOW + timedelta(hours=1))]


def _sent(shop: Shop, customer: int | None = None, **values: Any) -> int:
    fields = {"status": "sent", "sent_at": NOW - MINUTE, "attempts": 1, "to_address": TO} | values
    return shop.add_message(customer, key=f"k{len(shop.statuses())}", **fields)


def _attempt(shop: Shop, message_id: int) -> None:
    with shop.database.write() as session:
        session.add(MessageAttempt(store_id=shop.id, message_id=message_id, started_at=NOW))


def _event(
    kind: DeliveryKind, message_id: int | None, *, at: datetime = NOW, **values: Any
) -> DeliveryUpdate:
    key = f"{kind}:{message_id}:{at.isoformat()}"
    named = None if message_id is None else str(message_id)
    return DeliveryUpdate(kind=kind, occurred_at=at, key=key, message_id=named, **values)


def _tell(shop: Shop, *updates: DeliveryUpdate) -> int:
    with shop.database.write() as session:
        return _apply(shop, session, updates)


def _apply(shop: Shop, session: Any, updates: Sequence[DeliveryUpdate]) -> int:
    signer = shop.runtime.signer
    return provider_events.apply(session, signer, shop.id, "email", told=reports.of(updates), now=NOW)
