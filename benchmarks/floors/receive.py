"""P1's floor: the least that an honest endpoint does: check the signature, keep the bytes durably, answer.

Group commit as in the product: deliveries wait for one writer thread. No framework, no topics, one table with
one unique key. `app` is WSGI, `front` is ASGI. Environment: FLOOR_URL (`sqlite:…` or `postgresql:…`),
FLOOR_SECRET. Started by a server's command (granian), or as a script with a port (waitress).
"""

import asyncio
import base64
import hmac
import os
import queue
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import waitress

SECRET = os.environ["FLOOR_SECRET"].encode()
URL = os.environ["FLOOR_URL"]
IS_SQLITE = URL.startswith("sqlite:")
CREATE = (
    "CREATE TABLE IF NOT EXISTS floor_events "
    "(id {}, topic text, webhook_id text UNIQUE, body {}, at double precision)"
)
INSERT = "INSERT INTO floor_events (topic, webhook_id, body, at) VALUES ({}) ON CONFLICT DO NOTHING"
Row = tuple[str, str, bytes, float]
waiting: queue.SimpleQueue[tuple[Row, Callable[[], object]]] = queue.SimpleQueue()


def open_table() -> Callable[[list[Row]], None]:
    """The function that inserts rows in one transaction."""
    if IS_SQLITE:
        connection = sqlite3.connect(URL.removeprefix("sqlite:"), isolation_level=None, timeout=30)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(CREATE.format("integer PRIMARY KEY", "blob"))

        def insert(rows: list[Row]) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(INSERT.format("?,?,?,?"), rows)
            connection.execute("COMMIT")

        return insert
    server = psycopg.connect(URL, autocommit=True, prepare_threshold=1)
    server.execute(CREATE.format("bigserial PRIMARY KEY", "bytea").encode())
    # Uncompressed bodies take the server's processor least.
    server.execute("ALTER TABLE floor_events ALTER body SET STORAGE EXTERNAL")

    def insert_many(rows: list[Row]) -> None:
        with server.transaction(), server.cursor() as cursor:
            cursor.executemany(INSERT.format("%s,%s,%b,%s").encode(), rows)

    return insert_many


def write() -> None:
    """The writer's thread: whatever has gathered is one transaction."""
    insert = open_table()
    while True:
        group = [waiting.get()]
        try:
            while len(group) < 500:
                group.append(waiting.get_nowait())
        except queue.Empty:
            pass
        insert([row for row, _ in group])
        for _, done in group:
            done()


threading.Thread(target=write, daemon=True).start()


def is_signed(body: bytes, signature: bytes) -> bool:
    """Whether we know who sent this."""
    return hmac.compare_digest(base64.b64encode(hmac.digest(SECRET, body, "sha256")), signature)


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
    """The endpoint as WSGI."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if not is_signed(body, environ.get("HTTP_X_SHOPIFY_HMAC_SHA256", "").encode()):
        start_response("401 Unauthorized", [("Content-Length", "0")])
        return [b""]
    lock = threading.Lock()
    lock.acquire()
    row = (environ["HTTP_X_SHOPIFY_TOPIC"], environ["HTTP_X_SHOPIFY_WEBHOOK_ID"], body, time.time())
    waiting.put((row, lock.release))
    lock.acquire()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]


async def front(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The endpoint as ASGI."""
    body, is_more = b"", True
    while is_more:
        message = await receive()
        body += message.get("body", b"")
        is_more = message.get("more_body", False)
    headers = dict(scope["headers"])
    status = 401
    if is_signed(body, headers.get(b"x-shopify-hmac-sha256", b"")):
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        row = (
            headers[b"x-shopify-topic"].decode(),
            headers[b"x-shopify-webhook-id"].decode(),
            body,
            time.time(),
        )
        waiting.put((row, lambda: loop.call_soon_threadsafe(future.set_result, None)))
        await future
        status = 200
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


if __name__ == "__main__":
    waitress.serve(app, host="127.0.0.1", port=int(sys.argv[1]), threads=32, ident=None)
