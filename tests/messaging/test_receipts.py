"""What comes back after a message left: clicks of people and of scanners, unsubscribes."""

from datetime import timedelta
from typing import Any

import pytest

from app.messaging import receipts
from app.models import ConsentState, CustomerEvent, DeliveryEvent, Message, Suppression
from app.runtime import Runtime
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Shop, open_shop

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])

MINUTE = timedelta(minutes=1)
LINK = "https://bottega.example/p/moka"


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that may send."""
    return open_shop(runtime)


def test_a_click_reaches_the_message_and_the_timeline_once(shop: Shop) -> None:
    message_id = shop.add_message(status="sent", sent_at=NOW)

    for _ in range(2):
        _click(shop, message_id)

    assert shop.message(message_id).clicked_at == NOW
    assert _clicks_told(shop) == [
        (f"message:{message_id}", NOW, {"flow": "welcome", "step": "W2", "url": LINK})
    ]
    assert len(seeds.values_of(shop.database, DeliveryEvent, "id")) == 1


def test_the_first_click_stays_the_messages_own(shop: Shop) -> None:
    message_id = shop.add_message(status="sent", sent_at=NOW)

    _click(shop, message_id)
    _click(shop, message_id, at=NOW + MINUTE)

    assert shop.message(message_id).clicked_at == NOW
    assert len(_clicks_told(shop)) == 2


def test_a_scanner_is_remembered_and_counts_for_nothing(shop: Shop) -> None:
    message_id = shop.add_message(status="unknown", sent_at=NOW, unknown_since=NOW)

    _click(shop, message_id, is_human=False)

    row = shop.message(message_id)
    assert (row.clicked_at, row.status) == (None, "unknown")
    assert _clicks_told(shop) == []
    assert seeds.rows_of(shop.database, DeliveryEvent, "type", "is_human") == [("scanned", False)]


def test_links_opened_all_at_once_count_for_nobody_though_the_first_did(shop: Shop) -> None:
    message_id = shop.add_message(status="sent", sent_at=NOW)
    for number in range(3):
        _click(
            shop, message_id, at=NOW + MINUTE + number * timedelta(milliseconds=200), url=f"{LINK}/{number}"
        )

    row = shop.message(message_id)
    assert row.clicked_at is None
    assert _clicks_told(shop) == []
    assert seeds.values_of(shop.database, DeliveryEvent, "is_human") == [False] * 3


def test_a_persons_click_before_and_after_a_burst_stays(shop: Shop) -> None:
    message_id = shop.add_message(status="sent", sent_at=NOW)
    moments = [MINUTE, 2 * MINUTE, 2 * MINUTE, 3 * MINUTE]

    for number, after in enumerate(moments):
        _click(shop, message_id, at=NOW + after, url=f"{LINK}/{number}")

    assert shop.message(message_id).clicked_at == NOW + MINUTE
    assert [moment for _, moment, _ in _clicks_told(shop)] == [NOW + MINUTE, NOW + 3 * MINUTE]


@pytest.mark.parametrize("status", ["unknown", "sending"])
def test_who_clicks_has_the_message(shop: Shop, status: str) -> None:
    message_id = shop.add_message(status=status, sent_at=NOW, unknown_since=NOW, lease_token="theirs")

    _click(shop, message_id)

    row = shop.message(message_id)
    assert (row.status, row.unknown_since, row.lease_token) == ("sent", None, None)


@pytest.mark.parametrize("status", ["queued", "stopped", "delivered", "bounced"])
def test_a_click_moves_no_other_status(shop: Shop, status: str) -> None:
    message_id = shop.add_message(status=status)

    _click(shop, message_id)

    assert shop.message(message_id).status == status


def test_an_unsubscribe_withdraws_suppresses_and_tells_at_once(shop: Shop) -> None:
    message_id = shop.add_message(status="sent", sent_at=NOW)

    _unsubscribe(shop, message_id)
    _unsubscribe(shop, message_id)

    assert seeds.rows_of(shop.database, ConsentState, "channel", "state") == [("email", "unsubscribed")]
    assert seeds.rows_of(shop.database, Suppression, "channel", "reason") == [("email", "unsubscribe")]
    told = seeds.rows_of(shop.database, CustomerEvent, "type", "details")
    assert [details["state"] for kind, details in told if kind == "consent.changed"] == [
        "subscribed",
        "unsubscribed",
    ]


def test_a_suppressed_address_is_not_readable(shop: Shop) -> None:
    message_id = shop.add_message(status="sent", sent_at=NOW)

    _unsubscribe(shop, message_id)

    ((kept,),) = seeds.rows_of(shop.database, Suppression, "address_hash")
    assert "@" not in kept
    assert len(kept) == 64


@pytest.mark.parametrize("act", ["click", "unsubscribe"])
def test_a_message_of_another_store_is_not_reached(runtime: Runtime, shop: Shop, act: str) -> None:
    other = open_shop(runtime, "other")
    message_id = other.add_message(status="sent", sent_at=NOW)

    if act == "click":
        _click(shop, message_id)
    else:
        _unsubscribe(shop, message_id)

    assert seeds.values_of(shop.database, Message, "clicked_at") == [None]
    assert seeds.rows_of(shop.database, Suppression) == []
    assert seeds.values_of(shop.database, ConsentState, "state") == ["subscribed"]


def _click(shop: Shop, message_id: int, *, at: Any = NOW, is_human: bool = True, url: str = LINK) -> None:
    with shop.database.write() as session:
        receipts.record_click(
            session,
            store_id=shop.id,
            message_id=message_id,
            url=url,
            occurred_at=at,
            is_human=is_human,
        )


def _unsubscribe(shop: Shop, message_id: int) -> None:
    with shop.database.write() as session:
        receipts.record_unsubscribe(
            session,
            shop.runtime.signer,
            store_id=shop.id,
            message_id=message_id,
            occurred_at=NOW + MINUTE,
            source="unsubscribe-link",
        )


def _clicks_told(shop: Shop) -> list[tuple[Any, ...]]:
    rows = seeds.rows_of(shop.database, CustomerEvent, "subject", "occurred_at", "details", "type")
    return [row[:3] for row in rows if row[3] == "message.clicked"]
