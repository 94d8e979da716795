"""Asking whether another shop brought a delivery first costs nothing that grows with what it brought."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from app import inbox
from app.db import Database
from app.models import InboundEvent
from app.stores import rows
from jobs import strangers
from tests.conftest import NOW
from tests.seeds import new_store

PAST, ROUND = 5000, 20


def _brought(session: Any, store_id: int, first: int, count: int, status: str) -> None:
    """So many deliveries of a store, each about another thing."""
    of = {"store_id": store_id, "source": "shopify", "topic": "orders/create", "status": status}
    moments = {"received_at": NOW, "next_at": NOW}
    told = [
        {"dedupe_key": f"d{number}", "subject_external_id": str(10**12 + number), "signature": number * 7919}
        for number in range(first, first + count)
    ]
    session.execute(insert(InboundEvent), [{**of, **moments, **one} for one in told])


def _explained(database: Database, asked: Sequence[tuple[str, Any]]) -> str:
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    with database.over_all_stores().read() as session:
        connection = session.connection()
        plans = [connection.exec_driver_sql(f"{explain} {words}", values).all() for words, values in asked]
    return "\n".join(str(row[-1] if database.is_sqlite else row[0]) for plan in plans for row in plan)


@pytest.mark.parametrize("stock_taken", [False, True], ids=["never", "before-the-other-came"])
def test_a_young_store_is_asked_by_what_was_signed_and_not_by_all_that_others_brought(
    database: Database, stock_taken: bool
) -> None:
    """PostgreSQL knows nothing of the other store's rows: it would follow whatever names a store."""
    asking, other = new_store(database, "asking"), new_store(database, "other")
    with database.over_all_stores().write() as session:
        _brought(session, asking, PAST, ROUND, "waiting")
        if stock_taken and not database.is_sqlite:
            session.execute(text("ANALYZE"))
    with database.over_all_stores().write() as session:
        _brought(session, other, 0, PAST, "done")
        _brought(session, asking, PAST - 1, 1, "waiting")
    if stock_taken:
        database.take_stock()
    asked: list[tuple[str, Any]] = []

    with database.over_all_stores().read() as session:
        store = rows.need(session, asking)
        arrived = inbox.waiting(session, asking, NOW, limit=2 * ROUND)
        event.listen(database.engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
        foreign = strangers.among(session, store, arrived)
        of_deliveries = [one for one in asked if "signature" in one[0]]

    assert list(foreign) == [arrived[-1].id]
    plan = _explained(database, of_deliveries)
    followed = set(re.findall(r"\w+_inbound_events\w*", plan)) - {"pk_inbound_events"}
    assert followed == {"ix_inbound_events_subject"}
    assert "Seq Scan" not in plan
    assert "SCAN inbound" not in plan
