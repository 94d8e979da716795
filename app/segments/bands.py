"""Ticket bands: whether a customer's average order is small, middling or large for this shop. Pure.

Source: DEFINITIONS.md, customer classes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

LOW, MIDDLE, HIGH = "low-ticket", "middle-ticket", "high-ticket"
_THIRDS = 3


@dataclass(frozen=True, slots=True)
class Bands:
    """The averages, in minor units, from which on a customer is in the middle or in the upper band."""

    middle_from: int
    high_from: int


def terciles(averages: Sequence[int]) -> Bands | None:
    """The shop's own thirds; equal averages share a band. None while there are fewer than three buyers.

    Each is placed as RFM places it, by those below and half of its equals.
    """
    if len(averages) < _THIRDS:
        return None
    firsts: dict[int, int] = {}
    below = 0
    for average, equal in sorted(Counter(averages).items()):
        third = min(_THIRDS, 1 + int(_THIRDS * (below + equal / 2) / len(averages)))
        firsts.setdefault(third, average)
        below += equal
    above_all = max(averages) + 1
    high = firsts.get(_THIRDS, above_all)
    return Bands(middle_from=firsts.get(2, high), high_from=high)


def average_of(orders_count: int, total_minor: int) -> int | None:
    """The average order in minor units; None without any."""
    return total_minor // orders_count if orders_count > 0 else None


def band_of(average: int | None, bands: Bands | None) -> str | None:
    """The band of an average order; None of who never bought, and while the shop has no bands."""
    if average is None or bands is None:
        return None
    if average >= bands.high_from:
        return HIGH
    return MIDDLE if average >= bands.middle_from else LOW
