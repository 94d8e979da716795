"""P1: deliveries a second that are kept durably, against a bare endpoint that does the same insert.

Floor and product alternate in one run, on the same server software and the same kind of database; the best
of the rounds counts. Each round checks that every delivery answered 200 is stored exactly once.
"""

import base64
import hmac
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.db import Database
from benchmarks import machine, stores
from benchmarks.bodies import CLIENT_SECRET, SHOP, order_body
from benchmarks.databases import Databases, alchemy_url

CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Case:
    """One server over one database; `prepare` makes the database and gives its SQLAlchemy URL."""

    name: str
    command: Callable[[int], list[str]]
    prepare: Callable[[Databases], tuple[str, dict[str, str]]]
    table: str


@dataclass(frozen=True, slots=True)
class Figure:
    """What one round gave."""

    rate: float
    p50_ms: float
    p99_ms: float
    server_cpu_share: float
    load_cpu_share: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class Pair:
    """A product case and its floor."""

    title: str
    goal: float
    floor: Case
    product: Case


def pairs() -> list[Pair]:
    """What is compared."""
    hosted, embedded = _product("--hosted"), _product("--worker", "none")
    return [
        Pair("hosted, SQLite", 0.30, _floor("granian", _granian, _sqlite_floor), hosted(_sqlite)),
        Pair("hosted, PostgreSQL", 0.30, _floor("granian", _granian, _postgres_floor), hosted(_postgres)),
        Pair("embedded, SQLite", 0.60, _floor("waitress", _waitress, _sqlite_floor), embedded(_sqlite)),
        Pair(
            "embedded, PostgreSQL", 0.60, _floor("waitress", _waitress, _postgres_floor), embedded(_postgres)
        ),
    ]


def compare(pair: Pair, databases: Databases, *, seconds: float, rounds: int) -> tuple[Figure, Figure]:
    """The best round of floor and product, taken in turns."""
    best: dict[str, Figure] = {}
    for _ in range(rounds):
        for case in (pair.floor, pair.product):
            figure = measure(case, databases, seconds)
            if case.name not in best or figure.rate > best[case.name].rate:
                best[case.name] = figure
    return best[pair.floor.name], best[pair.product.name]


def measure(case: Case, databases: Databases, seconds: float) -> Figure:
    """One round.

    Raises:
        AssertionError: a delivery was refused, or one that was answered 200 is not stored exactly once.
    """
    url, environment = case.prepare(databases)
    port = machine.free_port()
    folder = databases.folder
    with machine.running(case.command(port), port, environment, folder) as process:
        warm = _load(port, folder, 1.0, "warm")
        cpu = machine.cpu_seconds(process.pid)
        told = _load(port, folder, seconds, "measured")
        cpu = machine.cpu_seconds(process.pid) - cpu
    acknowledged = warm["statuses"].get("200", 0) + told["statuses"].get("200", 0)
    stored, distinct = _stored(url, case.table)
    if set(warm["statuses"]) | set(told["statuses"]) != {"200"}:
        raise AssertionError(f"{case.name} refused deliveries: {warm['statuses']} {told['statuses']}")
    if not stored == distinct == acknowledged:
        raise AssertionError(
            f"{case.name}: {acknowledged} acknowledged, {stored} stored, {distinct} distinct"
        )
    kept = told["statuses"]["200"]
    return Figure(
        rate=kept / told["seconds"],
        p50_ms=told["p50_ms"],
        p99_ms=told["p99_ms"],
        server_cpu_share=cpu / told["seconds"],
        load_cpu_share=told["cpu"] / told["seconds"],
        cpu_us=cpu / kept * 1e6,
    )


def _load(port: int, folder: Path, seconds: float, prefix: str) -> dict[str, Any]:
    body = order_body()
    path = folder / "body.json"
    path.write_bytes(body)
    signature = base64.b64encode(hmac.digest(CLIENT_SECRET.encode(), body, "sha256")).decode()
    job = {
        "port": port,
        "connections": CONNECTIONS,
        "seconds": seconds,
        "path": "/webhooks/shopify",
        "body": str(path),
        "prefix": prefix,
        "id_header": "X-Shopify-Webhook-Id",
        "headers": [
            "Content-Type: application/json",
            "User-Agent: Shopify-Captain-Hook",
            "X-Shopify-Topic: orders/create",
            f"X-Shopify-Shop-Domain: {SHOP}",
            f"X-Shopify-Hmac-Sha256: {signature}",
            "X-Shopify-API-Version: 2026-10",
            "X-Shopify-Event-Id: 98880550-7158-44d4-b7cd-2c97c8a091b5",
            "X-Shopify-Triggered-At: 2026-11-02T08:59:01.154Z",
        ],
    }
    command = machine.python(str(machine.ROOT / "benchmarks" / "load.py"), json.dumps(job))
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return told


def _stored(url: str, table: str) -> tuple[int, int]:
    key = "webhook_id" if table == "floor_events" else "dedupe_key"
    database = Database(url).over_all_stores()
    with database.read() as session:
        statement = sa.text(f"SELECT count(*), count(DISTINCT {key}) FROM {table}")  # noqa: S608
        stored, distinct = session.execute(statement).one()
    database.dispose()
    return stored, distinct


def _floor(
    name: str,
    command: Callable[[int], list[str]],
    prepare: Callable[[Databases], tuple[str, dict[str, str]]],
) -> Case:
    return Case(f"floor on {name}", command, prepare, "floor_events")


def _product(*arguments: str) -> Callable[[Callable[[Databases], str]], Case]:
    def _command(port: int) -> list[str]:
        return machine.python("-m", "app.cli.entry", "serve", "--port", str(port), *arguments)

    def _case(make: Callable[[Databases], str]) -> Case:
        def _prepare(databases: Databases) -> tuple[str, dict[str, str]]:
            url = make(databases)
            stores.connect(url).database.dispose()
            return url, {**stores.ENVIRONMENT, "DATABASE_URL": url}

        return Case("product", _command, _prepare, "inbound_events")

    return _case


def _granian(port: int) -> list[str]:
    place = ("--host", "127.0.0.1", "--port", str(port), "--workers", "1")
    options = ("--interface", "asginl", "--log-level", "error", "--no-ws")
    return machine.python("-m", "granian", *options, *place, "benchmarks.floors.receive:front")


def _waitress(port: int) -> list[str]:
    return machine.python("-m", "benchmarks.floors.receive", str(port))


def _sqlite(databases: Databases) -> str:
    return f"sqlite:///{databases.sqlite()}"


def _postgres(databases: Databases) -> str:
    return alchemy_url(databases.postgresql())


def _sqlite_floor(databases: Databases) -> tuple[str, dict[str, str]]:
    path = databases.sqlite()
    return f"sqlite:///{path}", {"FLOOR_URL": f"sqlite:{path}", "FLOOR_SECRET": CLIENT_SECRET}


def _postgres_floor(databases: Databases) -> tuple[str, dict[str, str]]:
    url = databases.postgresql()
    return alchemy_url(url), {"FLOOR_URL": url, "FLOOR_SECRET": CLIENT_SECRET}
