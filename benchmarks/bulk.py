"""P2 by bulk: orders a second from a bulk file into the mirror, against the driver alone with the same file.

The product runs as it does in a worker, a process of its own: it begins the operation, checks the file,
reads it and commits every 500 orders. The shop that serves the file is another process, so its work is
not counted, but for the last figure: the whole way through the emulator.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from benchmarks import bulk_bodies, machine, stores
from benchmarks.bodies import SHOP
from benchmarks.databases import Databases, alchemy_url
from benchmarks.floors import bulk as floor
from benchmarks.floors.mirror import OnPostgres, OnSqlite

BATCH = 500
MOST_MIB = 250.0
LEAST_EMULATED = 500.0
_SANDBOX_SHOP = "sandbox-aurora.myshopify.com"


@dataclass(frozen=True, slots=True)
class Run:
    """Orders a second, by the clock and by the process's own processor time, and its memory at the most."""

    rate: float
    cpu_rate: float
    mib: float = 0.0


def compare(kind: str, databases: Databases, *, orders: int, rounds: int) -> tuple[Run, Run]:
    """The best of floor and product over one file, taken in turns on fresh databases of one kind."""
    path = databases.folder / f"bulk-{orders}.jsonl"
    lines = bulk_bodies.write(path, orders, customers=max(1, orders // 2))
    floors, products = [], []
    for _ in range(rounds):
        floors.append(_floor(kind, databases, path, orders))
        products.append(_product(kind, databases, path, lines=lines, orders=orders))
    path.unlink()
    return max(floors, key=lambda run: run.rate), max(products, key=lambda run: run.rate)


def emulated(databases: Databases, *, households: int) -> tuple[Run, int]:
    """The same through the sandbox, which executes the query; and how many orders it had."""
    port = machine.free_port()
    command = machine.python("-m", "benchmarks.bulk_shop", str(port), "world", str(households))
    with machine.running(command, port, {}, databases.folder):
        base = f"http://127.0.0.1:{port}/shopify/{_SANDBOX_SHOP}"
        url = f"sqlite:///{databases.sqlite()}"
        found = _read(url, f"http://127.0.0.1:{port}/shopify/{{shop}}", _SANDBOX_SHOP, _token(base))
    return _run(found, int(found["total"])), int(found["total"])


def _floor(kind: str, databases: Databases, path: Path, orders: int) -> Run:
    target: OnSqlite | OnPostgres
    target = OnSqlite(str(databases.sqlite())) if kind == "SQLite" else OnPostgres(databases.postgresql())
    begun, cpu = time.perf_counter(), time.process_time()
    floor.read(path, target, batch=BATCH)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    if target.count() != orders:
        raise AssertionError(f"the floor: {target.count()} of {orders} orders are there")
    target.close()
    return Run(orders / seconds, orders / cpu)


def _product(kind: str, databases: Databases, path: Path, *, lines: int, orders: int) -> Run:
    port = machine.free_port()
    command = machine.python("-m", "benchmarks.bulk_shop", str(port), str(path), str(lines), str(orders))
    with machine.running(command, port, {}, databases.folder):
        found = _read(kind_url(kind, databases), f"http://127.0.0.1:{port}", SHOP, "t")
    if found["lines"] != lines - orders:
        raise AssertionError(f"{found['lines']} of {lines - orders} lines are there")
    return _run(found, orders)


def _read(url: str, shop_url: str, domain: str, token: str) -> dict[str, Any]:
    command = machine.python("-m", "benchmarks.bulk_reader", url, shop_url, domain, token)
    environment = {**os.environ, **stores.ENVIRONMENT, "PYTHONPATH": str(machine.ROOT)}
    done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _run(found: dict[str, Any], orders: int) -> Run:
    if found["orders"] != orders:
        raise AssertionError(f"{found['orders']} of {orders} orders are there")
    return Run(orders / found["seconds"], orders / found["cpu_seconds"], found["mib"])


def kind_url(kind: str, databases: Databases) -> str:
    """A fresh database of a kind, as SQLAlchemy writes its address."""
    makers: dict[str, Callable[[], str]] = {
        "SQLite": lambda: f"sqlite:///{databases.sqlite()}",
        "PostgreSQL": lambda: alchemy_url(databases.postgresql()),
    }
    return makers[kind]()


def _token(base: str) -> str:
    """A token that lasts, as the sandbox's shop gives it to its app."""
    query = {"client_id": "sandbox-client", "redirect_uri": "http://127.0.0.1:8000/back", "state": "s"}
    answer = requests.get(f"{base}/admin/oauth/authorize", query, allow_redirects=False, timeout=10)
    code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
    sent = {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "code": code}
    given = requests.post(f"{base}/admin/oauth/access_token", json=sent, timeout=10)
    return str(given.json()["access_token"])
