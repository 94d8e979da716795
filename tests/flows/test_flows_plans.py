"""What is asked of somebody with a long past is found by an index of the few rows that are meant."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Select, event, text

from app.db import Base, Database, table_of
from app.flows import shop, work
from app.messaging import due, flapping
from app.models import Consent, CustomerEvent, Message, ProductPair
from tests import seeds
from tests.conftest import NOW

MANY = 3000
SINCE = NOW - timedelta(days=4)
Rows = Sequence[dict[str, Any]]


def _events(store_id: int, customer_id: int) -> Rows:
    row = {"type": "order.paid", "occurred_at": NOW, "recorded_at": NOW, "details": {}}
    return [
        {
            **row,
            "store_id": store_id,
            "customer_id": customer_id,
            "subject": f"order:{number}",
            "source_key": f"{number}",
            "is_pending": not number,
        }
        for number in range(MANY)
    ]


def _messages(store_id: int, customer_id: int) -> Rows:
    row = {"flow_key": "welcome", "step": "W2", "channel": "email", "purpose": "marketing", "priority": 3}
    times = dict.fromkeys(("due_at", "expires_at", "next_at", "created_at"), NOW)
    return [
        {
            **row,
            **times,
            "store_id": store_id,
            "customer_id": customer_id,
            "key": f"{number}",
            "status": "sent" if number else "queued",
            "is_prepared": False,
            "context": {},
            "attempts": 0,
        }
        for number in range(MANY)
    ]


def _pairs(store_id: int, _customer_id: int) -> Rows:
    return [
        {
            "store_id": store_id,
            "product_external_id": "A",
            "other_external_id": f"{number}",
            "orders_count": 1 if number else 20,
        }
        for number in range(MANY)
    ]


def _consents(store_id: int, customer_id: int) -> Rows:
    return [
        {
            "store_id": store_id,
            "customer_id": customer_id,
            "channel": "email",
            "state": "subscribed" if number else "unsubscribed",
            "occurred_at": NOW,
            "recorded_at": NOW,
            "source": "checkout",
            "source_key": f"{number}",
        }
        for number in range(MANY)
    ]


@pytest.mark.parametrize(
    ("model", "rows", "statement", "asked", "index"),
    [
        (CustomerEvent, _events, work._PENDING_OF, {"most": 500}, "ix_customer_events_pending_of"),
        (Message, _messages, due._THEIRS, {"now": NOW}, "ix_messages_waiting"),
        (ProductPair, _pairs, shop._TOGETHER, {"products": ["A"]}, "ix_product_pairs_supported"),
        (Consent, _consents, flapping._REFUSED, {"since": SINCE}, "ix_consents_refused"),
    ],
    ids=["pending", "waiting", "supported", "refused"],
)
def test_the_few_rows_that_are_meant_are_found_by_their_own_index(
    database: Database,
    model: type[Base],
    rows: Callable[[int, int], Rows],
    statement: Select[Any],
    asked: Mapping[str, Any],
    index: str,
) -> None:
    store_id, table = seeds.new_store(database), table_of(model)
    with database.write() as session:
        anna = seeds.add_customer(session, store_id).id
        session.execute(table.insert(), list(rows(store_id, anna)))
        if not database.is_sqlite:
            session.execute(text(f"ANALYZE {table.name}"))
    database.take_stock()

    found, plan = _explained(database, statement, {"store": store_id, "people": [anna], **asked})

    assert found == 1
    assert index in plan


def _explained(database: Database, statement: Select[Any], values: Mapping[str, Any]) -> tuple[int, str]:
    """How many rows a statement finds, and by which way."""
    told: list[Any] = []
    with database.write() as session:
        event.listen(session.get_bind(), "before_cursor_execute", lambda *one: told.append(one))
        found = session.execute(statement, values).all()
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        _, _, words, parameters, *_ = told[0]
        plan = session.connection().exec_driver_sql(f"{explain} {words}", parameters).all()
    return len(found), " ".join(str(tuple(row)) for row in plan)
