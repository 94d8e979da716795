"""Many rows in one statement: the database itself makes them from a series of numbers."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection

from app.db import to_micros

STRIDE = 7_919
"""A prime, so that the rows of one customer lie far from each other, as they do where time wrote them."""


def insert(
    connection: Connection,
    table: str,
    columns: Mapping[str, str],
    *,
    count: int,
    customers: int,
    begin: datetime,
    span: timedelta,
) -> None:
    """One INSERT … SELECT over the numbers 1 to `count`, for the store number 1.

    Args:
        columns: SQL over `n` by column. AT is a moment of the span in step with `n`, AT+3 three days later;
            PERSON is one of the customers; TRUE and FALSE are what the database calls them.
    """
    seconds = span.total_seconds()
    if connection.dialect.name == "sqlite":
        series = f"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count})"  # noqa: S608 (numbers)
        source, is_true, is_false = "s", "1", "0"
        at = f"({to_micros(begin)} + CAST({seconds * 1e6} * n / {count} AS INTEGER))"
        day = "86400000000"
    else:
        series, is_true, is_false = "", "true", "false"
        source = f"generate_series(1::bigint, {count}::bigint) AS s(n)"
        at = f"(TIMESTAMPTZ '{begin.isoformat()}' + make_interval(secs => {seconds} * n / {count}))"
        day = "INTERVAL '1 day'"
    words = {"AT": at, "PERSON": f"n * {STRIDE} % {customers} + 1", "TRUE": is_true, "FALSE": is_false}
    words |= {f"AT+{days}": f"{at} + {days} * {day}" for days in (1, 3)}
    values = ", ".join(words.get(value, value) for value in ("1", *columns.values()))
    names = ", ".join(("store_id", *columns))
    statement = f"INSERT INTO {table} ({names}) {series} SELECT {values} FROM {source}"  # noqa: S608 (ours)
    connection.exec_driver_sql(statement if series else statement.replace("%", "%%"))
