"""Charts as plain geometry: a template draws them as SVG and puts a table of the same numbers beside them.

Shapes live in a box of 100 units each way that is stretched to its place, so that nothing moves while a page
loads; whatever is text stands outside it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from app.analytics.sums import Day

SIDE = 100.0
_GAP = 0.25
"""Of a bar's place, what stays free beside it."""
_STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
_A_DAY_UP_TO = 31
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Bucket:
    """Some days in a row that are one bar: what was counted on them."""

    first: date
    last: date
    orders: int
    revenue_minor: int
    sent: int
    clicked: int
    subscribers: int | None
    texting: int | None


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar from the ground up; `inner` is the height of a part of it: those clicked of those sent."""

    x: float
    width: float
    height: float
    inner: float = 0.0


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar for each bucket, under a top that is a round number."""

    bars: Sequence[Bar]
    top: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line through those buckets that have a value, as points of an SVG path; what is below it is filled.

    It stands on nothing, as bars do: cut off below, a list that lost one person looks as if it had lost all.
    """

    path: str
    area: str
    top: int


def buckets(days: Sequence[Day]) -> list[Bucket]:
    """Days as they are in a month, weeks in more; the last week ends with the last day."""
    size = 1 if len(days) <= _A_DAY_UP_TO else _WEEK
    first = len(days) % size
    cuts = [*([0] if first else []), *range(first, len(days) + 1, size)]
    return [_bucket(days[start:end]) for start, end in pairwise(cuts)]


def bars(shown: Sequence[Bucket], value: Callable[[Bucket], int], inner: Callable[[Bucket], int]) -> Bars:
    """A bar for each of them; a value of nothing is a bar of no height."""
    top = round_up(max((value(one) for one in shown), default=0))
    place = SIDE / max(1, len(shown))
    width = place * (1 - _GAP)
    return Bars(
        [
            Bar(
                x=round(number * place + place * _GAP / 2, 3),
                width=round(width, 3),
                height=round(SIDE * value(one) / top, 3),
                inner=round(SIDE * min(inner(one), value(one)) / top, 3),
            )
            for number, one in enumerate(shown)
        ],
        top,
    )


def line(shown: Sequence[Bucket], value: Callable[[Bucket], int | None]) -> Line | None:
    """A line through what was counted; None where that is not twice at least."""
    counted = [(number, n) for number, one in enumerate(shown) if (n := value(one)) is not None]
    if len(counted) < 2:
        return None
    top = round_up(max(n for _, n in counted))
    last = max(1, len(shown) - 1)
    points = [f"{SIDE * number / last:.3f} {SIDE - SIDE * n / top:.3f}" for number, n in counted]
    path = "M" + " L".join(points)
    ends = (SIDE * counted[-1][0] / last, SIDE * counted[0][0] / last)
    return Line(path, f"{path} L{ends[0]:.3f} {SIDE} L{ends[1]:.3f} {SIDE} Z", top)


def round_up(value: int) -> int:
    """The next number that reads well on an axis, 1 at the least: 7 → 8, 230 → 300, 1,010 → 1,500."""
    if value < 1:
        return 1
    power = 10 ** (len(str(value)) - 1)
    return next(int(step * power) for step in _STEPS if step * power >= value and step * power % 1 == 0)


def _bucket(days: Sequence[Day]) -> Bucket:
    return Bucket(
        first=days[0].day,
        last=days[-1].day,
        orders=sum(one.orders for one in days),
        revenue_minor=sum(one.revenue_minor for one in days),
        sent=sum(one.sent for one in days),
        clicked=sum(one.clicked for one in days),
        subscribers=_last(days, lambda one: one.subscribers),
        texting=_last(days, lambda one: one.texting),
    )


def _last(days: Sequence[Day], value: Callable[[Day], int | None]) -> int | None:
    """The newest count of some days, if there was one."""
    return next((n for one in reversed(days) if (n := value(one)) is not None), None)
