"""The sandbox as a process of its own: started beside the database, found again after a crash."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3

from app.cli.demo_plan import DemoPlan
from app.errors import AppError

LOCK = "lock"
"""Held by whoever works in a folder. It stays where all else is deleted: others look at this very file."""
_PID = "sandbox.pid"
_START_SECONDS = 120.0
_POLL_SECONDS = 0.1
_MINUTES = urllib3.Timeout(connect=5, read=900)


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

        For who is alone in the demo's folder: one that lived already ends with the block, too.
        """
        try:
            self.start()
            yield self
        finally:
            self.stop()

    def start(self) -> None:
        """Have the process come up unless it lives already; it survives this one."""
        if self._is_up():
            return
        with _lock(self._folder) as lock:
            # Whoever started it holds the lock through it: a demo that was killed while its sandbox came
            # up finds that one, instead of starting another that writes to the same journal.
            if _is_free(lock):
                self._start(lock)

    def _start(self, lock: int) -> None:
        with (self._folder / "sandbox.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=(lock,),
            )
        self._pid_file.write_text(str(self._process.pid))

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
            self._pid_file.unlink(missing_ok=True)
        else:
            end_left_behind(self._folder)

    @property
    def _pid_file(self) -> Path:
        return self._folder / _PID

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


def end_left_behind(folder: Path) -> None:
    """End the sandbox of this folder, which another process started, if it lives; its journal stays.

    Raises:
        AppError: it lives, and whoever started it was killed before its number was noted.
    """
    number = folder / _PID
    with _lock(folder) as lock:
        if not _is_free(lock):
            known = number.read_text() if number.exists() else ""
            if not known:
                raise AppError(f"a sandbox works in {folder}, and nobody noted its number: end it by hand")
            # Who holds the lock lives, so the number is still its own; it lets go when it has ended.
            os.kill(int(known), signal.SIGTERM)
            fcntl.flock(lock, fcntl.LOCK_EX)
    number.unlink(missing_ok=True)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Have no other demo work in a folder for the time of the block; one that is killed lets go of it.

    Raises:
        AppError: one does.
    """
    with _lock(folder) as lock:
        if not _is_free(lock):
            raise AppError(
                f"another demo is at work in {folder}: end it, or give this one a --database of its own"
            )
        yield


@contextmanager
def _lock(folder: Path) -> Iterator[int]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("ab") as lock:
        yield lock.fileno()


def _is_free(lock: int) -> bool:
    """Whether nobody held the lock; it is ours now, and that of the processes that we hand it to."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
