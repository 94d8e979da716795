"""A dry run over what workers left who were killed on the way: the very messages that they made."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from app.config import Settings
from app.runtime import Runtime
from tests.e2e import rehearsal
from tests.faults.faults_demo import WITH_VOUCHERS, Demo, Instant

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]
MID_YEAR = [Instant(steps=30, seconds=0.03), Instant(steps=40, seconds=0.06)]
"""Two kills, both while time goes on: within a step of the world, when its deliveries are worked on."""


@pytest.mark.parametrize("size", [WITH_VOUCHERS], ids=["with-vouchers"])
def test_the_dry_run_finds_what_workers_who_were_killed_twice_made(demo: Demo) -> None:
    demo.run_to_its_end(MID_YEAR)

    runtime = _runtime(demo)
    made, found = rehearsal.made(runtime), rehearsal.would_be(runtime, _ticks(demo.folder))
    runtime.database.dispose()
    assert demo.deaths == 2
    assert found == made
    assert {flow for (_, flow), rows in made.items() if rows} >= {"welcome", "review", "cross_sell"}


def _runtime(demo: Demo) -> Runtime:
    """The pieces of the demo's own process: its database and its keys."""
    var = demo.folder / "var"
    return Runtime.build(
        Settings(
            database_url=demo.database_url or f"sqlite:///{var / 'demo' / 'ritorno.db'}",
            secret_key=(var / "secret_key").read_text(),
            encryption_keys=(var / "encryption_keys").read_text(),
        )
    )


def _ticks(folder: Path) -> list[datetime]:
    """When the workers looked: whenever the world had gone on."""
    (journal,) = folder.rglob("advances.jsonl")
    told = [json.loads(line) for line in journal.read_text().splitlines()]
    return sorted({datetime.fromisoformat(one["to"]) for one in told})
