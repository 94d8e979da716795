"""P6's floor: signed posts verified, read, kept once, and their messages moved, by no more than the driver.

A transaction a post, two tables.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

import psycopg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.posts import Post

_RANK = {"processed": 1, "delivered": 2, "open": 3}
_EVENTS = "CREATE TABLE floor_events(eid text PRIMARY KEY, mid bigint, kind text, at bigint, url text)"
_MESSAGES = "CREATE TABLE floor_told(id {} PRIMARY KEY, state int)"
Row = tuple[Any, ...]


class OnSqlite:
    """WAL with synchronous FULL."""

    def __init__(self, path: str, messages: int) -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(f"{_EVENTS} WITHOUT ROWID")
        connection.execute(_MESSAGES.format("integer"))
        connection.executemany("INSERT INTO floor_told VALUES (?, 0)", [(n,) for n in range(messages + 1)])
        self._connection = connection

    def take(self, post: Post, key: ec.EllipticCurvePublicKey) -> None:
        """One post, committed."""
        rows, best = _read(post, key)
        self._connection.execute("BEGIN IMMEDIATE")
        insert = "INSERT INTO floor_events VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING"
        self._connection.executemany(insert, rows)
        move = "UPDATE floor_told SET state = max(state, ?) WHERE id = ?"
        self._connection.executemany(move, [(rank, id_) for id_, rank in best.items()])
        self._connection.execute("COMMIT")

    def count(self) -> int:
        """How many events are there."""
        found: int = self._connection.execute("SELECT count(*) FROM floor_events").fetchone()[0]
        return found

    def close(self) -> None:
        """Leave the database."""
        self._connection.close()


class OnPostgres:
    """Arrays unnested: one statement for the events of a post, one for the states."""

    def __init__(self, url: str, messages: int) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute(_EVENTS.encode())
        self._connection.execute(_MESSAGES.format("bigint").encode())
        fill = b"INSERT INTO floor_told SELECT n, 0 FROM generate_series(0, %s) n"
        self._connection.execute(fill, (messages,))

    def take(self, post: Post, key: ec.EllipticCurvePublicKey) -> None:
        """One post, committed."""
        rows, best = _read(post, key)
        insert = (
            b"INSERT INTO floor_events SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[], "
            b"%s::bigint[], %s::text[]) ON CONFLICT DO NOTHING"
        )
        move = (
            b"UPDATE floor_told t SET state = v.state FROM unnest(%s::bigint[], %s::int[]) v(id, state) "
            b"WHERE v.id = t.id AND t.state < v.state"
        )
        with self._connection.transaction():
            self._connection.execute(insert, [list(column) for column in zip(*rows, strict=True)])
            self._connection.execute(move, [list(best), list(best.values())])

    def count(self) -> int:
        """How many events are there."""
        row = self._connection.execute("SELECT count(*) FROM floor_events").fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """Leave the database."""
        self._connection.close()


def _read(post: Post, key: ec.EllipticCurvePublicKey) -> tuple[Sequence[Row], dict[int, int]]:
    key.verify(post.signature, post.timestamp.encode() + post.body, ec.ECDSA(hashes.SHA256()))
    rows, best = [], dict[int, int]()
    for event in json.loads(post.body):
        mid = int(event["mid"])
        rows.append((event["sg_event_id"], mid, event["event"], event["timestamp"], event.get("url")))
        best[mid] = max(best.get(mid, 0), _RANK[event["event"]])
    return rows, best
