"""Each guard of a recipe, switched off in the product, turns the oracle red."""

from pathlib import Path

import pytest

from tests.e2e.small_world import Size, small_world

WORLD = Size(seed=3, households=12, days=28)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_with_every_guard_on_there_is_no_difference(database_url: str, tmp_path: Path) -> None:
    with small_world(WORLD, tmp_path, database_url) as world:
        verdict = world.play()

    assert verdict.differences == []
