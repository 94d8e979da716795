"""Transactions on a database that ends connections, and one moment seen by several statements."""

from contextlib import ExitStack

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from app.db import Database
from tests.engines import POSTGRESQL

pytestmark = pytest.mark.parametrize("engine", [POSTGRESQL])
ISOLATION = text("SHOW transaction_isolation")


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


def test_a_snapshot_sees_one_moment_and_the_next_transaction_does_not(database: Database) -> None:
    with database.snapshot() as session:
        in_snapshot = session.execute(ISOLATION).scalar_one()
    with database.read() as session:
        afterwards = session.execute(ISOLATION).scalar_one()

    assert (in_snapshot, afterwards) == ("repeatable read", "read committed")


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
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
