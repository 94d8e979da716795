"""The floor of a tick: what is due of those that wait is claimed by a partial index, and moved on.

Committed each time. Nothing but the driver, one connection, one statement a claim. What is due together lies
scattered over the table, as people's turns come in another order than they entered.
"""

import sqlite3
from collections.abc import Callable

import psycopg

_TABLE = (
    "CREATE TABLE floor_waiting "
    "(id {id} PRIMARY KEY, store {id}, step {id}, is_waiting {id}, due {id}, worker text)"
)
_INDEX = "CREATE INDEX floor_due ON floor_waiting (due) WHERE is_waiting = 1"
_CLAIM = (
    "UPDATE floor_waiting SET due = due + {far}, step = step + 1, worker = 'one' WHERE id IN "
    "(SELECT id FROM floor_waiting WHERE is_waiting = 1 AND due <= {now} ORDER BY due LIMIT {most}{lock}) "
    "RETURNING id, store, step"
)
_APART = 104_729
"""How far from one row to the next to be due: a prime, so that each moment comes once."""
Tick = Callable[[int], int]
"""Claims what is due at a moment and commits; how many that were."""


def on_sqlite(path: str, waiting: int, most: int) -> Tick:
    """Over a file in WAL with synchronous FULL."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(_TABLE.format(id="INTEGER"))
    connection.execute(
        "INSERT INTO floor_waiting WITH RECURSIVE s(n) AS "
        "(SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ?) SELECT n, 1, 0, 1, n * ? % ? + 1, NULL FROM s",
        (waiting, _APART, waiting),
    )
    connection.execute(_INDEX)
    connection.execute("ANALYZE")
    claim = _CLAIM.format(far=waiting, now="?", most="?", lock="")
    return lambda now: len(connection.execute(claim, (now, most)).fetchall())


def on_postgres(url: str, waiting: int, most: int) -> Tick:
    """The same with rows that others lock passed over."""
    connection = psycopg.connect(url, autocommit=True, prepare_threshold=1)
    connection.execute(_TABLE.format(id="bigint").encode())
    connection.execute(
        "INSERT INTO floor_waiting SELECT n, 1, 0, 1, n * %s %% %s + 1, NULL "
        "FROM generate_series(1::bigint, %s) n",
        (_APART, waiting, waiting),
    )
    connection.execute(_INDEX)
    connection.execute("VACUUM ANALYZE floor_waiting")
    claim = _CLAIM.format(far=waiting, now="%s", most="%s", lock=" FOR UPDATE SKIP LOCKED").encode()
    return lambda now: len(connection.execute(claim, (now, most)).fetchall())
