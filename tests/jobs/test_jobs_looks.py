"""What is looked at day after day does not cost more with every order and every delivery that came."""

from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert
from sqlalchemy.orm import Session

from app import consent, inbox
from app.consent import NewConsent
from app.db import Database
from app.models import Consent, InboundEvent
from connectors.base import Deletion, RecordPage, Resource
from jobs import changes
from tests.conftest import NOW
from tests.seeds import add_customer, new_store

ORDERS, PEOPLE, DELIVERIES = 200, 20, 3000


def _plan(database: Database, table: str, work: Callable[[Session], object]) -> str:
    """How the database goes about the reading of a table that some work does."""
    asked: list[tuple[str, Any]] = []

    def note(*told: Any) -> None:
        asked.append((told[2], told[3]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with database.over_all_stores().read() as session:
            work(session)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    with database.over_all_stores().read() as session:
        rows = [
            row
            for words, values in asked
            if f"FROM {table}" in words
            for row in session.connection().exec_driver_sql(f"{explain} {words}", values)
        ]
    return "\n".join(str(row[-1] if database.is_sqlite else row[0]) for row in rows)


def _said(store_id: int, person: int, number: int) -> dict[str, object]:
    """What an order said, or at the number 0 the profile of its buyer."""
    source = f"order-meta:news{number % 3}" if number else "customer-meta:news"
    of = {"store_id": store_id, "customer_id": person, "channel": "email", "state": "subscribed"}
    moments = {"occurred_at": NOW, "recorded_at": NOW}
    return {**of, **moments, "basis": "consent", "source": source, "source_key": f"said:{number}"}


def test_what_a_profile_said_is_not_looked_for_among_what_orders_said(database: Database) -> None:
    store_id = new_store(database, "shop")
    with database.of_store(store_id).write() as session:
        people = [add_customer(session, store_id).id for _ in range(PEOPLE)]
        rows = [_said(store_id, person, number) for person in people for number in range(ORDERS)]
        session.execute(insert(Consent), rows)
    database.take_stock()
    repeated = [
        NewConsent(
            store_id, person, "email", "subscribed", "consent", NOW, "customer-meta:news", is_standing=True
        )
        for person in people
    ]

    plan = _plan(database, "consents", lambda session: consent.record(session, repeated, NOW))

    assert "ix_consents_profile" in plan


@pytest.mark.parametrize("stock_taken", [False, True])
def test_the_newest_delivery_is_found_without_reading_all_of_them(
    database: Database, *, stock_taken: bool
) -> None:
    store_id = new_store(database, "shop")
    of = {"store_id": store_id, "source": "shopify", "topic": "orders/create", "status": "done"}
    moments = {"received_at": NOW, "next_at": NOW}
    with database.of_store(store_id).write() as session:
        rows = [{**of, **moments, "dedupe_key": f"d{number}"} for number in range(DELIVERIES)]
        session.execute(insert(InboundEvent), rows)
    if stock_taken:
        database.take_stock()

    plan = _plan(database, "inbound_events", lambda session: inbox.arrived_since(session, store_id, NOW))

    assert "ix_inbound_events_status" in plan or "pk_inbound_events" in plan
    assert "TEMP B-TREE" not in plan
    assert "Seq Scan" not in plan
    assert not database.is_sqlite or "ix_inbound_events_status" in plan


def test_the_pages_of_a_listing_are_kept_together_while_the_shop_is_quick() -> None:
    asked: list[str | None] = []

    def page(resource: Resource, *, cursor: str | None, updated_since: datetime) -> RecordPage:
        asked.append(cursor)
        following = str(len(asked)) if len(asked) < 7 else None
        return RecordPage((Deletion(resource, f"{len(asked)}", updated_since),), following)

    kit: Any = SimpleNamespace(stopwatch=lambda: 0.0)
    pull: Any = SimpleNamespace(resource=Resource.CUSTOMERS)
    shop: Any = SimpleNamespace(page=page)

    parts = [*changes.whole_pages(kit, pull, shop, NOW)]

    assert asked == [None, "1", "2", "3", "4", "5", "6"]
    assert [(len(records), is_last) for records, is_last in parts] == [(5, False), (2, True)]
