"""After how long people come back, against curves whose truth was planted."""

import math
import random
from collections.abc import Callable

import pytest

from app.segments.survival import Spell, returning

Draw = Callable[[random.Random], float]


def exponential(median: float) -> Draw:
    return lambda chance: chance.expovariate(math.log(2) / median)


def lognormal(median: float) -> Draw:
    return lambda chance: median * math.exp(chance.gauss(0, 0.5))


def weibull(median: float) -> Draw:
    return lambda chance: chance.weibullvariate(median / math.sqrt(math.log(2)), 2)


def spells(draw: Draw, *, people: int, window: float, lost: float = 0, seed: int = 7) -> list[Spell]:
    """Purchases of people who begin at any time of the window and stop for good with a fixed chance."""
    chance, found = random.Random(seed), []
    for person in range(people):
        at = chance.uniform(0, window)
        while (is_lost := chance.random() < lost) is False and at + (gap := draw(chance)) <= window:
            found.append(Spell(gap, True, person))
            at += gap
        found.append(Spell(window - at, False, person) if is_lost or at <= window else Spell(0, False))
    return found


@pytest.mark.parametrize("draw", [exponential, lognormal, weibull])
@pytest.mark.parametrize(("median", "lost"), [(10, 0), (41, 0), (41, 0.3), (41, 0.6), (90, 0), (90, 0.3)])
def test_a_planted_median_is_found_within_fifteen_percent(
    draw: Callable[[float], Draw], median: float, lost: float
) -> None:
    found = returning(spells(draw(median), people=900, window=730, lost=lost))

    assert found is not None
    assert found.median_days == pytest.approx(median, rel=0.15)
    assert found.low_days <= found.median_days <= found.high_days
    assert found.share == pytest.approx(1 - lost, abs=0.08)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    found = [
        returning(spells(lognormal(41), people=100, window=400, lost=0.3, seed=seed)) for seed in range(60)
    ]

    held = sum(one is not None and one.low_days <= 41 <= one.high_days for one in found)
    assert held >= 53


def test_who_has_not_come_back_yet_is_no_lost_customer() -> None:
    """Of those observed alone, the median would be far too short: long gaps end after the window."""
    seen = spells(exponential(90), people=900, window=365)

    found = returning(seen)

    observed = sorted(spell.days for spell in seen if spell.is_over)
    assert found is not None
    assert observed[len(observed) // 2] < 70
    assert found.median_days == pytest.approx(90, rel=0.15)


@pytest.mark.parametrize("lost", range(30, 80, 5))
def test_the_curve_of_a_textbook(lost: int) -> None:
    """Forty equal days: half of those who come back have done so on the twentieth, whatever their share."""
    found = returning([Spell(day, True, day) for day in range(1, 41)] + [Spell(400, False)] * lost)

    assert found is not None
    assert (found.gaps, found.people) == (40, 40)
    assert found.share == pytest.approx(40 / (40 + lost))
    assert (found.median_days, found.long_days) == (20, 32)


@pytest.mark.parametrize(
    "few",
    [
        pytest.param([Spell(day, True, day) for day in range(1, 40)], id="39 gaps"),
        pytest.param([Spell(day, True, day % 19) for day in range(1, 81)], id="19 people"),
        pytest.param([], id="nobody"),
    ],
)
def test_too_few_tell_nothing(few: list[Spell]) -> None:
    assert returning([*few, *[Spell(400, False)] * 60]) is None


def test_who_was_watched_too_shortly_tells_nothing() -> None:
    assert returning(spells(exponential(90), people=900, window=120)) is None


def test_a_rhythm_like_clockwork_is_known_although_nobody_was_watched_for_longer() -> None:
    """Everybody is back after two months, so that no open wait can be longer either."""
    found = returning(spells(lambda chance: chance.gauss(60, 3), people=60, window=400))

    assert found is not None
    assert found.median_days == pytest.approx(60, rel=0.05)


def test_nobody_came_back_at_the_end_of_the_watch() -> None:
    """The curve has no rise left to lead on, and does not divide by nothing."""
    found = returning([Spell(1, True, person) for person in range(50)] + [Spell(300, False)] * 50)

    assert found is not None
    assert (found.median_days, found.share) == (1, 0.5)
