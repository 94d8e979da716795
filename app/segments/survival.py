"""After how long people come back, by Kaplan and Meier: those who have not come back yet are counted as such.

Leaving them out would make every delay too short, counting them as lost too long. Not everybody comes back
at all, so the curve's end is estimated, too, and the median is that of those who do. Pure.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

FEWEST_GAPS, FEWEST_PEOPLE = 40, 20
"""Before so many came back the curve tells nothing that may be acted on."""
_FEWEST_AT_RISK = 10
_SLOWEST = 0.8
"""How much of a third's rise the next third may keep at most when the curve is led on to its end."""
_FOLLOWED, _SEEN = 2, 0.8
_Z = 1.96
_SAME = 1e-9
"""What binary fractions make of equal days and shares differs by less than this."""


class Spell(NamedTuple):
    """The time from somebody's purchase to their next one, or until now where there is none yet."""

    days: float
    is_over: bool
    person: int = 0


@dataclass(frozen=True, slots=True)
class Return:
    """When people come back, in days after a purchase.

    Attributes:
        gaps, people: how many came back, and how many different ones.
        share: of all purchases, those after which somebody ever comes back, 0 to 1.
        median_days: half of those who come back have done so by then; 95 % sure between low and high.
        long_days: four fifths have; None where nobody was watched that long.
    """

    gaps: int
    people: int
    share: float
    median_days: float
    low_days: float
    high_days: float
    long_days: float | None


class _Point(NamedTuple):
    """How many of all came back by a day, and the standard error of that."""

    days: float
    share: float
    error: float


def returning(spells: Sequence[Spell]) -> Return | None:
    """What the spells tell of those who come back; None while they are too few, or were watched too shortly.

    Too shortly is for less than twice the median, unless four fifths of the curve were seen in that time:
    its end could lie anywhere then.

    Source: Kaplan, Meier (1958), Greenwood (1926) for the error; the end of the curve by Aitken's process
    over its last three thirds, exact where a fixed share of those left comes back each day.
    """
    over = [spell for spell in spells if spell.is_over]
    people = len({spell.person for spell in over})
    if len(over) < FEWEST_GAPS or people < FEWEST_PEOPLE:
        return None
    lengths = sorted(spell.days for spell in spells)
    watched = lengths[max(0, len(lengths) - _FEWEST_AT_RISK)]
    curve = _curve(lengths, sorted(spell.days for spell in over), watched)
    share = _end(curve, watched)
    median = _reached(curve, share / 2)
    if median is None:
        return None
    if median * _FOLLOWED > watched and curve[-1].share < share * _SEEN - _SAME:
        return None
    return Return(
        gaps=len(over),
        people=people,
        share=share,
        median_days=median,
        low_days=next(point.days for point in curve if point.share + _Z * point.error >= share / 2),
        high_days=_surely(curve, share / 2, otherwise=watched),
        long_days=_reached(curve, share * 4 / 5),
    )


def _curve(lengths: Sequence[float], ends: Sequence[float], watched: float) -> list[_Point]:
    """The estimate at each length at which somebody came back, as long as people were watched.

    Args:
        lengths: of all spells, the shortest first.
        ends: of those that are over.
    """
    count, staying, variance, place = len(lengths), 1.0, 0.0, 0
    curve: list[_Point] = []
    while place < len(ends) and (days := ends[place]) <= watched:
        before, place = place, bisect_right(ends, days, place)
        came, at_risk = place - before, count - bisect_left(lengths, days)
        staying *= 1 - came / at_risk
        variance += came / (at_risk * (at_risk - came)) if came < at_risk else 0.0
        curve.append(_Point(days, 1 - staying, staying * sqrt(variance)))
    return curve


def _end(curve: Sequence[_Point], watched: float) -> float:
    """The share that comes back in the end: what is seen, and what its rise so far still promises."""
    first, second, last = (_share_at(curve, watched * third / 3) for third in (1, 2, 3))
    before, lately = second - first, last - second
    kept = min(_SLOWEST, lately / before) if before > _SAME else _SLOWEST
    return min(1.0, last + lately * kept / (1 - kept))


def _share_at(curve: Sequence[_Point], days: float) -> float:
    place = bisect_right(curve, days + _SAME, key=lambda point: point.days)
    return curve[place - 1].share if place else 0.0


def _reached(curve: Sequence[_Point], share: float) -> float | None:
    return next((point.days for point in curve if point.share >= share - _SAME), None)


def _surely(curve: Sequence[_Point], share: float, *, otherwise: float) -> float:
    found = (point.days for point in curve if point.share - _Z * point.error >= share)
    return next(found, otherwise)
