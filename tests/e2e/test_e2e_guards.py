"""Each guard of a recipe, switched off in the product, turns the oracle red."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e import rehearsal
from tests.e2e.guards import GUARDS
from tests.e2e.small_world import Size, small_world
from tests.oracle import Verdict

FIRST, SECOND = Size(seed=3, households=12, days=28), Size(seed=9, households=12, days=28)
IN_TURN = replace(SECOND, turns_at=30)
# Guards that hide nothing of each other, with a world whose people need them; the ordinary run takes some.
TOGETHER = [
    (FIRST, "legal basis; quiet hours; a message leaves once; birthday known 30 days before"),
    (FIRST, "unsubscribed address; minors have no birthday; a product is asked about once"),
    (FIRST, "no reminder after a click; refund or cancellation; own products are not offered"),
    (SECOND, "withdrawn consent; minors get no marketing; cap per day"),
    (
        FIRST,
        "holdout; spacing of asks; time to live; an order ends the welcome; unsubscribing ends a journey",
    ),
    (FIRST, "a redeemed code ends the birthday; a later order ends the cross-sell"),
    (FIRST, "an occasion enrolls once"),
    (SECOND, "cap per week"),
    (IN_TURN, "yes and no in turn"),
]
ORDINARY = 3
SINGLE = [(size, name) for size, names in TOGETHER for name in names.split("; ")]


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """Guards are the same on both databases; the slower one tells nothing new of them."""
    return str(request.param)


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(FIRST, id="first"),
        pytest.param(SECOND, id="second", marks=pytest.mark.oracle),
        pytest.param(IN_TURN, id="in-turn", marks=pytest.mark.oracle),
    ],
)
def test_with_every_guard_on_there_is_no_difference(size: Size, database_url: str, tmp_path: Path) -> None:
    with small_world(size, tmp_path, database_url) as world:
        verdict = world.play()
        made, found = rehearsal.made(world.runtime), rehearsal.would_be(world.runtime, world.ticks)

    assert verdict.differences == []
    # The dry run of each flow over the mirror finds the very same messages.
    assert found == made
    assert any(made.messages.values())


def test_every_guard_has_its_world() -> None:
    assert sorted(name for _, name in SINGLE) == sorted(GUARDS)


@pytest.mark.parametrize(
    ("size", "names"), TOGETHER[:ORDINARY], ids=[names for _, names in TOGETHER[:ORDINARY]]
)
def test_without_some_guards_the_oracle_names_each(
    size: Size, names: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = _play_without(names.split("; "), size, tmp_path, database_url, monkeypatch)

    assert [name for name in names.split("; ") if not GUARDS[name].shows(verdict)] == []
    assert verdict.differences != []


@pytest.mark.oracle
@pytest.mark.parametrize(("size", "name"), SINGLE, ids=[name for _, name in SINGLE])
def test_without_a_guard_the_oracle_disagrees(
    size: Size, name: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = _play_without([name], size, tmp_path, database_url, monkeypatch)

    assert GUARDS[name].shows(verdict), verdict.differences
    assert verdict.differences != []


def _play_without(
    names: Sequence[str], size: Size, folder: Path, url: str, patch: pytest.MonkeyPatch
) -> Verdict:
    settings: dict[str, str] = {}
    for name in names:
        GUARDS[name].switch_off(patch)
        settings |= GUARDS[name].settings
    with small_world(size, folder, url) as world:
        return world.play(settings)
