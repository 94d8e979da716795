"""P5's floor: claim committed, rendered, posted, recorded in batches, by nothing but the driver and sockets.

One table, one sandboxed Jinja template compiled once, kept-open connections of asyncio, a writer that commits
what was answered every ten milliseconds. The claim is durable before the call and the answer after it.
"""

import asyncio
import json
import queue
import sqlite3
import threading
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from jinja2.sandbox import ImmutableSandboxedEnvironment

BATCH = 500
_LINKS = "".join(
    f'<p style="font-size:14px;color:#333">Paragrafo {n} di testo promozionale abbastanza lungo.</p>'
    f'<a href="https://m.example/r/{{{{ tok }}}}/{n}">prodotto {n}</a>'
    for n in range(12)
)
_TEMPLATE = (
    f"<html><body><h1>Ciao {{{{ first }}}}!</h1>{_LINKS}{{% if n > 3 %}}<b>VIP</b>{{% else %}}<b>10%</b>"
    '{% endif %}<p>{{ email }} <a href="https://m.example/u/{{ tok }}">Disiscriviti</a></p></body></html>'
)
_TABLE = "CREATE TABLE floor_messages(id {}, email text, first text, n int, state int, due bigint, tok text)"
_CLAIM = (
    "UPDATE floor_messages SET state = 1 WHERE id IN (SELECT id FROM floor_messages WHERE state = 0 AND "
    "due <= {0} ORDER BY due LIMIT {0} {1}) RETURNING id, email, first, n, tok"
)
_FAR = 10**9
Row = tuple[Any, ...]


class OnSqlite:
    """WAL with synchronous FULL."""

    def __init__(self, path: str, messages: int) -> None:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(_TABLE.format("integer PRIMARY KEY"))
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO floor_messages VALUES (?,?,?,?,0,?,?)", _rows(messages))
        connection.execute("COMMIT")
        connection.execute("CREATE INDEX floor_due ON floor_messages(due) WHERE state = 0")
        self._connection = connection

    def claim(self) -> Sequence[Row]:
        """The next batch, committed as claimed."""
        return self._connection.execute(_CLAIM.format("?", ""), (_FAR, BATCH)).fetchall()

    def record(self, ids: Sequence[int]) -> None:
        """Commit what was answered."""
        self._connection.execute("BEGIN")
        sent = "UPDATE floor_messages SET state = 2 WHERE id = ?"
        self._connection.executemany(sent, [(id_,) for id_ in ids])
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Leave the database."""
        self._connection.close()


class OnPostgres:
    """One connection, prepared statements."""

    def __init__(self, url: str, messages: int) -> None:
        self._connection = psycopg.connect(url, autocommit=True, prepare_threshold=1)
        self._connection.execute(_TABLE.format("bigint PRIMARY KEY").encode())
        with self._connection.cursor() as cursor:
            cursor.executemany("INSERT INTO floor_messages VALUES (%s,%s,%s,%s,0,%s,%s)", _rows(messages))
        self._connection.execute("CREATE INDEX floor_due ON floor_messages(due) WHERE state = 0")
        self._connection.execute("ANALYZE floor_messages")

    def claim(self) -> Sequence[Row]:
        """The next batch, committed as claimed."""
        statement = _CLAIM.format("%s", "FOR UPDATE SKIP LOCKED").encode()
        return self._connection.execute(statement, (_FAR, BATCH)).fetchall()

    def record(self, ids: Sequence[int]) -> None:
        """Commit what was answered."""
        statement = b"UPDATE floor_messages SET state = 2 WHERE id = ANY(%s::bigint[])"
        self._connection.execute(statement, (list(ids),))

    def close(self) -> None:
        """Leave the database."""
        self._connection.close()


def send_all(store: OnSqlite | OnPostgres, port: int, connections: int) -> None:
    """Send whatever is due."""
    asyncio.run(_Sender(store, port, connections).run())


def _rows(messages: int) -> list[Row]:
    return [(n, f"c{n}@example.com", f"Nome{n}", n % 8, n, f"{n * 7919:032x}") for n in range(messages)]


class _Sender:
    def __init__(self, store: OnSqlite | OnPostgres, port: int, connections: int) -> None:
        self._store, self._port, self._connections = store, port, connections
        self._answered: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        environment = ImmutableSandboxedEnvironment(autoescape=True)
        self._render = environment.from_string(_TEMPLATE).render

    async def run(self) -> None:
        waiting: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue(2 * self._connections)
        writer = threading.Thread(target=self._write)
        writer.start()
        await asyncio.gather(self._feed(waiting), *[self._send(waiting) for _ in range(self._connections)])
        self._answered.put(None)
        writer.join()

    def _write(self) -> None:
        is_over = False
        while not is_over:
            found = [self._answered.get()]
            # So that answers gather to one commit, as lim_send does it.
            time.sleep(0.01)
            while not self._answered.empty():
                found.append(self._answered.get())
            is_over = None in found
            with self._lock:
                self._store.record([id_ for id_ in found if id_ is not None])

    def _claim(self) -> Sequence[Row]:
        with self._lock:
            return self._store.claim()

    async def _feed(self, waiting: asyncio.Queue[tuple[int, bytes] | None]) -> None:
        loop = asyncio.get_running_loop()
        claimed = loop.run_in_executor(None, self._claim)
        while rows := await claimed:
            claimed = loop.run_in_executor(None, self._claim)
            for row in rows:
                await waiting.put((row[0], self._request(row)))
        for _ in range(self._connections):
            await waiting.put(None)

    def _request(self, row: Row) -> bytes:
        id_, email, first, n, tok = row
        html = self._render(email=email, first=first, n=n, tok=tok)
        people = [{"to": [{"email": email}], "custom_args": {"mid": str(id_)}}]
        content = [{"type": "text/html", "value": html}]
        mail = {"personalizations": people, "from": {"email": "shop@example.com"}, "subject": f"Ciao {first}"}
        body = json.dumps({**mail, "content": content}).encode()
        return b"POST /v3/mail/send HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    async def _send(self, waiting: asyncio.Queue[tuple[int, bytes] | None]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while (found := await waiting.get()) is not None:
            writer.write(found[1])
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 202 " not in head[:16]:
                raise AssertionError(head)
            self._answered.put(found[0])
        writer.close()
