"""`worker`, `migrate`: the processes of a deployment that serve nobody, so that they load no web side."""

import argparse
import threading
from typing import Any

from app import migrate, watching
from app.cli.ending import on_termination
from app.cli.words import number
from app.loading import keep_loaded
from app.runtime import Runtime
from connectors.channels.local import LocalChannel
from jobs.alarm import Alarm
from jobs.kit import Kit
from jobs.worker import Worker


class Workers:
    """The workers of this process, and the alarm that wakes the first of them."""

    def __init__(self, runtime: Runtime, count: int = 1) -> None:
        stopping = threading.Event()
        kits = [Kit.build(runtime, LocalChannel(None), stopping=stopping) for _ in range(count)]
        self._workers = [Worker(kit) for kit in kits]
        self._alarm = Alarm(runtime.database, self._workers[0].look)

    def start(self) -> None:
        """Begin; call it after any fork."""
        for worker in self._workers:
            worker.start()
        self._alarm.open()

    def stop(self) -> None:
        """Stop taking work and wait for what is under way."""
        for worker in self._workers:
            worker.stop()
        self._alarm.close()


def _work(runtime: Runtime, arguments: argparse.Namespace) -> None:
    stopped, settings = threading.Event(), runtime.settings
    watching.begin(spans_to=settings.otel_exporter_otlp_endpoint, surprises_to=settings.sentry_dsn)
    workers = Workers(runtime, arguments.concurrency)
    keep_loaded()
    on_termination(stopped.set)
    workers.start()
    print(f"Ritorno works with {arguments.concurrency} worker(s)", flush=True)
    stopped.wait()
    workers.stop()
    watching.end()


def _migrate(runtime: Runtime, arguments: argparse.Namespace) -> str:
    migrate.upgrade(runtime.settings.database)
    return f"the database is at {migrate.head()}"


def _add_worker(branches: Any) -> None:
    parser = branches.add_parser("worker", help="do what is due, apart from the web side")
    parser.add_argument("--concurrency", type=number, default=1, help="how many clocks run in this process")
    parser.set_defaults(run=_work, needs_runtime=True)


def _add_migrate(branches: Any) -> None:
    parser = branches.add_parser("migrate", help="bring the database to the newest version")
    parser.set_defaults(run=_migrate, needs_runtime=True)


COMMANDS = (_add_worker, _add_migrate)
