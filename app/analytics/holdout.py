"""What a flow changes: those who got it against those left out by lot, with the interval. Pure.

Source: DEFINITIONS.md, holdout (run always, print the interval, never a bare number).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

FEWEST_PEOPLE, FEWEST_BUYERS = 30, 5
"""In each arm, and over both; below them no interval says anything."""
FEWEST_PAYERS = 30
"""Buyers in each arm before means are compared: a few large orders decide them, and with fewer the interval
misses the truth twice as often as it says (measured on baskets spread as wide as shops know them)."""
_SURE, _POWER = 1.959964, 0.841621
"""The normal quantiles of 95 % two-sided, and of 80 % power."""


@dataclass(frozen=True, slots=True)
class Arm:
    """What one arm bought in the days after they entered.

    Attributes:
        people: everybody who entered, whatever became of the messages; each once.
        buyers, orders: how many of them ordered, and how often.
        revenue_minor: of these orders, net of refunds.
        squares: the sum over people of the square of their revenue.
    """

    people: int = 0
    buyers: int = 0
    orders: int = 0
    revenue_minor: int = 0
    squares: float = 0.0


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate, and the bounds between which it lies with 95 % certainty."""

    low: float
    value: float
    high: float

    @property
    def verdict(self) -> str:
        """More or less where the interval lies on one side of nothing; else open."""
        if self.low > 0:
            return "more"
        return "less" if self.high < 0 else "open"


@dataclass(frozen=True, slots=True)
class Difference:
    """The treated arm minus the held-out one.

    Attributes:
        buyers: of the shares of people who bought.
        revenue: of the net revenue for each person, in minor units; None with too few buyers.
        needed: entrants in all from which on an effect of a fifth would be seen four times out of five, at
            the held-out arm's own share of buyers.
    """

    buyers: Interval
    revenue: Interval | None
    needed: int | None


def compare(treated: Arm, held_out: Arm) -> Difference | None:
    """How the arms differ; None while they are too few for any interval to hold."""
    if min(treated.people, held_out.people) < FEWEST_PEOPLE:
        return None
    if treated.buyers + held_out.buyers < FEWEST_BUYERS:
        return None
    has_payers = min(treated.buyers, held_out.buyers) >= FEWEST_PAYERS
    base = held_out.buyers / held_out.people
    share = held_out.people / (treated.people + held_out.people)
    return Difference(
        buyers=_of_shares(treated, held_out),
        revenue=_of_means(treated, held_out) if has_payers else None,
        needed=entrants_needed(base, 0.2, share) if 0 < base * 1.2 < 1 else None,
    )


def brought(flows: Sequence[tuple[Arm, Arm]]) -> Interval | None:
    """What treating people brought in all, in minor units: each flow's difference times those it treated.

    Flows are compared one by one and added up, because their lots leave out different shares. Flows whose
    arms are too small say nothing and are left out; None while those that remain have too few buyers.
    """
    told = [pair for pair in flows if min(pair[0].people, pair[1].people) >= FEWEST_PEOPLE]
    if any(sum(pair[arm].buyers for pair in told) < FEWEST_PAYERS for arm in (0, 1)):
        return None
    value, squared, freedom = 0.0, 0.0, 0.0
    for treated, held_out in told:
        mean = held_out.revenue_minor / held_out.people
        value += treated.revenue_minor - treated.people * mean
        for arm in (treated, held_out):
            error = treated.people**2 * _error(arm)
            squared += error
            freedom += error**2 / (arm.people - 1)
    half = _student(squared**2 / freedom) * sqrt(squared) if freedom else 0.0
    return Interval(value - half, value, value + half)


def entrants_needed(base: float, lift: float, held_out_share: float) -> int:
    """Entrants in all for 80 % power to see a relative lift of the share of buyers at 95 %.

    Source: DEFINITIONS.md, holdout.
    """
    lifted = base * (1 + lift)
    variance = base * (1 - base) / held_out_share + lifted * (1 - lifted) / (1 - held_out_share)
    return ceil((_SURE + _POWER) ** 2 * variance / (lifted - base) ** 2)


def _of_shares(one: Arm, other: Arm) -> Interval:
    """Newcombe's interval of the difference of two shares, from Wilson's of each: holds for few, too."""
    value = one.buyers / one.people - other.buyers / other.people
    (low_1, share_1, high_1), (low_2, share_2, high_2) = _wilson(one), _wilson(other)
    return Interval(
        low=value - sqrt((share_1 - low_1) ** 2 + (high_2 - share_2) ** 2),
        value=value,
        high=value + sqrt((high_1 - share_1) ** 2 + (share_2 - low_2) ** 2),
    )


def _wilson(arm: Arm) -> tuple[float, float, float]:
    share, n, z = arm.buyers / arm.people, arm.people, _SURE
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return centre - half, share, centre + half


def _of_means(one: Arm, other: Arm) -> Interval:
    """Welch's interval of the difference of two means."""
    value = one.revenue_minor / one.people - other.revenue_minor / other.people
    first, second = _error(one), _error(other)
    error = first + second
    if error == 0:
        return Interval(value, value, value)
    freedom = error**2 / (first**2 / (one.people - 1) + second**2 / (other.people - 1))
    half = _student(freedom) * sqrt(error)
    return Interval(value - half, value, value + half)


def _error(arm: Arm) -> float:
    """The squared standard error of the mean revenue."""
    mean = arm.revenue_minor / arm.people
    return max(0.0, arm.squares - arm.people * mean * mean) / (arm.people - 1) / arm.people


def _student(freedom: float) -> float:
    """The 97.5 % quantile of Student's t by Cornish and Fisher; right to three digits from 10 on."""
    z = _SURE
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / freedom + second / freedom**2
