"""What follows from clicks: of people, of scanners, one by one and many at once."""

from datetime import timedelta
from typing import Any

import pytest

from app.messaging import clicks
from app.messaging.clicks import Click
from app.models import CustomerEvent, DeliveryEvent, Message
from app.runtime import Runtime
from tests import seeds
from tests.conftest import NOW
from tests.messaging import click_traffic
from tests.messaging.outbox_seed import Shop, open_shop

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])

MINUTE = timedelta(minutes=1)
LINK = "https://bottega.example/p/moka"


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that may send."""
    return open_shop(runtime)


def test_a_click_reaches_the_message_and_the_timeline_once(shop: Shop) -> None:
    message_id = _sent(shop)

    for _ in range(2):
        _click(shop, message_id)

    assert shop.message(message_id).clicked_at == NOW
    assert _clicks_told(shop) == [
        (f"message:{message_id}", NOW, {"flow": "welcome", "step": "W2", "url": LINK})
    ]
    assert len(seeds.values_of(shop.database, DeliveryEvent, "id")) == 1


def test_the_first_click_stays_the_messages_own(shop: Shop) -> None:
    message_id = _sent(shop)

    _click(shop, message_id)
    _click(shop, message_id, at=NOW + MINUTE)

    assert shop.message(message_id).clicked_at == NOW
    assert len(_clicks_told(shop)) == 2


def test_a_scanner_is_remembered_and_counts_for_nothing(shop: Shop) -> None:
    message_id = _sent(shop, status="unknown", sent_at=NOW, unknown_since=NOW)

    _click(shop, message_id, is_human=False)

    row = shop.message(message_id)
    assert (row.clicked_at, row.status) == (None, "unknown")
    assert _clicks_told(shop) == []
    assert seeds.rows_of(shop.database, DeliveryEvent, "type", "is_human") == [("scanned", False)]


def test_links_opened_all_at_once_count_for_nobody_though_the_first_did(shop: Shop) -> None:
    message_id = _sent(shop)
    for number in range(3):
        _click(
            shop, message_id, at=NOW + MINUTE + number * timedelta(milliseconds=200), url=f"{LINK}/{number}"
        )

    row = shop.message(message_id)
    assert row.clicked_at is None
    assert _clicks_told(shop) == []
    assert seeds.values_of(shop.database, DeliveryEvent, "is_human") == [False] * 3


def test_a_persons_click_before_and_after_a_burst_stays(shop: Shop) -> None:
    message_id = _sent(shop)
    moments = [MINUTE, 2 * MINUTE, 2 * MINUTE, 3 * MINUTE]

    for number, after in enumerate(moments):
        _click(shop, message_id, at=NOW + after, url=f"{LINK}/{number}")

    assert shop.message(message_id).clicked_at == NOW + MINUTE
    assert [moment for _, moment, _ in _clicks_told(shop)] == [NOW + MINUTE, NOW + 3 * MINUTE]


@pytest.mark.parametrize("status", ["unknown", "sending"])
def test_who_clicks_has_the_message(shop: Shop, status: str) -> None:
    message_id = _sent(shop, status=status, sent_at=NOW, unknown_since=NOW, lease_token="theirs")

    _click(shop, message_id)

    row = shop.message(message_id)
    assert (row.status, row.unknown_since, row.lease_token) == ("sent", None, None)


@pytest.mark.parametrize("status", ["queued", "stopped", "delivered", "bounced"])
def test_a_click_moves_no_other_status(shop: Shop, status: str) -> None:
    message_id = _sent(shop, status=status)

    _click(shop, message_id)

    assert shop.message(message_id).status == status


def test_many_clicks_at_once_come_to_the_same_as_one_after_the_other(runtime: Runtime, shop: Shop) -> None:
    alone = _played(shop, at_once=1)

    together = _played(open_shop(runtime, "other"), at_once=200)

    assert together == alone
    assert {kind for _, kind, *_ in together[0]} == {"clicked", "scanned"}


def test_a_message_of_another_store_is_not_reached(runtime: Runtime, shop: Shop) -> None:
    other = open_shop(runtime, "other")
    message_id = _sent(other)

    _click(shop, message_id)

    assert seeds.values_of(shop.database, Message, "clicked_at") == [None]
    assert seeds.rows_of(shop.database, DeliveryEvent) == []


def test_a_click_that_waited_while_the_mail_was_erased_leads_to_the_shops_front_page_alone(
    shop: Shop,
) -> None:
    message_id = _sent(shop, content=None)

    _click(shop, message_id, url=f"{LINK}?for=lucia@example.com")

    ((url,),) = seeds.rows_of(shop.database, DeliveryEvent, "url")
    assert "lucia" not in url
    assert [details["url"] for _, _, details in _clicks_told(shop)] == [url]


def _played(shop: Shop, *, at_once: int) -> tuple[list[Any], ...]:
    """What a store's events, messages and timeline say in the end of the same visits to as many mails."""
    streams = [visits for _, visits in click_traffic.streams(40, 5, 3)]
    who = shop.add_subscriber()
    ids = [_sent(shop, customer_id=who, status=("sent", "unknown")[number % 2]) for number in range(40)]
    told = [
        Click(ids[number], f"{LINK}/{visit.link}", NOW + timedelta(seconds=visit.after), visit.after % 7 > 1)
        for number, visits in enumerate(streams)
        for visit in visits
    ]
    told.sort(key=lambda click: click.occurred_at)
    for start in range(0, len(told), at_once):
        part = told[start : start + at_once]
        with shop.database.write() as session:
            clicks.apply(session, shop.id, part, part[-1].occurred_at)
    place = {number: index for index, number in enumerate(ids)}
    events = seeds.rows_of(
        shop.database, DeliveryEvent, "message_id", "type", "is_human", "reason", "url", "occurred_at"
    )
    messages = seeds.rows_of(shop.database, Message, "id", "status", "clicked_at")
    entries = [(int(subject.partition(":")[2]), *rest) for subject, *rest in _clicks_told(shop)]
    return tuple(
        sorted(((place[row[0]], *row[1:]) for row in rows if row[0] in place), key=repr)
        for rows in (events, messages, entries)
    )


def _sent(shop: Shop, **values: Any) -> int:
    """A message whose copy is kept."""
    return shop.add_message(**{"status": "sent", "sent_at": NOW, "content": b"packed", **values})


def _click(shop: Shop, message_id: int, *, at: Any = NOW, is_human: bool = True, url: str = LINK) -> None:
    with shop.database.write() as session:
        clicks.apply(session, shop.id, [Click(message_id, url, at, is_human)], at)


def _clicks_told(shop: Shop) -> list[tuple[Any, ...]]:
    rows = seeds.rows_of(shop.database, CustomerEvent, "subject", "occurred_at", "details", "type")
    return [row[:3] for row in rows if row[3] == "message.clicked"]
