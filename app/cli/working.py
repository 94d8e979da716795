"""`worker`, `migrate`: the processes of a deployment that serve nobody, so that they load no web side."""

import argparse
import gc
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from app import migrate
from app.runtime import Runtime
from connectors.channels.local import LocalChannel
from jobs.alarm import Alarm
from jobs.kit import Kit
from jobs.worker import Worker

_COLLECTED_AFTER = (20_000, 20, 20)
"""Objects more than before, until the youngest are looked at; rounds of them, until the older ones are."""


def on_termination(stop: Callable[[], None]) -> None:
    """Call this when the process is asked to end."""

    def _stop(_number: int, _frame: FrameType | None) -> None:
        stop()

    signal.signal(signal.SIGTERM, _stop)


def keep_loaded() -> None:
    """Take what is loaded by now out of the garbage collector's rounds.

    It stays as long as the process; looking at it again and again cost a tenth of the work on a batch. What
    a batch makes goes with it, too: looked at after every 700 objects it cost three hundredths of the rest.
    """
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AFTER)


def _work(runtime: Runtime, arguments: argparse.Namespace) -> None:
    stopped = threading.Event()
    kits = [Kit.build(runtime, LocalChannel(None), stopping=stopped) for _ in range(arguments.concurrency)]
    workers = [Worker(kit) for kit in kits]
    keep_loaded()
    alarm = Alarm(runtime.database, workers[0].look)
    on_termination(stopped.set)
    for worker in workers:
        worker.start()
    alarm.open()
    print(f"Ritorno works with {len(workers)} worker(s)", flush=True)
    stopped.wait()
    for worker in workers:
        worker.stop()
    alarm.close()


def _migrate(runtime: Runtime, arguments: argparse.Namespace) -> str:
    migrate.upgrade(runtime.settings.database)
    return f"the database is at {migrate.head()}"


def _add_worker(branches: Any) -> None:
    parser = branches.add_parser("worker", help="do what is due, apart from the web side")
    parser.add_argument("--concurrency", type=int, default=1, help="how many clocks run in this process")
    parser.set_defaults(run=_work, needs_runtime=True)


def _add_migrate(branches: Any) -> None:
    parser = branches.add_parser("migrate", help="bring the database to the newest version")
    parser.set_defaults(run=_migrate, needs_runtime=True)


COMMANDS = (_add_worker, _add_migrate)
