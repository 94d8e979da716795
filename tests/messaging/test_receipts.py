"""Who unsubscribes is not written to any more, at once."""

from datetime import timedelta

import pytest

from app.messaging import receipts
from app.models import ConsentState, CustomerEvent, Suppression
from app.runtime import Runtime
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Shop, open_shop

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])

MINUTE = timedelta(minutes=1)


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that may send."""
    return open_shop(runtime)


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


def test_a_message_of_another_store_is_not_reached(runtime: Runtime, shop: Shop) -> None:
    other = open_shop(runtime, "other")
    message_id = other.add_message(status="sent", sent_at=NOW)

    _unsubscribe(shop, message_id)

    assert seeds.rows_of(shop.database, Suppression) == []
    assert seeds.values_of(shop.database, ConsentState, "state") == ["subscribed"]


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
