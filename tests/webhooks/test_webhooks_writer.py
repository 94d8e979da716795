"""The thread that keeps deliveries: in groups, each once, and none at the cost of another."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from queue import Queue

import pytest
from sqlalchemy import select, text

from app.db import Database
from app.errors import Busy
from app.inbox import (
    BODIES,
    EVENTS,
    OF_EVENT,
    Kept,
    insert_rows_postgresql,
    insert_rows_sqlite,
    row_of,
)
from connectors.base import Envelope
from webhooks.writer import InboxWriter

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The writer's own: nobody waits long for a lock."""
    opened = Database(database_url, pool_size=1, busy_seconds=0.05).over_all_stores()
    yield opened
    opened.dispose()


@pytest.fixture
def writer(database: Database) -> Iterator[InboxWriter]:
    """A writer over it."""
    built = InboxWriter(database)
    yield built
    built.close()


def _kept(key: str, *, store_id: int = 1, topic: str = "orders/create", event_id: str | None = None) -> Kept:
    envelope = Envelope("shopify", topic, "a.myshopify.com", key, event_id=event_id)
    return Kept(store_id, envelope, f"body of {key}".encode(), NOW)


def _rows(database: Database) -> list[tuple[int, str, bytes]]:
    with database.read() as session:
        columns = (EVENTS.c.store_id, EVENTS.c.dedupe_key, BODIES.c.body)
        kept = select(*columns).join_from(EVENTS, BODIES, OF_EVENT).order_by(EVENTS.c.dedupe_key)
        return [tuple(row) for row in session.execute(kept)]


def test_a_delivery_is_there_when_keep_returns(database: Database, writer: InboxWriter) -> None:
    writer.keep(_kept("a"))

    assert _rows(database) == [(1, "a", b"body of a")]


def test_many_at_once_are_all_kept_each_once(database: Database, writer: InboxWriter) -> None:
    keys = [f"{number:03}" for number in range(200)]

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(writer.keep, [_kept(key) for key in keys * 3]))

    assert [key for _, key, _ in _rows(database)] == keys


def test_the_same_key_of_two_shops_is_two_deliveries(database: Database, writer: InboxWriter) -> None:
    for store_id in (1, 2, 1):
        writer.keep(_kept("a", store_id=store_id))

    assert [store_id for store_id, _, _ in _rows(database)] == [1, 2]


def test_of_one_key_twice_in_a_group_the_first_body_is_kept(database: Database) -> None:
    first, other = _kept("a"), _kept("b")
    second = Kept(1, first.envelope, b"another body", NOW)
    rows = [row_of(kept, is_sqlite=database.is_sqlite) for kept in (first, second, other, second)]
    insert = insert_rows_sqlite if database.is_sqlite else insert_rows_postgresql

    connection = database.engine.raw_connection()
    for _ in range(2):
        insert(connection.driver_connection, rows)
        connection.commit()
    connection.close()

    assert _rows(database) == [(1, "a", b"body of a"), (1, "b", b"body of b")]


def test_the_first_body_of_a_key_stays(database: Database, writer: InboxWriter) -> None:
    first = _kept("a")
    writer.keep(first)

    writer.keep(Kept(1, first.envelope, b"another body", NOW))

    assert _rows(database) == [(1, "a", b"body of a")]


def test_text_that_no_database_holds_is_made_storable(database: Database, writer: InboxWriter) -> None:
    writer.keep(_kept("a", topic="orders/\0create\ud800" + "x" * 300, event_id="e\0"))

    with database.read() as session:
        row = session.execute(select(EVENTS)).one()
    assert row.topic.startswith("orders/create?xxx")
    assert len(row.topic) == 100
    assert row.event_id == "e"


def test_a_delivery_that_the_database_refuses_stops_only_itself(
    database: Database, writer: InboxWriter
) -> None:
    answers: Queue[Busy | None] = Queue()
    refused = _kept("x" * 200) if not database.is_sqlite else _kept("b", store_id=_NOT_NULL)

    for kept in (_kept("a"), refused, _kept("c")):
        writer.hand_over(kept, answers.put)
    told = [answers.get(timeout=10) for _ in range(3)]

    assert sorted(answer is None for answer in told) == [False, True, True]
    assert [key for _, key, _ in _rows(database)] == ["a", "c"]


_NOT_NULL: int = None  # type: ignore[assignment]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_while_another_writes_nothing_is_acknowledged(database: Database, writer: InboxWriter) -> None:
    other = Database(database.url)
    with other.write() as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(Busy):
            writer.keep(_kept("a"))
    other.dispose()

    writer.keep(_kept("b"))
    assert [key for _, key, _ in _rows(database)] == ["b"]


def test_closing_finishes_what_was_taken(database: Database, writer: InboxWriter) -> None:
    answers: Queue[Busy | None] = Queue()
    for number in range(50):
        writer.hand_over(_kept(f"{number:02}"), answers.put)

    writer.close()

    assert [answers.get(timeout=0) for _ in range(50)] == [None] * 50
    assert len(_rows(database)) == 50


def test_after_closing_the_next_delivery_finds_a_writer(database: Database, writer: InboxWriter) -> None:
    writer.keep(_kept("a"))
    writer.close()

    writer.keep(_kept("b"))

    assert [key for _, key, _ in _rows(database)] == ["a", "b"]
