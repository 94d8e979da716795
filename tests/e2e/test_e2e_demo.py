"""`ritorno demo` from the handshake to the last message agrees with the oracle, seed by seed."""

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.e2e.e2e_demo import World, run_demo
from tests.engines import over_all_stores
from tests.oracle import Expected, judge

SEEDS = (1, 2, 3, 4, 5)
ORDINARY = (*SEEDS[:3], *(pytest.param(seed, marks=pytest.mark.oracle) for seed in SEEDS[3:]))
DAY, HALF, QUARTER = 1440, 720, 360
SMALL = {"customers": 12, "days": 30}
LARGE = {"customers": 40, "days": 120}


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("seed", ORDINARY)
def test_demo_agrees_with_the_oracle(seed: int, demo_url: str, tmp_path: Path, now: datetime) -> None:
    step = HALF if seed == SEEDS[1] else DAY
    demo = run_demo(World(seed, **SMALL, step_minutes=step), tmp_path, demo_url, started_at=now)

    verdict = judge(demo.journal, demo_url)
    assert verdict.differences == []
    assert _without_time(demo.figures) == _figures(verdict.expected, demo.journal)
    assert _count_kept(demo_url) == demo.figures["webhooks"]["kept"]
    assert _failed_runs(demo_url) == []


@pytest.mark.parametrize("engine", ["postgresql"])
def test_demo_on_postgresql_agrees_with_the_oracle(demo_url: str, tmp_path: Path, now: datetime) -> None:
    demo = run_demo(World(SEEDS[0], **SMALL, step_minutes=HALF), tmp_path, demo_url, started_at=now)

    verdict = judge(demo.journal, demo_url)
    assert verdict.differences == []
    assert _without_time(demo.figures) == _figures(verdict.expected, demo.journal)


@pytest.mark.oracle
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("step", [QUARTER, DAY], ids=["quarter", "day"])
@pytest.mark.parametrize("seed", SEEDS)
def test_four_months_that_end_today_agree_with_the_oracle(
    seed: int, step: int, demo_url: str, tmp_path: Path
) -> None:
    demo = run_demo(World(seed, **LARGE, step_minutes=step), tmp_path, demo_url)

    verdict = judge(demo.journal, demo_url)
    assert verdict.differences == []
    assert _without_time(demo.figures) == _figures(verdict.expected, demo.journal)


def _without_time(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures but for how long it took and how often a message was put off, which nobody else counts."""
    assert figures["seconds"] > 0
    assert all(count > 0 for count in figures["decisions"].values())
    return {name: value for name, value in figures.items() if name not in {"seconds", "decisions"}}


def _figures(expected: Expected, journal: Path) -> dict[str, Any]:
    """What `demo --json` must print, by the sandbox's journal and the oracle. Source: INTERFACE.md, demo."""
    revenue = expected.revenue()
    messages: dict[str, Counter[str]] = {}
    for key, row in expected.messages.items():
        messages.setdefault(key.flow, Counter())[row.status] += 1
    return {
        "webhooks": _webhooks(journal),
        "customers": len(expected.customers),
        "orders": len(expected.orders),
        "enrollments": Counter(key.flow for key in expected.enrollments),
        "messages": messages,
        "revenue": {
            "total_minor": revenue.total_minor - revenue.refunded_minor,
            "attributed_minor": revenue.attributed_minor,
            "currency": "USD",
        },
    }


def _webhooks(journal: Path) -> dict[str, int]:
    lines = [json.loads(line) for line in (journal / "deliveries.jsonl").read_text().splitlines()]
    kept = sum(line["outcome"] == "delivered" for line in lines)
    duplicates = sum(line["outcome"] == "delivered" and line["duplicate"] for line in lines)
    return {
        "delivered": kept + duplicates,
        "kept": kept,
        "duplicates": duplicates,
        "rejected": sum(line["forged"] for line in lines),
        "lost_and_reconciled": sum(line["lost"] for line in lines),
    }


def _count_kept(url: str) -> int:
    """How many deliveries of the platforms were read; visits to links are kept beside them."""
    read = "SELECT COUNT(*) FROM inbound_events WHERE status = 'done' AND source <> 'link'"
    return int(_ask(url, read)[0][0])


def _failed_runs(url: str) -> list[Any]:
    return _ask(url, "SELECT name, error FROM job_runs WHERE error IS NOT NULL")


def _ask(url: str, statement: str) -> list[Any]:
    engine = over_all_stores(url)
    try:
        with engine.connect() as connection:
            return list(connection.execute(text(statement)))
    finally:
        engine.dispose()
