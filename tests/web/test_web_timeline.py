"""The timeline as it is read: that a message arrived stands in its place, though it is kept elsewhere."""

from collections.abc import Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app import timeline
from app.messaging import provider_events, reports
from app.runtime import Runtime
from app.timeline import NewEvent
from app.web.timeline_pages import arrivals_of
from connectors.delivery import DeliveryKind, DeliveryUpdate
from tests.web.web_shops import NOW, Shop, add_customer, add_message

ARRIVED = "message.delivered"


@pytest.fixture
def people(runtime: Runtime, shop: Shop, other_shop: Shop) -> tuple[int, int, int]:
    """Two customers, and the message of the first; what became known: opened, arrived, closed, arrived."""
    with runtime.database.write() as session:
        anna, bruno = (add_customer(session, shop.store_id, name) for name in ("anna", "bruno"))
        messages = [
            add_message(session, shop.store_id, one.id, word=word, status="sent", attempts=1)
            for one, word in ((anna, "a"), (bruno, "b"))
        ]
        stranger = add_customer(session, other_shop.store_id, "stranger")
        theirs = add_message(session, other_shop.store_id, stranger.id, word="c", status="sent", attempts=1)
        session.flush()
        ids = [message.id for message in messages]
    _record(runtime, shop, anna.id, "support.opened")
    _arrive(runtime, shop, ids[0])
    _arrive(runtime, other_shop, theirs.id)
    _record(runtime, shop, anna.id, "support.closed")
    _arrive(runtime, shop, ids[1])
    return anna.id, bruno.id, ids[0]


@pytest.mark.parametrize("limit", [1, 2, 3, 250])
def test_a_list_of_events_has_what_arrived_in_its_place_and_everything_once(
    api: FlaskClient, shop: Shop, people: tuple[int, int, int], limit: int
) -> None:
    anna, bruno, _ = people

    listed = _all(api, shop, limit=limit)

    ids = [event["id"] for event in listed]
    assert ids == sorted({*ids})
    assert [
        (event["customer_id"], event["type"]) for event in listed if event["customer_id"] in (anna, bruno)
    ] == [
        (anna, "support.opened"),
        (anna, ARRIVED),
        (anna, "support.closed"),
        (bruno, ARRIVED),
    ]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_in_a_shop_of_many_what_arrived_of_one_customer_is_found_by_their_messages(
    runtime: Runtime, shop: Shop, people: tuple[int, int, int]
) -> None:
    for n in range(40):
        with runtime.database.write() as session:
            one = add_customer(session, shop.store_id, f"one-{n}")
            message = add_message(session, shop.store_id, one.id, word=f"w{n}", status="sent", attempts=1)
            session.flush()
        _arrive(runtime, shop, message.id)
    words = arrivals_of(shop.store_id, people[0])
    bound = words.compile(runtime.database.engine, compile_kwargs={"literal_binds": True})

    with runtime.database.write() as session:
        session.execute(text("ANALYZE"))
        plan = [row.detail for row in session.execute(text(f"EXPLAIN QUERY PLAN {bound}"))]

    assert [step.partition(" (")[0] for step in plan] == [
        "SEARCH messages USING COVERING INDEX ix_messages_customer",
        "SEARCH delivery_events USING INDEX sqlite_autoindex_delivery_events_1",
    ]


@pytest.mark.parametrize("limit", [1, 250])
def test_events_of_one_customer_or_one_type_have_what_arrived(
    api: FlaskClient, shop: Shop, people: tuple[int, int, int], limit: int
) -> None:
    anna, bruno, _ = people

    assert _types(_all(api, shop, limit=limit, customer=anna)) == [
        "support.opened",
        ARRIVED,
        "support.closed",
    ]
    assert [event["customer_id"] for event in _all(api, shop, limit=limit, type=ARRIVED)] == [anna, bruno]
    assert _types(_all(api, shop, limit=limit, type=ARRIVED, customer=bruno)) == [ARRIVED]
    assert _types(_all(api, shop, limit=limit, type="support.closed")) == ["support.closed"]


def test_what_arrived_is_shown_as_an_entry_of_the_timeline(
    api: FlaskClient, shop: Shop, people: tuple[int, int, int]
) -> None:
    anna, _, message_id = people

    (entry,) = _all(api, shop, type=ARRIVED, customer=anna)

    assert entry.keys() == {"id", "customer_id", "type", "occurred_at", "subject", "data"}
    assert entry["occurred_at"] == "2026-11-25T09:00:00Z"
    assert entry["subject"] == f"message:{message_id}"
    assert entry["data"] == {"flow": "welcome", "step": "W1", "channel": "email", "reason": ""}


def test_a_cursor_that_reached_the_end_finds_what_arrives_later(
    api: FlaskClient, runtime: Runtime, shop: Shop, people: tuple[int, int, int]
) -> None:
    before = _all(api, shop)
    with runtime.database.write() as session:
        late = add_message(session, shop.store_id, people[0], word="late", status="sent", attempts=1)
        session.flush()

    _arrive(runtime, shop, late.id)

    after = _all(api, shop)
    assert after[: len(before)] == before
    assert [event["subject"] for event in after[len(before) :]] == [f"message:{late.id}"]


def test_a_customers_page_shows_what_arrived_among_the_rest(
    member: FlaskClient, people: tuple[int, int, int]
) -> None:
    page = member.get(f"/app/customers/{people[0]}").get_data(as_text=True)

    assert page.count("Message arrived") == 1
    assert f"/app/outbox/{people[2]}" in page


def _all(api: FlaskClient, shop: Shop, **asked: Any) -> list[dict[str, Any]]:
    """Every page of the list."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        query = asked | ({"cursor": cursor} if cursor else {})
        page = api.get("/api/v1/events", query_string=query, headers=shop.headers).get_json()
        found += page["data"]
        cursor = page["next"]
        if cursor is None:
            return found


def _types(events: Sequence[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def _record(runtime: Runtime, shop: Shop, customer_id: int, kind: str) -> None:
    event = NewEvent(shop.store_id, customer_id, kind, f"api:{kind}", f"api:{kind}", NOW)
    with runtime.database.write() as session:
        timeline.record(session, [event], NOW)


def _arrive(runtime: Runtime, shop: Shop, message_id: int) -> None:
    update = DeliveryUpdate(DeliveryKind.DELIVERED, NOW, f"delivered:{message_id}", str(message_id))
    with runtime.database.write() as session:
        told = reports.of([update])
        provider_events.apply(session, runtime.signer, shop.store_id, "email", told=told, now=NOW)
