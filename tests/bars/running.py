"""Runs a bar: its tests in a pytest of their own, whose report is read afterwards."""

import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bars.bar import Bar
from tests.bars.judging import BOTH, NEITHER, Case
from tests.bars.sizes import VARIABLE, Scale

ROOT = Path(__file__).parents[2]
_TIMES_ITS_MINUTES = 4
_LEAST_SECONDS = 300
_PATIENCE_SECONDS = 60
_WORDS = 300


@dataclass(frozen=True)
class Run:
    """What came of a bar's tests, and the seconds that they took."""

    cases: list[Case]
    seconds: float


def run(bar: Bar, scale: Scale, folder: Path) -> Run:
    """Run a bar's tests; their words go where ours go, their report under the folder.

    Tests that take four times as long as they should are ended.
    """
    report = (folder / f"{bar.name}.xml").absolute()
    report.unlink(missing_ok=True)
    begun = time.monotonic()
    process = subprocess.Popen(
        _command(bar, report),
        cwd=ROOT,
        env={**os.environ, VARIABLE: scale},
        start_new_session=True,
    )
    limit = max(_LEAST_SECONDS, bar.minutes * 60 * _TIMES_ITS_MINUTES)
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(limit)
        is_late = process.poll() is None
    finally:
        _end(process)
    cases = [Case("pytest", NEITHER, f"it was ended after {limit:.0f} s")] if is_late else []
    if report.exists():
        cases += read(report.read_text())
    elif not is_late:
        cases.append(Case("pytest", NEITHER, f"it ended by itself ({process.returncode}) without a report"))
    return Run(cases, time.monotonic() - begun)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Have pytest end what its tests started and tell what it knows; kill it if it does not."""
    for asked in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, asked)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE_SECONDS)


def read(report: str) -> Iterator[Case]:
    """The cases of a report of pytest."""
    for case in ET.fromstring(report).iter("testcase"):  # noqa: S314 (pytest's own report)
        name = case.attrib.get("name", "")
        figures = [
            (one.attrib["name"], float(one.attrib["value"]))
            for one in case.iter("property")
            if one.attrib["name"] != _DATABASE
        ]
        named = [one.attrib["value"] for one in case.iter("property") if one.attrib["name"] == _DATABASE]
        yield Case(name, named[0] if named else _database_of(name), _flaw(case), figures)


_DATABASE = "database"
"""The property by which a test without a parameter `engine` names its database."""


def _command(bar: Bar, report: Path) -> list[str]:
    """All tests of a bar, in their order; two at a time where nothing is timed."""
    lanes = ("-n", str(bar.lanes), "--dist", "worksteal") if bar.lanes > 1 else ("-n", "0")
    tests = [f"tests/{test}" for test in bar.tests]
    plain = ("-q", "--no-header", "--tb=short", "-p", "no:randomly", "-p", "no:cacheprovider")
    # The newer family of reports has no place for the figures of a test.
    report_of = ("-o", "junit_family=xunit1", f"--junitxml={report}")
    return [sys.executable, "-m", "pytest", *plain, *lanes, *report_of, *tests]


def _database_of(name: str) -> str:
    words: Sequence[str] = name.partition("[")[2].rstrip("]").split("-")
    return next((word for word in words if word in BOTH), NEITHER)


def _flaw(case: ET.Element) -> str:
    """What went wrong in the first words; a test that was skipped proves nothing."""
    for kind in ("failure", "error", "skipped"):
        found = case.find(kind)
        if found is not None:
            return f"{kind}: {found.attrib.get('message', '')[:_WORDS]}"
    return ""
