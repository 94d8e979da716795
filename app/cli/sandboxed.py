"""The sandbox as a process of its own: started beside the database, found again after a crash."""

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import urllib3

from app.errors import AppError

_START_SECONDS = 120.0
_POLL_SECONDS = 0.1
_MINUTES = urllib3.Timeout(connect=5, read=900)


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What a demo was started with; kept beside its database, so that it can go on.

    `started_at` is the real moment of the first start, to which the data set's weeks are shifted.
    """

    seed: int
    customers: int
    days: int
    started_at: str
    port: int
    sandbox_port: int
    client_id: str
    client_secret: str


def load_or_make_plan(
    folder: Path, *, seed: int, customers: int, days: int, started_at: datetime, port: int
) -> DemoPlan:
    """The plan of this folder; a new one when there is none."""
    path = folder / "demo.json"
    if path.exists():
        return DemoPlan(**json.loads(path.read_text()))
    plan = DemoPlan(
        seed=seed,
        customers=customers,
        days=days,
        started_at=started_at.isoformat(),
        port=port or _free_port(),
        sandbox_port=_free_port(),
        client_id="sandbox-" + secrets.token_hex(8),
        client_secret=secrets.token_hex(24),
    )
    folder.mkdir(parents=True, exist_ok=True)
    # Whole or not at all: a demo that is killed here begins anew.
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(asdict(plan), indent=2))
    partial.replace(path)
    return plan


class Sandbox:
    """The running sandbox, spoken to over HTTP."""

    def __init__(self, plan: DemoPlan, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{plan.sandbox_port}"
        self._plan = plan
        self._folder = folder
        self._pool = urllib3.PoolManager(timeout=_MINUTES, retries=False)
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator["Sandbox"]:
        """Have it come up, and end it with the block; a process that is killed leaves it alive.

        So does a block that fails where it was up before: it may be that of another demo, which goes on.
        """
        self.start()
        is_over = False
        try:
            yield self
            is_over = True
        finally:
            if is_over or self._process is not None:
                self.stop()

    def start(self) -> None:
        """Have the process come up unless it lives already; it survives this one."""
        if self._is_up():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("ab") as lock:
            # Whoever started it holds the lock through it: a demo that was killed while its sandbox came
            # up finds that one, instead of starting another that writes to the same journal.
            self._process = self._start(lock.fileno()) if _is_free(lock.fileno()) else None

    def _start(self, lock: int) -> "subprocess.Popen[bytes]":
        with (self._folder / "sandbox.log").open("ab") as log:
            process = subprocess.Popen(
                self._command(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=(lock,),
            )
        self._pid_file.write_text(str(process.pid))
        return process

    def wait_until_up(self) -> None:
        """Wait until it answers.

        Raises:
            AppError: it did not come up.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._is_up():
                return
            if self._process is not None and self._process.poll() is not None:
                break
            time.sleep(_POLL_SECONDS)
        raise AppError(f"the sandbox did not start; see {self._folder / 'sandbox.log'}")

    def stop(self) -> None:
        """End the process; its journal stays, and the next start goes on from it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
        elif self._pid_file.exists() and self._is_up():
            os.kill(int(self._pid_file.read_text()), signal.SIGTERM)
        else:
            return
        self._pid_file.unlink(missing_ok=True)

    @property
    def _pid_file(self) -> Path:
        return self._folder / "sandbox.pid"

    def get(self, path: str) -> dict[str, Any]:
        """A JSON answer of the control addresses."""
        return self._call("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send JSON to a control address.

        Raises:
            AppError: it was refused.
        """
        return self._call("POST", path, body)

    def _command(self) -> list[str]:
        plan = self._plan
        return [
            sys.executable,
            "-m",
            "app.cli.entry",
            "sandbox",
            *("--port", str(plan.sandbox_port)),
            *("--journal", str(self._folder)),
            *("--seed", str(plan.seed)),
            *("--customers", str(plan.customers)),
            *("--days", str(plan.days)),
            *("--started-at", plan.started_at),
            *("--client-id", plan.client_id),
            *("--client-secret", plan.client_secret),
            *("--ritorno-url", f"http://127.0.0.1:{plan.port}"),
        ]

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        answer = self._pool.request(method, self.url + path, json=body)
        if answer.status >= 400:
            raise AppError(f"the sandbox answered {answer.status} to {path}: {answer.data[:200]!r}")
        found: dict[str, Any] = answer.json()
        return found

    def _is_up(self) -> bool:
        try:
            self.get("/control/state")
        except (urllib3.exceptions.HTTPError, AppError):
            return False
        return True


def _is_free(lock: int) -> bool:
    """Whether nobody held the lock; it is ours now, and that of the processes that we hand it to."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
