"""How often people come back: each customer's own rhythm, and the shop's."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import is_among, table_of, upsert
from app.models import Order, Rhythm
from app.segments.classes import nearest_rank, percentile_gap

ORDERS, RHYTHMS = table_of(Order), table_of(Rhythm)
_SAMPLE, _ENOUGH_GAPS = 500, 20
_COUNTED_AGAIN, _TRIED_AGAIN = timedelta(days=7), timedelta(days=1)


def own_gaps(session: Session, store_id: int, people: Sequence[int]) -> dict[int, timedelta]:
    """The 80th percentile of each customer's gaps between orders that count; of who has a gap."""
    gaps = {person: percentile_gap(paid) for person, paid in _paid(session, store_id, people).items()}
    return {person: gap for person, gap in gaps.items() if gap is not None}


def shop_gap(session: Session, store_id: int, now: datetime) -> timedelta | None:
    """The 80th percentile over the gaps of those who bought lately, counted anew every week; None if too few.

    It stands for who has no rhythm of their own yet.
    """
    held = session.execute(select(RHYTHMS).where(RHYTHMS.c.store_id == store_id)).one_or_none()
    if held is not None:
        gap = timedelta(seconds=held.gap_seconds) if held.gap_seconds is not None else None
        lasts = _COUNTED_AGAIN if gap is not None else _TRIED_AGAIN
        if held.counted_at <= now < held.counted_at + lasts:
            return gap
    gap = _count(session, store_id)
    row = {
        "store_id": store_id,
        "gap_seconds": int(gap.total_seconds()) if gap is not None else None,
        "counted_at": now,
    }
    upsert(session, RHYTHMS, [row], key=("store_id",), update=("gap_seconds", "counted_at"))
    return gap


def _count(session: Session, store_id: int) -> timedelta | None:
    latest = (
        select(ORDERS.c.customer_id)
        .where(ORDERS.c.store_id == store_id, ORDERS.c.is_counted, ORDERS.c.customer_id.is_not(None))
        .order_by(ORDERS.c.placed_at.desc())
        .limit(_SAMPLE)
    )
    people = sorted(set(session.execute(latest).scalars()))
    moments = _paid(session, store_id, people).values()
    gaps = sorted(later - earlier for paid in moments for earlier, later in pairwise(sorted(paid)))
    return nearest_rank(gaps) if len(gaps) >= _ENOUGH_GAPS else None


def _paid(session: Session, store_id: int, people: Sequence[int]) -> dict[int, list[datetime]]:
    """When each of some customers paid the orders that count."""
    found: dict[int, list[datetime]] = {}
    if not people:
        return found
    statement = select(ORDERS.c.customer_id, ORDERS.c.paid_at).where(
        ORDERS.c.store_id == store_id,
        is_among(session, ORDERS.c.customer_id, people),
        ORDERS.c.is_counted,
        ORDERS.c.deleted_at.is_(None),
        ORDERS.c.paid_at.is_not(None),
    )
    for row in session.execute(statement):
        found.setdefault(row.customer_id, []).append(row.paid_at)
    return found
