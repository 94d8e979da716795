"""The floor of a tick: a timer table alone, in the order of its moments; what is due is claimed.

Committed each time. Nothing but the driver, one connection, one statement a claim.
"""

import sqlite3
from collections.abc import Callable

import psycopg

CLAIM = (
    "DELETE FROM floor_timers WHERE (due, id) IN "
    "(SELECT due, id FROM floor_timers WHERE due <= {now} ORDER BY due, id LIMIT {most}{lock}) RETURNING id"
)
Tick = Callable[[int], int]
"""Claims what is due at a moment and commits; how many that were."""


def on_sqlite(path: str, waiting: int, most: int) -> Tick:
    """Over a file in WAL with synchronous FULL; the timer number n is due at the moment n."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(
        "CREATE TABLE floor_timers (due INTEGER, id INTEGER, PRIMARY KEY (due, id)) WITHOUT ROWID"
    )
    connection.execute(
        "INSERT INTO floor_timers WITH RECURSIVE s(n) AS "
        "(SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ?) SELECT n, n FROM s",
        (waiting,),
    )
    claim = CLAIM.format(now="?", most="?", lock="")
    return lambda now: len(connection.execute(claim, (now, most)).fetchall())


def on_postgres(url: str, waiting: int, most: int) -> Tick:
    """The same with rows that others lock passed over."""
    connection = psycopg.connect(url, autocommit=True, prepare_threshold=1)
    connection.execute("CREATE TABLE floor_timers (due bigint, id bigint, PRIMARY KEY (due, id))")
    connection.execute(
        "INSERT INTO floor_timers SELECT n, n FROM generate_series(1::bigint, %s::bigint) n", (waiting,)
    )
    connection.execute("VACUUM ANALYZE floor_timers")
    claim = CLAIM.format(now="%s", most="%s", lock=" FOR UPDATE SKIP LOCKED").encode()
    return lambda now: len(connection.execute(claim, (now, most)).fetchall())
