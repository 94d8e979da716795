"""Connections that ended under a transaction, one moment seen by several statements, and SQLite's planner."""

import json
from contextlib import ExitStack, suppress

import psycopg
import pytest
from sqlalchemy import event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from app.db import Database, few_pages
from app.engines import read_json
from app.errors import Busy
from app.flows.shop import LiveShop
from app.mirror import sums
from app.models import Customer, Store
from tests.conftest import NOW
from tests.engines import POSTGRESQL
from tests.seeds import add_customer, add_order, new_store

ON_POSTGRESQL = pytest.mark.parametrize("engine", [POSTGRESQL])
MORE_THAN_THE_DRIVER_WAITS_FOR = 7
"""It prepares a statement at its sixth run."""
ISOLATION = text("SHOW transaction_isolation")


@ON_POSTGRESQL
def test_connections_that_were_cut_while_they_rested_cost_no_transaction(database: Database) -> None:
    _rest_three(database)
    _cut_all(database)
    with database.write() as session:
        session.execute(text("CREATE TABLE kept (id int)"))

    _rest_three(database)
    _cut_all(database)
    with database.snapshot() as session:
        kept = session.execute(text("SELECT count(*) FROM kept")).scalar_one()

    assert kept == 0


@ON_POSTGRESQL
def test_a_snapshot_sees_one_moment_and_the_next_transaction_does_not(database: Database) -> None:
    with database.snapshot() as session:
        in_snapshot = session.execute(ISOLATION).scalar_one()
    with database.read() as session:
        afterwards = session.execute(ISOLATION).scalar_one()

    assert (in_snapshot, afterwards) == ("repeatable read", "read committed")


@ON_POSTGRESQL
def test_no_plan_is_kept_of_what_looks_for_a_batch_s_keys(database: Database) -> None:
    store_id = new_store(database)
    for _ in range(MORE_THAN_THE_DRIVER_WAITS_FOR):
        with database.of_store(store_id).write() as session:
            sums.refresh(session, store_id, [1, 2])

    with database.read() as session:
        kept = session.execute(text("SELECT statement FROM pg_prepared_statements")).scalars().all()

    assert any("INSERT INTO timers" in statement for statement in kept)
    assert not any("ANY (" in statement or "UPDATE customers" in statement for statement in kept)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_store_that_grew_is_not_read_whole_for_one_customer(database: Database) -> None:
    """Their products are found by way of their orders; SQLite would take the store's lines one by one."""
    store_id = new_store(database)
    with database.write() as session:
        people = [add_customer(session, store_id).id for _ in range(20)]
        for number in range(200):
            add_order(session, store_id, people[number % 20], placed_at=NOW, external_id=str(number))
        session.execute(_THREE_LINES_EACH)
    before = _way_to_the_products(database, store_id, people[0])

    database.take_stock()

    assert "order_lines" in before[0]
    assert "ix_orders_customer" in _way_to_the_products(database, store_id, people[0])[0]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_stock_is_taken_again_only_of_what_grew(database: Database) -> None:
    store_id = new_store(database)
    for number in range(2):
        _add_customers(database, store_id, 200 if number == 0 else 1)
        database.take_stock()
    few_more = _stock_of_customers(database)
    _add_customers(database, store_id, 2000)

    database.take_stock()

    assert few_more == 200
    assert _stock_of_customers(database) > 1000


def test_who_reads_far_and_wide_keeps_few_pages_and_the_next_one_as_many_as_ever(database: Database) -> None:
    with database.read() as session:
        usual = _pages_kept(session)
    with suppress(ZeroDivisionError), database.write() as session:
        before = _pages_kept(session)
        with few_pages(session):
            meanwhile = _pages_kept(session)
            raise ZeroDivisionError
    with database.read() as session:
        afterwards = _pages_kept(session)

    if database.is_sqlite:
        assert (before, meanwhile, afterwards) == (usual, "-1024", usual)
        assert int(usual) < -1024
    else:
        assert before == meanwhile == afterwards


def _pages_kept(session: Session) -> str:
    """SQLite's setting of a connection; PostgreSQL's pages are its server's."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    return str(
        session.execute(text("PRAGMA cache_size" if is_sqlite else "SHOW shared_buffers")).scalar_one()
    )


def test_who_opens_a_door_finds_nothing_of_who_went_through_before(database: Database) -> None:
    store_id = new_store(database)
    with database.write() as before:
        before.info["said"] = "by the one before"
        customer = add_customer(before, store_id)

    with database.read() as after:
        assert after is before
        assert (after.info, [*after], customer in after) == ({}, [], False)


def test_a_session_whose_block_failed_is_not_used_again(database: Database) -> None:
    used: list[Session] = []
    with pytest.raises(ZeroDivisionError):
        _fail_with_a_customer(database, new_store(database), used)

    with database.write() as one, database.read() as another:
        found = another.execute(select(Customer)).all()

    assert (found, len({*used, one, another})) == ([], 3)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_who_reads_waits_for_no_writer_and_who_writes_waits_at_once(database: Database) -> None:
    impatient = Database(database.url, busy_seconds=0.05)
    store_id = new_store(database)

    with database.write() as session:
        add_customer(session, store_id)
        with impatient.read() as reader:
            seen = reader.execute(text("SELECT count(*) FROM customers")).scalar_one()
        with pytest.raises(Busy), impatient.write() as writer:
            writer.execute(text("SELECT 1"))

    impatient.dispose()
    assert seen == 0


def _fail_with_a_customer(database: Database, store_id: int, used: list[Session]) -> None:
    with database.write() as session:
        used.append(session)
        add_customer(session, store_id)
        session.flush()
        raise ZeroDivisionError


def _add_customers(database: Database, store_id: int, count: int) -> None:
    with database.write() as session:
        for _ in range(count):
            add_customer(session, store_id)


def _stock_of_customers(database: Database) -> int:
    """How many customers SQLite takes there to be; it looks at a part of many."""
    told = text("SELECT stat FROM sqlite_stat1 WHERE tbl = 'customers' LIMIT 1")
    with database.read() as session:
        return int(session.execute(told).scalar_one().split()[0])


_THREE_LINES_EACH = text(
    "INSERT INTO order_lines (store_id, order_id, external_id, product_external_id, title, quantity,"
    " current_quantity, total_minor) SELECT store_id, orders.id, value, value, '', 1, 1, 100"
    " FROM orders, json_each('[1, 2, 3]')"
)


def _way_to_the_products(database: Database, store_id: int, customer_id: int) -> list[str]:
    """The steps by which SQLite finds what a customer owns."""
    with database.read() as session:
        asked: list[str] = []
        event.listen(session.get_bind(), "before_cursor_execute", lambda *told: asked.append(told[2]))
        LiveShop(session, store_id).owned(customer_id)
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[0]}", (store_id, customer_id))
        return [row.detail for row in plan]


def _rest_three(database: Database) -> None:
    """Have the pool hold connections that were used."""
    with ExitStack() as opened:
        for _ in range(3):
            opened.enter_context(database.read()).execute(text("SELECT 1"))


def _cut_all(database: Database) -> None:
    """End every connection to the database but the one that does so."""
    url = make_url(database.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )


@pytest.mark.parametrize(
    "kept",
    [
        *(
            "{}",
            " [1, -0, -0.0, 1.0, 1E5, 0.1, 5e-324] ",
            '{"a": 1, "b": {"c": null}, "a": [true, "\\u0000"]}',
        ),
        *(
            "123456789012345678901234567890",
            "18446744073709551616",
            "-9223372036854775809",
            "1e400",
            "1e-400",
        ),
        *("NaN", "[Infinity, -Infinity]", '"\\ud800"', '"\\ud83d\\ude00 \u00e9"', "[" * 500 + "]" * 500),
    ],
)
def test_what_is_kept_as_json_is_read_as_the_standard_library_reads_it(kept: str) -> None:
    assert repr(read_json(kept)) == repr(json.loads(kept))
    assert repr(read_json(kept.encode())) == repr(json.loads(kept.encode()))


def test_numbers_kept_as_json_come_back_as_they_are(database: Database) -> None:
    told = '{"great": 123456789012345678901234567890, "small": 0.1, "whole": 1.0, "micros": 1793491200000000}'
    store_id = new_store(database)

    with database.of_store(store_id).write() as session:
        session.execute(text("UPDATE stores SET settings = :told"), {"told": told})
    with database.of_store(store_id).read() as session:
        assert repr(session.get_one(Store, store_id).settings) == repr(json.loads(told))
