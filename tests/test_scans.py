"""Finding the stores that have something to do: what the look for them goes through."""

from typing import Any

import pytest
from sqlalchemy import event

from app.db import insert_rows, table_of
from app.inbox import EVENTS
from app.models import Message
from app.models.inbound_event import DONE
from app.runtime import Runtime
from app.scans import StoreLook
from jobs.inbox import WAITING
from tests import seeds
from tests.conftest import NOW
from tests.engines import SQLITE

MESSAGES = table_of(Message)
_UNKNOWN = StoreLook(MESSAGES.c.store_id, MESSAGES.c.status == "unknown")


def test_the_stores_that_have_such_rows_are_found(runtime: Runtime) -> None:
    first, second, third = (seeds.new_store(runtime.database, word) for word in ("a", "b", "c"))
    for store_id, statuses in ((third, ("unknown", "sent", "unknown")), (second, ("sent",))):
        with runtime.database.of_store(store_id).write() as session:
            person = seeds.add_customer(session, store_id)
            for status in statuses:
                seeds.add_message(session, store_id, person.id, status=status)

    with runtime.database.over_all_stores().read() as session:
        assert _UNKNOWN.run(session) == [third]
    assert first < second < third


@pytest.mark.parametrize("engine", [SQLITE])
def test_the_other_rows_of_a_store_are_not_walked(runtime: Runtime, engine: str) -> None:
    asked: list[tuple[str, Any]] = []
    event.listen(runtime.database.engine, "before_cursor_execute", lambda *told: asked.append(told[2:4]))

    with runtime.database.over_all_stores().read() as session:
        _UNKNOWN.run(session)
        ((statement, values),) = asked
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()

    walked = [step.detail for step in plan if step.detail.startswith(("SEARCH", "SCAN"))]
    assert walked == [
        "SCAN stores",
        "SEARCH messages USING COVERING INDEX ix_messages_status (store_id=? AND status=?)",
    ]


@pytest.mark.parametrize("engine", [SQLITE])
def test_what_is_done_with_is_not_gone_through_for_what_waits(runtime: Runtime, engine: str) -> None:
    store_id = seeds.new_store(runtime.database, "a")
    with runtime.database.of_store(store_id).write() as session:
        insert_rows(session, EVENTS, [_delivery(store_id, number) for number in range(100)])
    runtime.database.take_stock()  # the planner hears that there are many, and nothing of those that wait
    asked: list[tuple[str, Any]] = []
    event.listen(runtime.database.engine, "before_cursor_execute", lambda *told: asked.append(told[2:4]))

    with runtime.database.over_all_stores().read() as session:
        assert WAITING.run(session, now=NOW) == []
        ((statement, values),) = asked
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()

    walked = {step.detail for step in plan if "inbound_events" in step.detail}
    assert {detail.partition(" USING ")[2].partition(" (")[0] for detail in walked} == {
        "INDEX ix_inbound_events_waiting"
    }


def _delivery(store_id: int, number: int) -> dict[str, Any]:
    return {
        "store_id": store_id,
        "source": "shopify",
        "topic": "orders/create",
        "dedupe_key": str(number),
        "received_at": NOW,
        "next_at": NOW,
        "status": DONE,
        "attempts": 0,
    }
