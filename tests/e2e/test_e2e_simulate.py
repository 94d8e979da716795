"""The dry run over a mirror finds the very messages that running workers made of the same orders.

The deliveries are doubled, reordered and lost as in every small world. A shorter proof of the same stands in
test_e2e_guards.py, whose worlds are played anyhow.
"""

from pathlib import Path

import pytest

from tests.e2e import rehearsal
from tests.e2e.small_world import Size, small_world

LARGER = Size(seed=21, households=24, days=60)


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """The replay only reads, by plain statements; the jobs' tests do so on both."""
    return str(request.param)


@pytest.mark.oracle
@pytest.mark.timeout(1800)
def test_the_dry_run_finds_what_the_workers_made(database_url: str, tmp_path: Path) -> None:
    with small_world(LARGER, tmp_path, database_url) as world:
        world.play()
        made = rehearsal.made(world.runtime)
        found = rehearsal.would_be(world.runtime, world.ticks)

    assert found == made
    assert all(
        any(rows for (_, flow), rows in made.messages.items() if flow == key) for _, key in made.messages
    )
    assert sum(map(len, made.messages.values())) > 150
