"""What a customer's last order tells is looked for in that order, whatever SQLite knows of the rows."""

from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from app.db import Database
from app.segments import product_rhythms
from tests.seeds import add_customer, add_order, new_store

LATE_IN_A_YEAR: dict[str, dict[str | None, str]] = {
    "product_rhythms": {"ix_product_rhythms_now": "4644 401 45", None: "12960 401 6 1"},
    "orders": {"ix_orders_customer": "118296 401 43 1", "ix_orders_placed": "108216 401 1"},
    "order_lines": {"order_lines": "828000 401 8 1"},
}
"""How the rows of 2,469 households were spread: of a store it counts 401 and looks no further."""


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("people", [1, 2])
def test_not_all_lines_of_a_store_are_read_for_some_peoples_last_orders(
    database: Database, people: int
) -> None:
    store_id = new_store(database)
    with database.write() as session:
        buyers = [add_customer(session, store_id).id for _ in range(people)]
        for buyer in buyers:
            add_order(session, store_id, buyer)
    _spread(database)

    plans = _plans(database, store_id, buyers)

    assert any("order_lines" in plan for plan in plans)
    assert all("order_id=?" in plan for plan in plans if "order_lines" in plan)
    assert all("customer_id=?" in plan for plan in plans if " orders " in plan)
    assert all("product_external_id=?" in plan for plan in plans if "product_rhythms" in plan)


def _spread(database: Database) -> None:
    """Have SQLite's planner think so from the next connection on."""
    with database.write() as session:
        session.execute(text("ANALYZE"))
        session.execute(text("DELETE FROM sqlite_stat1"))
        for table, of_table in LATE_IN_A_YEAR.items():
            for index, stat in of_table.items():
                named = index or f"sqlite_autoindex_{table}_1"
                row = {"t": table, "i": named, "s": stat}
                session.execute(text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:t, :i, :s)"), row)
    database.dispose()


def _plans(database: Database, store_id: int, people: list[int]) -> list[str]:
    asked: list[tuple[str, Any]] = []

    def note(*told: Any) -> None:
        asked.append(told[2:4])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with database.read() as session:
            product_rhythms.long_gaps(session, store_id, people)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    with database.read() as session:
        connection = session.connection()
        return [
            str(row[-1])
            for words, values in asked
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", values)
        ]
