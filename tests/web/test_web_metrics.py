"""What a scrape costs: nothing that grows with what left before."""

from datetime import timedelta
from typing import Any

from sqlalchemy import event, insert, text

from app.db import Database, table_of
from app.models import DeliveryEvent, InboundEvent, Message, MessageAttempt
from app.web import metrics
from tests.conftest import NOW
from tests.seeds import add_customer, add_message, new_store

HISTORIES = [table_of(model).name for model in (Message, MessageAttempt, DeliveryEvent, InboundEvent)]
WAITING = "ix_inbound_events_waiting"
"""Holds what waits alone: it may be read whole."""
PAST = 3000


def test_no_scrape_reads_what_ended_before(database: Database) -> None:
    _fill(database)
    asked: list[tuple[str, Any]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
    with database.read() as session:
        figures = metrics.render(session, NOW).decode()
    is_sqlite, explain = database.is_sqlite, "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    with database.read() as session:
        connection = session.connection()
        plan = [
            str(row[-1] if is_sqlite else row[0])
            for statement, values in list(asked)
            for row in connection.exec_driver_sql(f"{explain} {statement}", values)
        ]

    whole = [line for line in plan if any(_reads_whole(line, name) for name in HISTORIES)]
    assert [line for line in whole if WAITING not in line] == []
    assert any("ix_messages_status" in line for line in plan)
    # By the store alone, all of its calls.
    assert not any("ix_message_attempts_message" in line for line in plan)
    assert 'ritorno_messages{status="unknown"} 1.0' in figures
    assert 'ritorno_reports_last_hour{kind="bounced"} 1.0' in figures


def test_figures_of_several_stores_are_added_up(database: Database) -> None:
    for word in ("one", "two", "three"):
        store_id = new_store(database, word)
        with database.write() as session:
            customer_id = add_customer(session, store_id).id
            add_message(
                session, store_id, customer_id, status="queued", due_at=NOW - timedelta(minutes=len(word))
            )
            add_message(session, store_id, customer_id, status="held")
    with database.read() as session:
        figures = metrics.render(session, NOW).decode()

    assert 'ritorno_messages{status="queued"} 3.0' in figures
    assert 'ritorno_messages{status="held"} 3.0' in figures
    assert 'ritorno_messages{status="sending"} 0.0' in figures
    assert "ritorno_messages_oldest_due_seconds 300.0" in figures


def _reads_whole(line: str, table: str) -> bool:
    return f"SCAN {table}" in line or f"Seq Scan on {table}" in line


def _fill(database: Database) -> None:
    """A store with a long past and a little that is under way; PostgreSQL knows how its rows are spread."""
    store_id = new_store(database)
    with database.write() as session:
        customer_id = add_customer(session, store_id).id
        one = add_message(session, store_id, customer_id, status="unknown")
        values = {
            column.name: getattr(one, column.name) for column in table_of(Message).c if column.name != "id"
        }
        long_ago = NOW - timedelta(days=90)
        ended = {
            **values,
            "status": "delivered",
            "due_at": long_ago,
            "next_at": long_ago,
            "sent_at": long_ago,
        }
        numbers = range(PAST)
        session.execute(insert(Message), [{**ended, "key": f"k{number}"} for number in numbers])
        of = {"store_id": store_id, "message_id": one.id}
        calls = {**of, "started_at": long_ago, "ended_at": long_ago, "outcome": "accepted"}
        session.execute(insert(MessageAttempt), [calls for _ in numbers])
        told = {**of, "type": "delivered", "occurred_at": long_ago}
        session.execute(insert(DeliveryEvent), [{**told, "event_key": f"e{number}"} for number in numbers])
        bounced = {**told, "type": "bounced", "occurred_at": NOW - timedelta(minutes=5)}
        session.execute(insert(DeliveryEvent), [{**bounced, "event_key": "bounced"}])
        came = {"store_id": store_id, "source": "shopify", "topic": "orders/create", "status": "done"}
        moments = {"received_at": long_ago, "next_at": long_ago}
        session.execute(
            insert(InboundEvent), [{**came, **moments, "dedupe_key": f"d{number}"} for number in numbers]
        )
        if not database.is_sqlite:
            session.execute(text("ANALYZE"))
