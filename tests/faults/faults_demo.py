"""The demo as a process that is killed and started again with the same arguments, until it ends by itself."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
STARTED_AT = "2026-11-02T09:00:00Z"
STEP = ("--step-minutes", "120")
SMALL = ("--customers", "15", "--days", "40", "--seed", "3", *STEP)
"""Days enough that it is still on its way after a dozen kills."""
WITH_VOUCHERS = ("--customers", "25", "--days", "25", "--seed", "1", *STEP)
COMPARED = ("messages", "enrollments", "orders", "customers", "revenue")
_MOST_STARTS = 200
_SECONDS = 300
_POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Instant:
    """When to kill: once the world went on by so many steps since the start, and so many seconds later."""

    steps: int
    seconds: float


@dataclass
class Demo:
    """One demo in a folder of its own.

    Attributes:
        database_url: "" for the default, SQLite under the folder.
        failpoints: the text of FAILPOINTS while it runs.
        deaths: how often it was killed so far.
    """

    folder: Path
    database_url: str = ""
    size: tuple[str, ...] = SMALL
    failpoints: str = ""
    deaths: int = 0
    figures: dict[str, Any] = field(default_factory=dict)

    def run_to_its_end(self, kills: Sequence[Instant] = ()) -> None:
        """Start it until it ends by itself; the first starts are killed at these instants, one each."""
        waiting = list(kills)
        for _ in range(_MOST_STARTS):
            if self._run_once(waiting.pop(0) if waiting else None):
                return
            self.deaths += 1
        raise AssertionError(f"it died {self.deaths} times and never came to its end")

    def compared(self) -> dict[str, Any]:
        """The figures that must be the same in every run."""
        return {name: self.figures[name] for name in COMPARED}

    def sunk(self) -> list[dict[str, Any]]:
        """The sink's own log: every message that it accepted, as often as it did."""
        (journal,) = self.folder.rglob("sink.jsonl")
        return [json.loads(line) for line in journal.read_text().splitlines()]

    def heard(self) -> Counter[tuple[str, ...]]:
        """What people were told: channel, address, subject and moment, each with its number of times."""
        return Counter((one["channel"], one["to"], one["subject"] or "", one["at"]) for one in self.sunk())

    def end_sandbox(self) -> None:
        """End the world of this demo; it outlives the demo on purpose."""
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if self._is_world(process):
                    os.kill(int(process.name), signal.SIGKILL)

    def _run_once(self, kill_at: Instant | None) -> bool:
        """Whether it ended by itself; else it was killed."""
        database = ("--database", self.database_url) if self.database_url else ()
        moment = ("--json", "--started-at", STARTED_AT)
        with (self.folder / "demo.log").open("ab") as log, (self.folder / "told.json").open("wb") as told:
            process = subprocess.Popen(
                [sys.executable, "-m", "app.cli.entry", "demo", *self.size, *moment, *database],
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": str(ROOT), "FAILPOINTS": self.failpoints},
                stdout=told,
                stderr=log,
            )
        if kill_at is not None:
            self._kill_at(process, kill_at)
        status = process.wait(_SECONDS)
        if status == 0:
            self.figures = json.loads((self.folder / "told.json").read_text())
        elif status != -signal.SIGKILL:
            words = (self.folder / "demo.log").read_text()[-2000:]
            raise AssertionError(f"the demo failed by itself ({status}): {words}")
        return status == 0

    def _kill_at(self, process: "subprocess.Popen[bytes]", instant: Instant) -> None:
        first = self._steps()
        while process.poll() is None and self._steps() < first + instant.steps:
            _pause(_POLL_SECONDS)
        end = time.monotonic() + instant.seconds
        while process.poll() is None and time.monotonic() < end:
            _pause(_POLL_SECONDS)
        process.kill()

    def _steps(self) -> int:
        """How many steps the world has made."""
        return sum(path.read_bytes().count(b"\n") for path in self.folder.rglob("advances.jsonl"))

    def _is_world(self, process: Path) -> bool:
        """Every demo names its journal alike, so where a process runs tells whose world it is."""
        words = (process / "cmdline").read_bytes()
        is_sandbox = f"--journal\0{self._journal()}\0".encode() in words
        return is_sandbox and (process / "cwd").readlink() == self.folder.resolve()

    def _journal(self) -> Path:
        # The demo names its folders relative to where it runs, and so does the sandbox's command.
        found = [path.parent.relative_to(self.folder) for path in self.folder.rglob("world.json")]
        return found[0] if found else Path("nowhere")


def instants(seed: int) -> list[Instant]:
    """Random ones: some while it starts and both shops are installed, then a dozen all along the way."""
    chance = random.Random(seed)
    starting = [Instant(0, chance.uniform(0.3, 3.0)) for _ in range(5)]
    travelling = [Instant(chance.randint(1, 10), chance.uniform(0.0, 0.1)) for _ in range(12)]
    return starting + travelling


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)
