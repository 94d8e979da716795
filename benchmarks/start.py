"""P7: how long until the first answer, and how much memory is held, beside what the imports cost."""

import os
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from benchmarks import machine, stores
from benchmarks.databases import Databases, alchemy_url

_IMPORTS = (
    "import flask, sqlalchemy, sqlalchemy.orm, apscheduler.schedulers.background, "
    "authlib.integrations.flask_client, requests"
)
_SETTLE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Started:
    """How a process came up."""

    title: str
    seconds: float
    cpu_seconds: float
    mib: float
    limit_mib: float


def imports(rounds: int) -> tuple[float, float]:
    """The floor: seconds and processor seconds until the packages are imported, best of the rounds."""
    best = (float("inf"), float("inf"))
    for _ in range(rounds):
        begun, before = time.perf_counter(), os.times()
        subprocess.run(machine.python("-c", _IMPORTS), check=True)
        after = os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        best = min(best, (time.perf_counter() - begun, cpu))
    return best


def measure(databases: Databases, rounds: int) -> list[Started]:
    """Each kind of process on a warm database, best of the rounds."""
    found = []
    for kind, url in (
        ("SQLite", f"sqlite:///{databases.sqlite()}"),
        ("PostgreSQL", alchemy_url(databases.postgresql())),
    ):
        stores.connect(url).database.dispose()
        for title, arguments in (("web, embedded worker", ()), ("web, hosted", ("--hosted",))):
            runs = [_serve(f"{title}, {kind}", url, arguments, databases) for _ in range(rounds)]
            found.append(min(runs, key=lambda run: run.seconds))
        found.append(_work(f"worker, {kind}", url, databases))
    return found


def _serve(title: str, url: str, arguments: tuple[str, ...], databases: Databases) -> Started:
    port = machine.free_port()
    command = machine.python("-m", "app.cli.entry", "serve", "--port", str(port), *arguments)
    begun = time.perf_counter()
    with machine.running(
        command, port, {**stores.ENVIRONMENT, "DATABASE_URL": url}, databases.folder
    ) as process:
        _first_answer(port)
        seconds, cpu = time.perf_counter() - begun, machine.cpu_seconds(process.pid)
        _use(port)
        time.sleep(_SETTLE_SECONDS)
        serving = machine.family(process.pid)[-1]
        return Started(title, seconds, cpu, machine.resident_mib(serving), 110.0)


def _work(title: str, url: str, databases: Databases) -> Started:
    command = machine.python("-m", "app.cli.entry", "worker")
    begun = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=databases.folder,
        env={**os.environ, "PYTHONPATH": str(machine.ROOT), **stores.ENVIRONMENT, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
    )
    try:
        if process.stdout is None or not process.stdout.readline():
            raise RuntimeError("the worker did not come up")
        seconds, cpu = time.perf_counter() - begun, machine.cpu_seconds(process.pid)
        time.sleep(_SETTLE_SECONDS)
        return Started(title, seconds, cpu, machine.resident_mib(process.pid), 130.0)
    finally:
        process.terminate()
        process.wait(20)


def _first_answer(port: int) -> None:
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.005)
        else:
            return


def _use(port: int) -> None:
    """Some pages and refused deliveries, so that what comes in lazily is there."""
    for path in ("/readyz", "/metrics", "/app/", "/api/v1/openapi.json", "/webhooks/shopify") * 5:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).close()
        except urllib.error.HTTPError as refused:
            refused.close()
