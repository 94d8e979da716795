"""Each guard of a recipe, switched off in the product, turns the oracle red."""

from pathlib import Path

import pytest

from tests.e2e.guards import GUARDS, Guard
from tests.e2e.small_world import Size, small_world

WORLD = Size(seed=3, households=12, days=28)
WIDE = Size(seed=5, households=40, days=120)
# What the few people of the small world never meet; `make oracle` looks for them in the wide one.
RARE = frozenset(
    {
        "cap per day",
        "cap per week",
        "withdrawn consent",
        "a redeemed code ends the birthday",
        "minors get no marketing",
        "refund or cancellation",
    }
)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_with_every_guard_on_there_is_no_difference(database_url: str, tmp_path: Path) -> None:
    with small_world(WORLD, tmp_path, database_url) as world:
        verdict = world.play()

    assert verdict.differences == []


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("name", [name for name in GUARDS if name not in RARE])
def test_without_a_guard_the_oracle_disagrees(
    name: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    GUARDS[name].switch_off(monkeypatch)

    _expect_red(GUARDS[name], WORLD, tmp_path, database_url)


@pytest.mark.oracle
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("name", sorted(RARE))
def test_without_a_rarely_needed_guard_the_oracle_disagrees(
    name: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    GUARDS[name].switch_off(monkeypatch)

    _expect_red(GUARDS[name], WIDE, tmp_path, database_url)


def _expect_red(guard: Guard, size: Size, folder: Path, database_url: str) -> None:
    with small_world(size, folder, database_url) as world:
        verdict = world.play(guard.settings)

    assert verdict.differences != []
    assert guard.shows(verdict), verdict.differences
