"""Ritorno's own commands as processes that are killed, counted, and started again.

They are forked from a server that has everything loaded, so that a death costs milliseconds; what they run
is `ritorno worker` and `ritorno serve`, and a kill is a kill.
"""

import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from app.cli import parser

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.faults.faults_preload"])
_POLL_SECONDS = 0.02
_PATIENCE_SECONDS = 10.0


def run(arguments: Sequence[str], environment: Mapping[str, str], log: str) -> None:
    """The whole life of such a process: the command, with its words in a file."""
    os.environ.update(environment)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(written, stream.fileno())
    sys.exit(parser.main(arguments))


@dataclass
class Deaths:
    """The named places at which processes are to die, and how often they did.

    Attributes:
        most: deaths wanted at each place.
        probability: of dying there each time that it is reached.
    """

    places: tuple[str, ...]
    most: int = 8
    probability: float = 0.9
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    counted: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next_place(self) -> str:
        """Where the next process dies; "" once there were enough deaths everywhere."""
        wanting = self.wanting()
        return self.chance.choice(wanting) if wanting else ""

    def wanting(self) -> list[str]:
        """The places that had too few so far."""
        with self._lock:
            return [place for place in self.places if self.counted[place] < self.most]

    def note(self, place: str) -> None:
        """One more."""
        with self._lock:
            self.counted[place] += 1

    @property
    def is_enough(self) -> bool:
        """Whether every place had its deaths."""
        return not self.wanting()


class Kept:
    """One process that a supervisor starts again whenever it dies.

    Attributes:
        deaths: where it shall die by itself, if anywhere.
        exits: the statuses with which it ended.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        deaths: Deaths | None = None,
    ) -> None:
        self.deaths = deaths
        self.exits: Counter[int] = Counter()
        self.is_worker = arguments[0] == "worker"
        self._arguments, self._environment, self._log = arguments, environment, str(log)
        self._ending = threading.Event()
        self._place, self._since = "", 0.0
        self._process: ForkServerProcess | None = None
        self._thread = threading.Thread(target=self._supervise, daemon=True)

    def start(self) -> "Kept":
        """Begin."""
        self._process = self._spawn()
        self._thread.start()
        return self

    def kill(self) -> None:
        """kill -9; the supervisor starts it again."""
        if self._process is not None:
            self._process.kill()

    def freeze(self) -> None:
        """SIGSTOP: it stands still wherever it is, as a paused machine does."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on, and does not know that time went by."""
        self._signal(signal.SIGCONT)

    def stop(self) -> tuple[int, float]:
        """SIGTERM, and no new start; the status, and the seconds that it took."""
        self._ending.set()
        self._thread.join()
        begun = time.monotonic()
        process = self._process
        if process is None:
            return 0, 0.0
        self._signal(signal.SIGTERM)
        process.join(60)
        if process.is_alive():
            process.kill()
            process.join()
        return process.exitcode or 0, time.monotonic() - begun

    def _signal(self, number: signal.Signals) -> None:
        process = self._process
        if process is not None and process.pid is not None and process.is_alive():
            os.kill(process.pid, number)

    def _spawn(self) -> ForkServerProcess:
        self._place = self.deaths.next_place() if self.deaths else ""
        self._since = time.monotonic()
        armed = {
            "FAILPOINTS": f"{self._place}={self.deaths.probability}" if self._place and self.deaths else ""
        }
        process = _FORKS.Process(
            target=run, args=(self._arguments, {**self._environment, **armed}, self._log)
        )
        process.start()
        return process

    def _supervise(self) -> None:
        while not self._ending.wait(_POLL_SECONDS):
            process = self._process
            if process is None or process.is_alive():
                self._hurry()
                continue
            self.exits[process.exitcode or 0] += 1
            if self._place and self.deaths and process.exitcode == -signal.SIGKILL and not self._is_hurried:
                self.deaths.note(self._place)
            self._is_hurried = False
            process.close()
            self._process = self._spawn()

    _is_hurried = False

    def _hurry(self) -> None:
        """A place that is not reached for a while gives way to another one, if there is one."""
        is_late = time.monotonic() - self._since > _PATIENCE_SECONDS
        has_others = self.deaths is not None and self.deaths.wanting() not in ([], [self._place])
        if self._place and is_late and has_others and self._process is not None:
            self._is_hurried = True
            self._process.kill()


def until(is_so: Callable[[], bool], seconds: float, *, step: Callable[[], Any] | None = None) -> bool:
    """Wait for something; whether it came about in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        if step is not None:
            step()
        threading.Event().wait(0.25)
    return is_so()
