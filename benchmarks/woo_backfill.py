"""WooCommerce's history by pages of 100: orders a second into the mirror, against the driver alone.

As `bulk` measures it: the product is a worker in a process of its own, the shop that serves the file is
another, so its work is not counted, but for the last figure: the whole way through the emulator.
"""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from benchmarks import machine, stores, woo_bodies
from benchmarks.bulk import Run, kind_url
from benchmarks.databases import Databases
from benchmarks.floors import woo as floor
from benchmarks.floors.mirror import OnPostgres, OnSqlite

BATCH = 500
MOST_MIB = 200.0
LEAST_EMULATED = 300.0


def compare(kind: str, databases: Databases, *, orders: int, rounds: int) -> tuple[Run, Run]:
    """The best of floor and product over one file, taken in turns on fresh databases of one kind."""
    path = databases.folder / f"woo-{orders}.jsonl"
    woo_bodies.write(path, orders, customers=max(1, orders // 2))
    floors, products = [], []
    for _ in range(rounds):
        floors.append(_floor(kind, databases, path, orders))
        products.append(_product(kind, databases, path, orders))
    path.unlink()
    return max(floors, key=lambda run: run.rate), max(products, key=lambda run: run.rate)


def emulated(databases: Databases, *, households: int) -> tuple[Run, int]:
    """The same through the sandbox, which works its pages out; and how many orders it had."""
    port = machine.free_port()
    command = machine.python("-m", "benchmarks.woo_shop", str(port), "world", str(households))
    with machine.running(command, port, {}, databases.folder):
        found = _read(f"sqlite:///{databases.sqlite()}", f"http://127.0.0.1:{port}/woo")
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


def _product(kind: str, databases: Databases, path: Path, orders: int) -> Run:
    port = machine.free_port()
    command = machine.python("-m", "benchmarks.woo_shop", str(port), str(path))
    with machine.running(command, port, {}, databases.folder):
        found = _read(kind_url(kind, databases), f"http://127.0.0.1:{port}")
    if found["lines"] != 2 * orders:
        raise AssertionError(f"{found['lines']} of {2 * orders} lines are there")
    return _run(found, orders)


def _read(url: str, shop_url: str) -> dict[str, Any]:
    command = machine.python("-m", "benchmarks.bulk_reader", url, shop_url, "woocommerce", "")
    environment = {**os.environ, **stores.ENVIRONMENT, "PYTHONPATH": str(machine.ROOT)}
    done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _run(found: dict[str, Any], orders: int) -> Run:
    if found["orders"] != orders:
        raise AssertionError(f"{found['orders']} of {orders} orders are there")
    return Run(orders / found["seconds"], orders / found["cpu_seconds"], found["mib"])
