"""Customer classes from the sums over counted orders. Pure.

Source: DEFINITIONS.md, customer classes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from app.segments.bands import HIGH, LOW, MIDDLE

CLASSES = ("non-customer", "one-shot", "repeat", "loyal", "promo", LOW, MIDDLE, HIGH)
"""Every class that there is; the first four take everybody in."""
LOYAL_ORDERS = 3
LOYAL_GAP = timedelta(days=90)


def classes_of(
    orders_count: int,
    discounted_count: int,
    last_paid_at: datetime | None,
    now: datetime,
    *,
    own_gap: timedelta | None = None,
    band: str | None = None,
) -> list[str]:
    """The classes of a customer: one of non-customer, one-shot, repeat, loyal; beside it promo and a band."""
    if orders_count == 0:
        return ["non-customer"]
    found = ["one-shot"] if orders_count == 1 else ["repeat"]
    if is_loyal(orders_count, last_paid_at, now, own_gap):
        found = ["loyal"]
    if is_promo(orders_count, discounted_count):
        found.append("promo")
    return [*found, band] if band is not None else found


def is_promo(orders_count: int, discounted_count: int) -> bool:
    """At least one order, and every order used a coupon, a discount or a reduced price."""
    return orders_count > 0 and discounted_count >= orders_count


def is_loyal(
    orders_count: int, last_paid_at: datetime | None, now: datetime, own_gap: timedelta | None = None
) -> bool:
    """At least three orders, the last within max(90 d, 1.5 × the own 80th-percentile gap)."""
    until = loyal_until(orders_count, last_paid_at, own_gap)
    return until is not None and now <= until


def loyal_until(
    orders_count: int, last_paid_at: datetime | None, own_gap: timedelta | None
) -> datetime | None:
    """The last moment at which a customer is loyal without another order; None for who never was."""
    if orders_count < LOYAL_ORDERS or last_paid_at is None:
        return None
    return last_paid_at + max(LOYAL_GAP, 1.5 * own_gap if own_gap else LOYAL_GAP)


def percentile_gap(moments: Sequence[datetime], percent: int = 80) -> timedelta | None:
    """The nearest-rank percentile of the gaps between orders; None with fewer than two."""
    ordered = sorted(moments)
    gaps = sorted(later - earlier for earlier, later in pairwise(ordered))
    return nearest_rank(gaps, percent) if gaps else None


def nearest_rank(gaps: Sequence[timedelta], percent: int = 80) -> timedelta:
    """The nearest-rank percentile of gaps that are sorted; there is at least one."""
    rank = max(1, -(-len(gaps) * percent // 100))
    return gaps[rank - 1]
