"""Scores: an append-only ledger of points, and what a programme's scale shows after them.

Source: DEFINITIONS.md, lead scoring.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.db import Among, insert_new, table_of
from app.models import ScoreEntry

LEDGER = table_of(ScoreEntry)
_POINTS = (
    select(LEDGER.c.customer_id, LEDGER.c.programme, LEDGER.c.points)
    .where(LEDGER.c.store_id == bindparam("store"), Among(LEDGER.c.customer_id, "people"))
    .order_by(LEDGER.c.occurred_at, LEDGER.c.id)
)
LOWEST, HIGHEST = 0, 100


@dataclass(frozen=True, slots=True)
class Points:
    """Points for one customer. `source_key` is unique in the store and programme."""

    store_id: int
    customer_id: int
    programme: str
    points: int
    source_key: str
    occurred_at: datetime


def shown(points: Iterable[int]) -> int:
    """What the scale shows after these entries, in their order; it never leaves 0 to 100 on the way."""
    score = LOWEST
    for given in points:
        score = min(HIGHEST, max(LOWEST, score + given))
    return score


def add(session: Session, entries: Sequence[Points]) -> int:
    """Write these into the ledger; those whose source counted before are passed over. How many are new."""
    rows = [
        {
            "store_id": one.store_id,
            "customer_id": one.customer_id,
            "programme": one.programme,
            "points": one.points,
            "source_key": one.source_key,
            "occurred_at": one.occurred_at,
        }
        for one in entries
    ]
    return len(insert_new(session, LEDGER, rows, LEDGER.c.id))


def scores_of(session: Session, store_id: int, people: Sequence[int]) -> dict[int, dict[str, int]]:
    """What each programme's scale shows of these customers; of those who have any entry."""
    found: dict[int, dict[str, list[int]]] = {}
    asked = {"store": store_id, "people": sorted(people)}
    for row in session.execute(_POINTS, asked) if people else ():
        found.setdefault(row.customer_id, {}).setdefault(row.programme, []).append(row.points)
    return {
        person: {programme: shown(points) for programme, points in sorted(of_person.items())}
        for person, of_person in found.items()
    }
