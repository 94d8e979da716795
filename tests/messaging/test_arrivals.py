"""That a message arrived: an entry of the timeline that is kept once, among the delivery events."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app import timeline
from app.messaging import provider_events, reports
from app.models import CustomerEvent, DeliveryEvent
from app.runtime import Runtime
from app.timeline import NewEvent
from connectors.delivery import DeliveryKind, DeliveryUpdate
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Shop, open_shop

MINUTE = timedelta(minutes=1)
K = DeliveryKind


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that may send."""
    return open_shop(runtime)


def test_of_several_words_that_it_arrived_the_first_is_the_entry(shop: Shop) -> None:
    message_id = _sent(shop)

    _tell(shop, _event(K.ACCEPTED, message_id), _event(K.DELIVERED, message_id, MINUTE))
    _tell(shop, _event(K.DELIVERED, message_id, 2 * MINUTE), _event(K.DELIVERED, message_id, MINUTE))

    assert _entries(shop) == [("accepted", False), ("delivered", True), ("delivered", False)]


def test_of_two_words_in_one_breath_one_is_the_entry(shop: Shop) -> None:
    message_id = _sent(shop)

    _tell(shop, *(_event(K.DELIVERED, message_id, number * MINUTE) for number in (1, 2)))

    assert _entries(shop) == [("delivered", True), ("delivered", False)]


@pytest.mark.parametrize("status", ["bounced", "failed", "unknown"])
def test_whatever_was_said_before_that_it_arrived_is_told_once(shop: Shop, status: str) -> None:
    message_id = _sent(shop, status=status)

    for number in (1, 2):
        _tell(shop, _event(K.DELIVERED, message_id, number * MINUTE))

    assert _entries(shop) == [("delivered", True), ("delivered", False)]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_was_never_tried_did_not_arrive(shop: Shop) -> None:
    message_id = _sent(shop, status="queued", attempts=0)

    _tell(shop, _event(K.DELIVERED, message_id))

    assert _entries(shop) == [("delivered", False)]


@pytest.mark.parametrize("many", [1, 70])
def test_entries_of_both_tables_stand_in_the_order_in_which_they_became_known(shop: Shop, many: int) -> None:
    messages = [_sent(shop) for _ in range(many)]
    # What the seed wrote stands before.
    before = {*seeds.values_of(shop.database, CustomerEvent, "id")}

    _record(shop, "first")
    _tell(shop, *(_event(K.DELIVERED, message_id) for message_id in messages))
    _record(shop, "second")
    _tell(shop, *(_event(K.ACCEPTED, message_id) for message_id in messages))
    _record(shop, "third")

    own = [id_ for id_ in seeds.values_of(shop.database, CustomerEvent, "id") if id_ not in before]
    told = sorted(seeds.values_of(shop.database, DeliveryEvent, "id"))
    assert len({*own, *told}) == 3 + 2 * many
    first, second, third = sorted(own)
    assert [
        len([id_ for id_ in told if low < id_ < high]) for low, high in ((first, second), (second, third))
    ] == [
        many,
        many,
    ]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_events_that_were_numbered_otherwise_are_passed_over(shop: Shop) -> None:
    message_id = _sent(shop)
    with shop.database.write() as session:
        session.add(
            DeliveryEvent(
                id=10_000,
                store_id=shop.id,
                message_id=message_id,
                type="clicked",
                occurred_at=NOW,
                event_key="clicked",
            )
        )

    _tell(shop, _event(K.DELIVERED, message_id))

    assert sorted(seeds.values_of(shop.database, DeliveryEvent, "id")) == [10_000, 10_001]


def _entries(shop: Shop) -> list[Any]:
    return seeds.rows_of(shop.database, DeliveryEvent, "type", "is_entry")


def _sent(shop: Shop, **values: Any) -> int:
    fields: dict[str, Any] = {"status": "sent", "sent_at": NOW, "attempts": 1} | values
    return shop.add_message(None, key=f"k{len(shop.statuses())}", **fields)


def _event(kind: DeliveryKind, message_id: int, after: timedelta = timedelta()) -> DeliveryUpdate:
    at: datetime = NOW + after
    key = f"{kind}:{message_id}:{at.isoformat()}"
    return DeliveryUpdate(kind=kind, occurred_at=at, key=key, message_id=str(message_id))


def _tell(shop: Shop, *updates: DeliveryUpdate) -> None:
    with shop.database.write() as session:
        told = reports.of(updates)
        provider_events.apply(session, shop.runtime.signer, shop.id, "email", told=told, now=NOW)


def _record(shop: Shop, word: str) -> None:
    event = NewEvent(shop.id, 1, "support.closed", f"api:{word}", f"api:{word}", NOW)
    with shop.database.write() as session:
        timeline.record(session, [event], NOW)
