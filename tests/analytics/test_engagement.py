"""A flow's day: what left, who clicked, what it brought, from midnight to midnight of the shop."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.analytics import engagement
from app.db import Database
from app.models import Attribution, DeliveryEvent, MessageAttempt, Store, StoreWrite
from tests import seeds
from tests.conftest import NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# In Rome it is winter: the day begins at 23:00 UTC.
MIDNIGHT = datetime(2026, 10, 31, 23, tzinfo=UTC)
TODAY = date(2026, 11, 1)
Send = Callable[..., int]


@pytest.fixture
def store_id(database: Database) -> int:
    """A shop on Shopify."""
    return seeds.new_store(database, platform="shopify", currency="EUR")


@pytest.fixture
def send(database: Database, store_id: int) -> Send:
    """Sends a message of the welcome flow; its id."""

    def sent(at: datetime, **values: Any) -> int:
        with database.write() as session:
            who = seeds.add_customer(session, values.pop("store_id", store_id))
            fields = {"status": "sent", "sent_at": at, **values}
            message = seeds.add_message(session, who.store_id, who.id, **fields)
            attempt = MessageAttempt(store_id=who.store_id, message_id=message.id, started_at=at)
            session.add(attempt)
            return message.id

    return sent


def click(database: Database, store_id: int, message_id: int, at: datetime, **values: Any) -> None:
    with database.write() as session:
        fields = {"type": "clicked", "is_human": True, "event_key": f"{message_id}:{at}", **values}
        session.add(DeliveryEvent(store_id=store_id, message_id=message_id, occurred_at=at, **fields))


def bring(database: Database, store_id: int, message_id: int, at: datetime, minor: int = 1250) -> None:
    with database.write() as session:
        order = seeds.add_order(session, store_id, None, placed_at=at)
        session.add(
            Attribution(
                store_id=store_id,
                order_id=order.id,
                message_id=message_id,
                flow_key="welcome",
                step="W1",
                rule="last-click",
                amount_minor=minor,
                currency="EUR",
                occurred_at=at,
            )
        )


def told(database: Database, store_id: int, day: date = TODAY) -> Any:
    """The welcome flow's day."""
    with database.read() as session:
        store = session.get_one(Store, store_id)
        return engagement.day_of(session, store, f"welcome:{day.isoformat()}")[1]


def plan(database: Database, store_id: int, begin: datetime, end: datetime) -> int:
    with database.write() as session:
        store = session.get_one(Store, store_id)
        return engagement.plan(session, store, begin=begin, end=end, now=NOW)


def test_a_day_counts_from_midnight_to_midnight_of_the_shop(
    database: Database, store_id: int, send: Send
) -> None:
    moments = [MIDNIGHT - timedelta(seconds=1), MIDNIGHT, MIDNIGHT + DAY - timedelta(seconds=1)]
    for moment in (*moments, MIDNIGHT + DAY):
        message_id = send(moment)
        click(database, store_id, message_id, moment)
        bring(database, store_id, message_id, moment)

    day = told(database, store_id)

    assert (day.sent, day.clicks, day.unique_clicks, day.orders, day.sales) == (2, 2, 2, 2, "25.00")
    assert (day.day, day.utc_offset, day.currency) == (TODAY, HOUR, "EUR")


def test_only_what_is_known_of_mails_counts(database: Database, store_id: int, send: Send) -> None:
    noon = MIDNIGHT + 12 * HOUR
    good = send(noon)
    for status in ("delivered", "bounced"):
        send(noon, status=status)
    for status in ("unknown", "failed", "sending"):
        send(noon, status=status)
    text = send(noon, channel="sms")
    send(noon, flow_key="review")
    for message_id in (good, text):
        click(database, store_id, message_id, noon)
        bring(database, store_id, message_id, noon)
    click(database, store_id, good, noon + HOUR)
    click(database, store_id, good, noon + 2 * HOUR, type="scanned", is_human=False)

    day = told(database, store_id)

    assert (day.sent, day.clicks, day.unique_clicks, day.orders, day.sales) == (3, 2, 1, 1, "12.50")


def test_a_mail_counts_on_the_day_on_which_it_left(database: Database, store_id: int, send: Send) -> None:
    message_id = send(MIDNIGHT)
    with database.write() as session:
        yesterday = MIDNIGHT - HOUR
        session.add(MessageAttempt(store_id=store_id, message_id=message_id, started_at=yesterday))

    assert told(database, store_id, TODAY - DAY).sent == 0
    assert told(database, store_id).sent == 1


def test_another_shops_day_is_not_counted(database: Database, store_id: int, send: Send) -> None:
    other = seeds.new_store(database, "other", platform="shopify")
    message_id = send(MIDNIGHT, store_id=other)
    click(database, other, message_id, MIDNIGHT)
    bring(database, other, message_id, MIDNIGHT)

    day = told(database, store_id)

    assert (day.sent, day.clicks, day.orders, day.sales) == (0, 0, 0, "0.00")
    assert plan(database, store_id, MIDNIGHT, MIDNIGHT + 3 * DAY) == 0


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(
    ("day", "hours", "offset"), [(date(2026, 10, 25), 25, 2), (date(2027, 3, 28), 23, 1), (TODAY, 24, 1)]
)
def test_no_hour_is_counted_twice_or_lost_when_the_clocks_change(
    database: Database, store_id: int, send: Send, day: date, hours: int, offset: int
) -> None:
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - offset * HOUR
    for hour in range(-1, hours + 1):
        send(begin + hour * HOUR)

    found = told(database, store_id, day)

    assert (found.sent, found.utc_offset) == (hours, offset * HOUR)


def test_a_day_is_to_be_told_once_however_often_it_is_planned(
    database: Database, store_id: int, send: Send
) -> None:
    send(MIDNIGHT)
    send(MIDNIGHT, flow_key="review")
    settled = MIDNIGHT + DAY + engagement.SETTLES_IN

    counts = [
        plan(database, store_id, settled - 6 * HOUR, settled),
        plan(database, store_id, settled, settled + 6 * HOUR),
        plan(database, store_id, settled - 6 * HOUR, settled + 6 * HOUR),
    ]

    assert counts == [0, 2, 0]
    assert seeds.rows_of(database, StoreWrite, "kind", "subject", "state", "turn") == [
        ("engagement", "review:2026-11-01", "queued", 0),
        ("engagement", "welcome:2026-11-01", "queued", 0),
    ]


def test_days_that_were_missed_are_made_up(database: Database, store_id: int, send: Send) -> None:
    for number in range(4):
        send(MIDNIGHT + number * DAY)

    plan(database, store_id, MIDNIGHT + 6 * HOUR, MIDNIGHT + 3 * DAY + 6 * HOUR)

    days = seeds.values_of(database, StoreWrite, "subject")
    assert days == ["welcome:2026-11-01", "welcome:2026-11-02", "welcome:2026-11-03"]


@pytest.mark.parametrize(
    "values", [{"platform": "woocommerce"}, {"platform": "shopify", "scopes": ["read_orders"]}]
)
@pytest.mark.parametrize("engine", ["sqlite"])
def test_where_nothing_can_be_reported_nothing_is_planned(
    database: Database, send: Send, values: dict[str, Any]
) -> None:
    store_id = seeds.new_store(database, "other", **values)
    send(MIDNIGHT, store_id=store_id)

    assert plan(database, store_id, MIDNIGHT, MIDNIGHT + 3 * DAY) == 0
