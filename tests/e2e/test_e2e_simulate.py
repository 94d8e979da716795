"""The dry run over a mirror finds the very messages that running workers made of the same orders."""

import threading
from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.db import table_of
from app.flows.simulate import run
from app.models import Flow, Message, Store
from app.runtime import Runtime
from tests.e2e.small_world import Size, small_world

WORLD = Size(seed=3, households=12, days=28)
FLOWS = ("welcome", "review", "cross_sell", "birthday")
MESSAGES = table_of(Message)
_LEFT = {"sent", "delivered", "bounced", "unknown"}


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """The replay reads rows; the engines' ways to write them are tested elsewhere."""
    return str(request.param)


def _played(world: Any) -> list[datetime]:
    """Let the workers run to the end; the moments at which they looked."""
    ticks: list[datetime] = []
    world.journey.prepare()
    world.journey.travel(lambda _start, moment, _end: ticks.append(moment), threading.Event())
    return ticks


def _made(runtime: Runtime, store_id: int, flow_key: str) -> list[tuple[Any, ...]]:
    """What the workers made of a flow."""
    names = ("customer_id", "step", "channel", "due_at", "status", "reason")
    statement = select(*(MESSAGES.c[name] for name in names)).where(
        MESSAGES.c.store_id == store_id, MESSAGES.c.flow_key == flow_key
    )
    with runtime.database.read() as session:
        rows = session.execute(statement).all()
    return sorted((*row[:4], "sent" if row.status in _LEFT else row.status, row.reason) for row in rows)


def _would_be(
    runtime: Runtime, store_id: int, flow_key: str, ticks: Sequence[datetime]
) -> list[tuple[Any, ...]]:
    """What the dry run says of the same time."""

    def tick_at(moment: datetime) -> datetime | None:
        place = bisect_left(ticks, moment)
        return ticks[place] if place < len(ticks) else None

    with runtime.database.read() as session:
        store = session.get_one(Store, store_id)
        since = session.execute(
            select(Flow.active_since).where(Flow.store_id == store_id, Flow.key == flow_key)
        ).scalar_one()
        assert since is not None
        question = run.ask(session, store, flow_key, since=since, until=ticks[-1], tick_at=tick_at)
    report = run.simulate(runtime.database, runtime.signer, question)
    return sorted((m.customer_id, m.step, m.channel, m.due_at, m.status, m.reason) for m in report.messages)


def test_the_dry_run_finds_what_the_workers_made(database_url: str, tmp_path: Path) -> None:
    with small_world(WORLD, tmp_path, database_url) as world:
        ticks = _played(world)
        runtime = world.journey.kit.runtime
        with runtime.database.read() as session:
            stores = list(session.execute(select(Store.id)).scalars())
        cases = [(store_id, flow) for store_id in stores for flow in FLOWS]
        made = {case: _made(runtime, *case) for case in cases}
        found = {case: _would_be(runtime, *case, ticks) for case in cases}

    assert found == made
    assert {flow for (_, flow), messages in made.items() if messages} == set(FLOWS)
