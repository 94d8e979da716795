"""Clicks a second from 32 connections over real servers, floor and product in turns.

The product is served as `serve` does it: hosted by granian, embedded by waitress. The floor, the bare Flask
route of `floors/clicks.py`, has its one connection and so one thread of waitress. Each round checks that all
visits were led on and kept once; that they count is what `clicks.py` measures.
"""

import http.client
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.db import Database
from benchmarks import clicks, machine, stores
from benchmarks.databases import Databases, alchemy_url
from benchmarks.floors import clicks as floors

CONNECTIONS = 32
SERVERS = {"hosted": ("--hosted",), "embedded": ("--worker", "none")}


@dataclass(frozen=True, slots=True)
class Storm:
    """Visits a second, what one takes of the server's processor, and how long the slowest hundredth waits."""

    rate: float
    cpu_us: float
    p99_ms: float


def compare(kind: str, databases: Databases, *, visits: int, rounds: int) -> dict[str, Storm]:
    """The best round of the floor and of the product on each server, on fresh databases of one kind."""
    best: dict[str, Storm] = {}
    for _ in range(rounds):
        for name in ("floor", *SERVERS):
            found = (
                _floor(kind, databases, visits)
                if name == "floor"
                else _product(kind, databases, visits, name)
            )
            if name not in best or found.rate > best[name].rate:
                best[name] = found
    return best


@dataclass(frozen=True, slots=True)
class _Case:
    """A server over a database of its own, what is visited there, and how the visits kept are counted."""

    command: Sequence[str]
    port: int
    environment: dict[str, str]
    paths: Sequence[str]
    url: str
    kept: str


def _floor(kind: str, databases: Databases, visits: int) -> Storm:
    place = str(databases.sqlite() if kind == "SQLite" else databases.postgresql())
    url, told = alchemy_url(place), place
    if kind == "SQLite":
        url, told = f"sqlite:///{place}", f"sqlite:{place}"
    paths = [f"/c/{floors.token_of(number)}" for number in range(1, visits + 1)]
    port = machine.free_port()
    command = machine.python("-m", "benchmarks.floors.clicks", str(port))
    environment = {"FLOOR_URL": told, "FLOOR_MAILS": str(visits)}
    kept = "SELECT count(*) FROM floor_clicks"
    return _stormed(_Case(command, port, environment, paths, url, kept), databases.folder)


def _product(kind: str, databases: Databases, visits: int, server: str) -> Storm:
    url = f"sqlite:///{databases.sqlite()}" if kind == "SQLite" else alchemy_url(databases.postgresql())
    runtime = stores.connect(url)
    first = clicks.fill(runtime, visits)
    paths = [clicks.path_of(runtime, first + number, number) for number in range(visits)]
    runtime.database.dispose()
    port = machine.free_port()
    command = machine.python("-m", "app.cli.entry", "serve", "--port", str(port), *SERVERS[server])
    environment = {**stores.ENVIRONMENT, "DATABASE_URL": url}
    kept = "SELECT count(*) FROM inbound_events WHERE source = 'link'"
    return _stormed(_Case(command, port, environment, paths, url, kept), databases.folder)


def _stormed(case: _Case, folder: Path) -> Storm:
    """Visit every path once.

    Raises:
        AssertionError: a visit was not led on, or is not kept once.
    """
    with machine.running(case.command, case.port, case.environment, folder) as process:
        _await_pages(case.port)
        cpu = machine.cpu_seconds(process.pid)
        told = _load(case.port, folder, case.paths)
        cpu = machine.cpu_seconds(process.pid) - cpu
    database = Database(case.url).over_all_stores()
    with database.read() as session:
        count = session.execute(sa.text(case.kept)).scalar_one()
    database.dispose()
    visits = len(case.paths)
    if told["statuses"] != {"302": visits} or count != visits:
        raise AssertionError(f"{told['statuses']} answered, {count} of {visits} kept")
    return Storm(visits / told["seconds"], cpu / visits * 1e6, told["p99_ms"])


def _await_pages(port: int) -> None:
    """A link that leads nowhere is the pages' affair, which a hosted process still loads when it answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/c/nowhere")
    answer = connection.getresponse()
    connection.close()
    if answer.status != http.client.NOT_FOUND:
        raise AssertionError(f"a link that leads nowhere was answered {answer.status}")


def _load(port: int, folder: Path, paths: Sequence[str]) -> dict[str, Any]:
    listed = folder / "paths.txt"
    listed.write_text("\n".join(paths))
    headers = [f"{name}: {value}" for name, value in clicks.AGENT.items()]
    job = {
        "port": port,
        "connections": CONNECTIONS,
        "seconds": 600.0,
        "paths": str(listed),
        "headers": headers,
    }
    command = machine.python(str(machine.ROOT / "benchmarks" / "load.py"), json.dumps(job))
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return told
