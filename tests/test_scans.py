"""The look at each store for rows that have no index of their own."""

from typing import Any

import pytest
from sqlalchemy import event

from app.db import table_of
from app.models import Message
from app.runtime import Runtime
from app.scans import StoreLook
from tests import seeds
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
