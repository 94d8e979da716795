"""Each guard of a recipe, switched off in the product, turns the oracle red."""

from pathlib import Path

import pytest

from tests.e2e.guards import GUARDS
from tests.e2e.small_world import Size, small_world

WORLD = Size(seed=3, households=12, days=28)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_with_every_guard_on_there_is_no_difference(database_url: str, tmp_path: Path) -> None:
    with small_world(WORLD, tmp_path, database_url) as world:
        verdict = world.play()

    assert verdict.differences == []


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("name", GUARDS)
def test_without_a_guard_the_oracle_disagrees(
    name: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = GUARDS[name]
    guard.switch_off(monkeypatch)

    with small_world(WORLD, tmp_path, database_url) as world:
        verdict = world.play(guard.settings)

    assert verdict.differences != []
    assert guard.shows(verdict), verdict.differences
