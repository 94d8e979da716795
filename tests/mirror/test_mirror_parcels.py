from datetime import timedelta

import pytest

from app.db import Database
from app.mirror.parcels import OrderNotMirrored
from app.models import CustomerEvent, Fulfillment, Order, Refund
from connectors.base import FulfillmentRecord, FulfillmentUpdate, RefundUpdate
from tests.conftest import NOW
from tests.mirror.mirror_news import PLACED, order, parcel, parcel_news, refund_news, tell
from tests.seeds import new_store, rows_of, values_of

DAY = timedelta(days=1)
LEFT, ARRIVED = PLACED + DAY, PLACED + 3 * DAY


@pytest.mark.parametrize(
    "news",
    [parcel_news("F1", LEFT), refund_news("10.00", NOW)],
    ids=["parcel", "refund"],
)
def test_news_before_their_order_are_refused_with_their_whole_batch(
    database: Database, news: FulfillmentUpdate | RefundUpdate
) -> None:
    store_id = new_store(database)

    with pytest.raises(OrderNotMirrored, match="order 100 "):
        tell(database, store_id, order("1"), news)

    assert rows_of(database, Order) == []
    assert rows_of(database, Fulfillment) == []
    assert rows_of(database, Refund) == []


def test_news_in_the_same_batch_as_their_order_find_it(database: Database) -> None:
    store_id = new_store(database)

    tell(database, store_id, refund_news("10.00", NOW), parcel_news("F1", LEFT, ARRIVED), order())

    assert rows_of(database, Order, "refunded_minor", "fulfilled_at", "delivered_at") == [
        (1000, LEFT, ARRIVED)
    ]


def test_an_arrival_is_told_with_the_moment_of_the_platform(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order())

    tell(database, store_id, parcel_news("F1", LEFT))
    tell(database, store_id, parcel_news("F1", LEFT, ARRIVED))
    tell(database, store_id, parcel_news("F1", LEFT, ARRIVED))

    assert _parcel_entries(database) == [("order.fulfilled", LEFT, True), ("order.delivered", ARRIVED, True)]


def test_older_news_of_a_parcel_do_not_take_its_arrival_back(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order())
    tell(database, store_id, parcel_news("F1", LEFT, ARRIVED))

    tell(database, store_id, parcel_news("F1", LEFT))

    assert rows_of(database, Fulfillment, "status", "delivered_at") == [("delivered", ARRIVED)]
    assert values_of(database, Order, "delivered_at") == [ARRIVED]


def test_an_order_sent_in_parts_is_delivered_with_its_last_parcel(database: Database) -> None:
    store_id = new_store(database)
    in_part = order(fulfillment_status="partial", fulfillments=(parcel("F1", LEFT),), updated_at=LEFT)
    sent = order(
        fulfillment_status="fulfilled",
        fulfilled_at=LEFT + DAY,
        fulfillments=(parcel("F1", LEFT, ARRIVED), parcel("F2", LEFT + DAY)),
        updated_at=ARRIVED,
    )
    tell(database, store_id, order())
    tell(database, store_id, in_part)

    tell(database, store_id, parcel_news("F1", LEFT, ARRIVED))
    after_the_first = rows_of(database, Order, "fulfilled_at", "delivered_at")
    tell(database, store_id, sent)
    tell(database, store_id, parcel_news("F2", LEFT + DAY, ARRIVED + DAY))

    assert after_the_first == [(None, None)]
    assert rows_of(database, Order, "fulfilled_at", "delivered_at") == [(LEFT + DAY, ARRIVED + DAY)]
    assert _parcel_entries(database) == [
        ("order.fulfilled", LEFT + DAY, True),
        ("order.delivered", ARRIVED + DAY, True),
    ]


def test_an_order_that_turns_out_to_be_sent_in_parts_takes_its_moment_back(database: Database) -> None:
    """The first parcel's own news may overtake those of its order."""
    store_id = new_store(database)
    tell(database, store_id, order(), parcel_news("F1", LEFT, ARRIVED))
    before = rows_of(database, Order, "fulfilled_at", "delivered_at")

    tell(database, store_id, order(fulfillment_status="partial", updated_at=ARRIVED))

    assert before == [(LEFT, ARRIVED)]
    assert rows_of(database, Order, "fulfilled_at", "delivered_at") == [(None, None)]


def test_a_lost_parcel_is_not_waited_for(database: Database) -> None:
    store_id = new_store(database)
    lost = FulfillmentUpdate("100", FulfillmentRecord("F1", "cancelled", LEFT, None), LEFT)
    tell(database, store_id, order())

    tell(database, store_id, lost, parcel_news("F2", LEFT + DAY, ARRIVED))

    assert rows_of(database, Order, "fulfilled_at", "delivered_at") == [(LEFT + DAY, ARRIVED)]


def test_the_news_of_an_arrival_leave_the_moment_of_leaving(database: Database) -> None:
    store_id = new_store(database)
    arrival = FulfillmentUpdate("100", parcel("F1", None, ARRIVED), ARRIVED)
    tell(database, store_id, order(), parcel_news("F1", LEFT))

    tell(database, store_id, arrival)

    assert rows_of(database, Fulfillment, "fulfilled_at", "delivered_at") == [(LEFT, ARRIVED)]
    assert rows_of(database, Order, "fulfilled_at", "delivered_at") == [(LEFT, ARRIVED)]


def test_a_refund_of_everything_makes_the_order_count_no_more(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order())

    tell(database, store_id, refund_news("100.00", NOW))

    assert rows_of(database, Order, "refunded_minor", "is_counted") == [(10_000, False)]
    assert ("order.refunded", NOW, True) in rows_of(
        database, CustomerEvent, "type", "occurred_at", "is_pending"
    )


def _parcel_entries(database: Database) -> list[tuple[object, ...]]:
    rows = rows_of(database, CustomerEvent, "type", "occurred_at", "is_pending")
    return [row for row in rows if row[0] in ("order.fulfilled", "order.delivered")]
