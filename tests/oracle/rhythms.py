"""What the shop's orders teach: after how long the buyers of each product come back.

Source: docs/recipes.md, What the shop's orders teach.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from tests.oracle.model import RhythmKey, RhythmRow
from tests.oracle.moments import DAY, moment, seconds_of
from tests.oracle.recipes import (
    FEWEST_PEOPLE,
    FEWEST_RETURNS,
    FIRST_NIGHTS,
    KEEPS_RHYTHMS,
    LATEST_REVIEW,
    REVIEW_PART,
    SOONEST_REVIEW,
)
from tests.oracle.state import StoreMirror

_WATCHED_BY = 10
_KEPT_AT_MOST = Decimal("0.8")
_SURE = Decimal("1.96")
# Shares are counted with 28 digits: what differs by less is the same.
_SAME = Decimal("1e-15")


class Wait(NamedTuple):
    """The seconds from a purchase to the same person's next one, or until now.

    What is paid at the same moment is one purchase.
    """

    seconds: int
    is_over: bool
    person: str


class Point(NamedTuple):
    """How many came back by then, of all, and the standard error of it."""

    seconds: int
    share: Decimal
    error: Decimal


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Whole days after which half, and four fifths, of those who come back have done so."""

    gaps: int
    people: int
    median_days: int
    low_days: int
    high_days: int
    long_days: int | None

    @property
    def told(self) -> tuple[int, int | None]:
        """What anything is decided by."""
        return self.median_days, self.long_days


class Rhythms:
    """What was learned of one store's products, and from when until when it held."""

    def __init__(self, store: StoreMirror, activated_at: int) -> None:
        installed_at = store.settings.installed_at
        self.rows: dict[RhythmKey, RhythmRow] = {}
        self._store = store
        self._installed_at = activated_at if installed_at is None else seconds_of(installed_at)
        self._held: dict[str, RhythmKey] = {}

    def is_night(self, slot: int) -> bool:
        """The store's night of the week, and each of its first three; never one from before it came."""
        if not self._installed_at < slot:
            return False
        is_of_week = (moment(slot).toordinal() + self._store.settings.number) % 7 == 0
        return is_of_week or slot < self._installed_at + FIRST_NIGHTS

    def learn(self, now: int) -> None:
        """Count anew; what is told of a product as before goes on to hold."""
        found = dict(_learned(self._store, now))
        for product, key in list(self._held.items()):
            row = self.rows[key]
            if product not in found or found[product].told != (row.median_days, row.long_days):
                self.rows[key] = replace(row, until=moment(now))
                del self._held[product]
        for product, rhythm in found.items():
            new = RhythmKey(self._store.settings.platform, product, moment(now))
            key = self._held.setdefault(product, new)
            self.rows[key] = RhythmRow(
                until=None,
                gaps=rhythm.gaps,
                people=rhythm.people,
                median_days=rhythm.median_days,
                low_days=rhythm.low_days,
                high_days=rhythm.high_days,
                long_days=rhythm.long_days,
            )
        over = moment(now - KEEPS_RHYTHMS)
        self.rows = {key: row for key, row in self.rows.items() if row.until is None or row.until >= over}
        self._store.learned_days = {product: _review_days(rhythm) for product, rhythm in found.items()}


def returning(waits: Sequence[Wait]) -> Rhythm | None:
    """Kaplan's and Meier's curve of one product's buyers, led on to its end; None if it tells too little."""
    ended = Counter(wait.seconds for wait in waits if wait.is_over)
    people = {wait.person for wait in waits if wait.is_over}
    if ended.total() < FEWEST_RETURNS or len(people) < FEWEST_PEOPLE:
        return None
    lasted = sorted(wait.seconds for wait in waits)
    watched = lasted[-_WATCHED_BY]
    curve = [point for point in _curve(lasted, ended) if point.seconds <= watched]
    end = _end(curve, watched)
    median = _first(curve, end / 2)
    if median is None or (2 * median > watched and curve[-1].share < end * 4 / 5 - _SAME):
        return None
    low = next(point.seconds for point in curve if point.share + _SURE * point.error >= end / 2)
    high = (point.seconds for point in curve if point.share - _SURE * point.error >= end / 2)
    long = _first(curve, end * 4 / 5)
    return Rhythm(
        gaps=ended.total(),
        people=len(people),
        median_days=_whole_days(median),
        low_days=_whole_days(low),
        high_days=_whole_days(next(high, watched)),
        long_days=None if long is None else _whole_days(long),
    )


def _learned(store: StoreMirror, now: int) -> Iterator[tuple[str, Rhythm]]:
    waits: dict[str, list[Wait]] = defaultdict(list)
    for person in store.people.values():
        bought: dict[int, set[str]] = defaultdict(set)
        for order in person.orders:
            if order.is_counted and order.paid_at is not None:
                bought[order.paid_at] |= {product for product, _ in order.fact.goods}
        visits = sorted(bought.items())
        following = [*visits, (now, set[str]())]
        for number, ((at, products), (next_at, _)) in enumerate(pairwise(following), start=1):
            wait = Wait(next_at - at, number < len(visits), person.shopper.key)
            for product in products:
                waits[product].append(wait)
    for product, of_product in waits.items():
        rhythm = returning(of_product)
        if rhythm is not None:
            yield product, rhythm


def _curve(lasted: Sequence[int], ended: Counter[int]) -> Iterator[Point]:
    """At each time after which anybody came back; who waited just as long was still watched then."""
    staying, variance = Decimal(1), Decimal(0)
    for seconds in sorted(ended):
        came, watched = ended[seconds], len(lasted) - bisect_left(lasted, seconds)
        staying *= 1 - Decimal(came) / watched
        if came < watched:
            variance += Decimal(came) / (watched * (watched - came))
        yield Point(seconds, 1 - staying, staying * variance.sqrt())


def _end(curve: Sequence[Point], watched: int) -> Decimal:
    """How many come back in the end: the rise of the last third led on as it slowed down before."""
    first, second, last = (_share_by(curve, watched, third) for third in (1, 2, 3))
    before, lately = second - first, last - second
    kept = min(_KEPT_AT_MOST, lately / before) if before > _SAME else _KEPT_AT_MOST
    return min(Decimal(1), last + lately * kept / (1 - kept))


def _share_by(curve: Sequence[Point], watched: int, third: int) -> Decimal:
    place = bisect_right(curve, watched * third, key=lambda point: 3 * point.seconds)
    return curve[place - 1].share if place else Decimal(0)


def _first(curve: Sequence[Point], share: Decimal) -> int | None:
    return next((point.seconds for point in curve if point.share >= share - _SAME), None)


def _whole_days(seconds: int) -> int:
    return max(1, round(Fraction(seconds, DAY)))


def _review_days(rhythm: Rhythm) -> int:
    return min(LATEST_REVIEW, max(SOONEST_REVIEW, round(Fraction(rhythm.median_days, REVIEW_PART))))
