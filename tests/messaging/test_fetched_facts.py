"""What a claim fetches for the gate: what its conditions look at, and no more."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import event, text

from app.db import Database
from app.messaging import cases
from app.messaging.conditions import CONDITIONS, OF_CLASSES, OF_CODES, OF_SCORES, OF_SIBLINGS, ConditionFacts
from app.timeline import EVENTS
from tests import seeds
from tests.conftest import NOW

DAY = timedelta(days=1)
FETCHED_ON_DEMAND = {
    "siblings": OF_SIBLINGS,
    "redeemed": OF_CODES,
    "classes": OF_CLASSES,
    "scores": OF_SCORES,
    "is_answered": {"not-reviewed"},
    "is_unhappy": {"not-unhappy"},
    "has_open_case": {"no-open-case"},
}


class _Watched:
    """Facts that remember what was looked at."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def __getattr__(self, name: str) -> object:
        self.seen.add(name)
        return getattr(ConditionFacts(), name)


@pytest.mark.parametrize("fact", FETCHED_ON_DEMAND)
def test_what_a_condition_looks_at_is_fetched_where_a_message_asks_it(fact: str) -> None:
    looking = set()
    for name, holds in CONDITIONS.items():
        watched = _Watched()
        holds(cast(ConditionFacts, watched), "lead:50")
        if fact in watched.seen:
            looking.add(name)

    assert looking == FETCHED_ON_DEMAND[fact]


def test_of_many_entries_of_a_customer_only_those_of_cases_are_read(database: Database) -> None:
    store_id = seeds.new_store(database)
    with database.write() as session:
        anna = seeds.add_customer(session, store_id).id
        rows = [_entry(store_id, anna, number) for number in range(3000)]
        session.execute(EVENTS.insert(), [*rows, _entry(store_id, anna, 3000) | {"type": cases.OPENED}])
        if not database.is_sqlite:
            session.execute(text("ANALYZE customer_events"))
    message = SimpleNamespace(customer_id=anna, context={"only_if": [cases.CONDITION]})

    with database.read() as session:
        asked: list[Any] = []
        event.listen(session.get_bind(), "before_cursor_execute", lambda *told: asked.append(told))
        found = cases.with_open_case(session, store_id, [message], NOW)
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        _, _, statement, parameters, *_ = asked[0]
        plan = session.connection().exec_driver_sql(f"{explain} {statement}", parameters)
        steps = " ".join(str(tuple(row)) for row in plan)

    assert found == {anna}
    assert "ix_customer_events_cases" in steps


def _entry(store_id: int, customer_id: int, number: int) -> dict[str, object]:
    return {
        "store_id": store_id,
        "customer_id": customer_id,
        "type": "message.clicked",
        "subject": f"message:{number}",
        "source_key": f"clicked:{number}",
        "occurred_at": NOW - DAY,
        "recorded_at": NOW,
        "is_pending": False,
        "details": {},
    }
