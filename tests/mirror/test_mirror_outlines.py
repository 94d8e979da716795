"""Which orders of a listing are worth reading whole: those that the mirror does not hold as they are."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.db import Database, table_of
from app.mirror import outlines
from app.models import Order
from connectors.base import FulfillmentUpdate, OrderOutline, OrderRecord
from tests.conftest import NOW
from tests.mirror.mirror_news import PLACED, euros, order, parcel, refund, tell
from tests.seeds import new_store

SECOND = timedelta(seconds=1)
PARTLY = {"financial_status": "partially_refunded", "refunds": (refund("10.00", PLACED),)}


def outline(external_id: str = "100", **values: Any) -> OrderOutline:
    """The order of `order()` as a listing shows it."""
    fields: dict[str, Any] = {
        "updated_at": PLACED,
        "financial_status": "paid",
        "total": euros("100.00"),
        "refunded_total": euros("0.00"),
        "status": "open",
        "fulfillment_status": "unfulfilled",
    }
    return OrderOutline(external_id=external_id, **(fields | values))


def _unmirrored(database: Database, store_id: int, *listed: OrderOutline) -> list[str]:
    with database.read() as session:
        return outlines.unmirrored(session, store_id, listed)


def test_only_what_is_missing_is_read(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order("100"), order("101"))

    assert _unmirrored(database, store_id, outline("100"), outline("101"), outline("102")) == ["102"]


def test_an_order_of_another_store_is_not_ours(database: Database) -> None:
    store_id, other_id = new_store(database), new_store(database, "other")
    tell(database, other_id, order("100"))

    assert _unmirrored(database, store_id, outline("100")) == ["100"]


@pytest.mark.parametrize(
    ("listed", "is_read"),
    [
        (outline(updated_at=PLACED + SECOND), True),
        (outline(updated_at=PLACED - SECOND, financial_status="pending"), False),
        (outline(financial_status="pending"), True),
        (outline(status="cancelled"), True),
        (outline(fulfillment_status="fulfilled"), True),
        (outline(total=euros("90.00")), True),
        (outline(refunded_total=euros("10.00")), True),
        (outline(refunded_total=None, fulfillment_status=None), False),
        (outline("101", status="draft"), False),
    ],
)
def test_a_change_of_the_same_second_is_told_by_its_state(
    database: Database, listed: OrderOutline, *, is_read: bool
) -> None:
    store_id = new_store(database)
    tell(database, store_id, order("100"))

    assert _unmirrored(database, store_id, listed) == ([listed.external_id] if is_read else [])


def test_a_refund_that_is_known_is_not_read_again(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order("100", **PARTLY))

    known = outline(financial_status="partially_refunded", refunded_total=euros("10.00"))

    assert _unmirrored(database, store_id, known) == []


SENT = order(fulfillment_status="fulfilled", fulfillments=(parcel("F1", PLACED),))


@pytest.mark.parametrize(
    ("held", "seconds", "is_read"),
    [
        pytest.param(SENT, 2, False, id="the arrival is what changed last"),
        pytest.param(SENT, 3, True, id="something else changed after it"),
        pytest.param(SENT, 1, True, id="something else changed before it"),
        pytest.param(order(fulfillment_status="fulfilled"), 2, True, id="nobody said when it left"),
        pytest.param(order(), 2, True, id="nobody said that it left"),
    ],
)
def test_the_news_of_a_parcel_stand_for_those_of_its_order(
    database: Database, held: OrderRecord, seconds: int, *, is_read: bool
) -> None:
    store_id, arrived = new_store(database), PLACED + 2 * SECOND
    tell(database, store_id, held)
    arrival = parcel("F1", None, arrived)
    tell(database, store_id, FulfillmentUpdate("100", arrival, updated_at=arrived))

    listed = outline(updated_at=PLACED + seconds * SECOND, fulfillment_status="fulfilled")

    assert _unmirrored(database, store_id, listed) == (["100"] if is_read else [])


def test_an_order_that_was_gone_and_is_listed_again_is_read(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order("100"))
    with database.write() as session:
        session.execute(update(table_of(Order)).where(Order.store_id == store_id).values(deleted_at=NOW))

    assert _unmirrored(database, store_id, outline()) == ["100"]
