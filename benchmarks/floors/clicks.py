"""The floor of a click: a bare Flask route that proves the token, keeps a row durably and leads on.

Find the link; then in one transaction keep the click, mark the message and tell the timeline. Nothing but the
driver, on one kept-open connection.
"""

import hmac
import os
import sqlite3
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import waitress
from flask import Flask, abort, redirect
from werkzeug.wrappers import Response

TABLES = (
    "CREATE TABLE floor_mails (id {id} PRIMARY KEY, link text, clicked text)",
    "CREATE TABLE floor_clicks (id {serial} PRIMARY KEY, mail bigint, url text, at text, key text UNIQUE)",
    "CREATE TABLE floor_entries (id {serial} PRIMARY KEY, mail bigint, at text, key text UNIQUE)",
)
SELECT = "SELECT link, clicked FROM floor_mails WHERE id = {0}"
STATEMENTS = (
    "INSERT INTO floor_clicks (mail, url, at, key) VALUES ({0}, {0}, {0}, {0}) ON CONFLICT DO NOTHING",
    "UPDATE floor_mails SET clicked = {0} WHERE id = {0} AND clicked IS NULL",
    "INSERT INTO floor_entries (mail, at, key) VALUES ({0}, {0}, {0}) ON CONFLICT DO NOTHING",
)
SECRET = b"benchmark"
Execute = Callable[[str, tuple[Any, ...]], Any]


def token_of(number: int) -> str:
    """The token of a mail's link."""
    return f"{number}.{_mac(str(number))}"


def on_sqlite(path: str, mails: int) -> tuple[Flask, Callable[[], int]]:
    """The route over a file in WAL with synchronous FULL, and how many clicks are there."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    for table in TABLES:
        connection.execute(table.format(id="integer", serial="integer"))
    rows = [(number, f"https://bottega.example/p/{number}") for number in range(1, mails + 1)]
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO floor_mails (id, link) VALUES (?, ?)", rows)
    connection.execute("COMMIT")
    app = _app(connection.execute, "?", "BEGIN IMMEDIATE")
    return app, lambda: int(connection.execute("SELECT count(*) FROM floor_clicks").fetchone()[0])


def on_postgres(url: str, mails: int) -> tuple[Flask, Callable[[], int]]:
    """The same over one connection with prepared statements."""
    connection = psycopg.connect(url, autocommit=True, prepare_threshold=1)
    for table in TABLES:
        connection.execute(table.format(id="bigint", serial="bigserial").encode())
    links = b"SELECT n, 'https://bottega.example/p/' || n FROM generate_series(1, %s) n"
    fill = b"INSERT INTO floor_mails (id, link) " + links
    connection.execute(fill, (mails,))
    app = _app(lambda text, values: connection.execute(text.encode(), values or None), "%s", "BEGIN")

    def _count() -> int:
        row = connection.execute("SELECT count(*) FROM floor_clicks").fetchone()
        return int(row[0]) if row else 0

    return app, _count


def _app(execute: Execute, mark: str, begin: str) -> Flask:
    app = Flask(__name__)
    select, (keep, note, tell) = SELECT.format(mark), [text.format(mark) for text in STATEMENTS]

    @app.get("/c/<token>")
    def click(token: str) -> Response:
        """Go where the link leads."""
        text, _, mac = token.partition(".")
        if not hmac.compare_digest(mac, _mac(text)):
            abort(404)
        number, at = int(text), datetime.now(UTC).isoformat()
        row = execute(select, (number,)).fetchone()
        if row is None:
            abort(404)
        execute(begin, ())
        execute(keep, (number, row[0], at, f"{number}:{at}"))
        execute(note, (at, number))
        execute(tell, (number, at, f"{number}:{at}"))
        execute("COMMIT", ())
        return redirect(row[0])

    return app


def _mac(text: str) -> str:
    return hmac.digest(SECRET, text.encode(), "sha256").hex()


def served() -> Flask:
    """The route over the database that FLOOR_URL names, with FLOOR_MAILS mails."""
    url, mails = os.environ["FLOOR_URL"], int(os.environ["FLOOR_MAILS"])
    open_on = on_sqlite if url.startswith("sqlite:") else on_postgres
    app, _ = open_on(url.removeprefix("sqlite:"), mails)
    return app


if __name__ == "__main__":
    # One connection has one transaction at a time.
    waitress.serve(served(), host="127.0.0.1", port=int(sys.argv[1]), threads=1, ident=None)
