"""The real `ritorno demo`: a process of its own, with the sandbox as another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

_COMMAND = str(Path(sys.executable).with_name("ritorno"))


@dataclass(frozen=True, slots=True)
class World:
    """What a demo is started with."""

    seed: int
    customers: int
    days: int
    step_minutes: int


@dataclass(frozen=True, slots=True)
class Demo:
    """A finished demo: what it printed, and the sandbox's folder."""

    figures: dict[str, Any]
    journal: Path


def run_demo(world: World, folder: Path, url: str, *, started_at: datetime | None = None) -> Demo:
    """Run the demo of a world to its end, in `folder`.

    Args:
        url: of an empty database; one of SQLite lies in the folder.
        started_at: the day after which the world ends; the present one if None.
    """
    arguments = {
        "--database": url,
        "--seed": world.seed,
        "--customers": world.customers,
        "--days": world.days,
        "--step-minutes": world.step_minutes,
        **({"--started-at": started_at.isoformat()} if started_at else {}),
    }
    words = [str(word) for pair in arguments.items() for word in pair]
    done = subprocess.run(
        [_COMMAND, "demo", "--json", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return Demo(json.loads(done.stdout), demo_folder(folder, url) / "sandbox")


def demo_folder(folder: Path, url: str) -> Path:
    """Where the demo of a database keeps its plan and the sandbox's folder."""
    database = make_url(url)
    if database.get_backend_name() == "sqlite":
        return Path(f"{database.database}.demo")
    return folder / "var" / f"demo-{database.database}"


def end_sandbox(folder: Path, url: str) -> None:
    """End the sandbox if a demo that failed left it behind: it survives whoever started it."""
    pid = demo_folder(folder, url) / "sandbox" / "sandbox.pid"
    if pid.exists():
        with suppress(ProcessLookupError):
            os.kill(int(pid.read_text()), signal.SIGKILL)
