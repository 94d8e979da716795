"""What a shop's orders teach is what the oracle learns of them, and reviews are asked accordingly."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.segments import product_rhythms, survival
from connectors.sandbox.model import SHOPIFY
from tests.e2e import planted, rehearsal
from tests.e2e.small_world import BUSY, Size, small_world
from tests.oracle import Verdict

RATES = replace(BUSY, cancelled=0, refunded=0, withdrawn=0.05, unsubscribe=0.01)
WORLD = Size(seed=3, households=planted.HOUSEHOLDS, days=planted.DAYS, rates=RATES)

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(1800)]


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """What is learned is counted in this process; the jobs' tests run on both."""
    return str(request.param)


@pytest.fixture(scope="module")
def size(tmp_path_factory: pytest.TempPathFactory) -> Size:
    """The world of a data set of its own."""
    folder = tmp_path_factory.mktemp("planted")
    planted.write(folder)
    return replace(WORLD, data=folder)


def test_what_the_orders_teach_is_what_the_oracle_learns(
    size: Size, database_url: str, tmp_path: Path
) -> None:
    with small_world(size, tmp_path, database_url) as world:
        verdict = world.play()
        made, found = rehearsal.made(world.runtime), rehearsal.would_be(world.runtime, world.ticks)

    assert verdict.differences == []
    assert found == made
    last = {(key.platform, key.product): row for key, row in verdict.actual.rhythms.items() if not row.until}
    assert len(last) == 2 * planted.PRODUCTS
    assert {(row.gaps, row.people) for (_, product), row in last.items() if product == "13"} == {(40, 20)}
    assert _waits(verdict) >= {7, 9, 14, 15, 30}


def _waits(verdict: Verdict) -> set[int]:
    """After how many days from the journey's beginning reviews were asked."""
    found = set()
    for key, row in verdict.actual.messages.items():
        if key.step == "M3":
            journeys = (one for one in verdict.actual.enrollments if one.occurrence == key.occurrence)
            began = next(verdict.actual.enrollments[one] for one in journeys if one.flow == "review")
            found.add((row.due_at - began.entered_at).days)
    return found


def _of_those_back(spells: Any) -> Any:
    """Who has not come back yet is left out, as if lost for good or never seen."""
    return survival.returning([spell for spell in spells if spell.is_over])


def _changed(module: Any, name: str, value: Any) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(module, name, value)


BROKEN = {
    "nothing is learned": _changed(product_rhythms, "count", lambda *_: {}),
    "what was learned is not asked for": _changed(product_rhythms, "delays", lambda *_: {}),
    "one return too many is waited for": _changed(survival, "FEWEST_GAPS", 41),
    "one person too many is waited for": _changed(survival, "FEWEST_PEOPLE", 21),
    "open waits are left out": _changed(product_rhythms, "returning", _of_those_back),
    "every night is the store's": _changed(product_rhythms, "is_due", lambda *_: True),
    "a third instead of a quarter": _changed(product_rhythms, "REVIEW_PART", 3),
    "sooner than a week": _changed(product_rhythms, "SOONEST_REVIEW", 6),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_learned_otherwise_is_seen(
    broken: str, size: Size, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    BROKEN[broken](monkeypatch)
    with small_world(replace(size, platforms=(SHOPIFY,)), tmp_path, database_url) as world:
        verdict = world.play()

    kinds = {line.split(" ")[0] for line in verdict.differences}
    assert kinds & {"rhythm", "message"}, verdict.differences
