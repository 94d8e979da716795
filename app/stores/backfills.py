"""The plan of a store's backfill: one row per resource, made at the install and worked off by jobs."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.db import insert_new, table_of, upsert
from app.models import Backfill
from connectors.base import Resource

RESOURCES = (Resource.PRODUCTS, Resource.CUSTOMERS, Resource.ORDERS)
"""What is mirrored at the install, in the order that serves it best: orders refer to both others."""


def plan(session: Session, store_id: int, now: datetime) -> None:
    """Let the history of every resource be read; what is already planned or done stays as it is."""
    insert_new(session, table_of(Backfill), _rows(store_id, now))


def plan_anew(session: Session, store_id: int, now: datetime) -> None:
    """Let the whole history be read again, as after a time without the app.

    A worker that is still at it loses its lease, so its late writes change nothing.
    """
    rows = _rows(store_id, now)
    changing = [name for name in rows[0] if name not in _KEY]
    upsert(session, table_of(Backfill), rows, key=_KEY, update=changing)


def forget(session: Session, store_id: int) -> None:
    """Drop the plan, so that nothing more is read from the shop."""
    session.execute(delete(Backfill).where(Backfill.store_id == store_id))


def progress(session: Session, store_id: int) -> tuple[int, int | None]:
    """How many were read over all resources, and of how many; None while a total is not known."""
    rows = session.execute(
        select(Backfill.done, Backfill.total, Backfill.finished_at).where(Backfill.store_id == store_id)
    ).all()
    totals = [done if finished_at is not None else total for done, total, finished_at in rows]
    known = [total for total in totals if total is not None]
    return sum(row.done for row in rows), sum(known) if len(known) == len(totals) else None


def pace(session: Session, store_id: int, now: datetime) -> tuple[float | None, int | None]:
    """Records a second since the unfinished part began, waiting included, and the seconds that are left.

    None where nothing is to be read any more, nothing came yet, or a total is not known.
    """
    rows = session.execute(
        select(Backfill.done, Backfill.total, Backfill.started_at).where(
            Backfill.store_id == store_id, Backfill.finished_at.is_(None)
        )
    ).all()
    done = sum(row.done for row in rows)
    seconds = max(((now - row.started_at).total_seconds() for row in rows), default=0.0)
    if not done or seconds <= 0:
        return None, None
    rate = done / seconds
    totals = [row.total for row in rows if row.total is not None]
    left = max(0, sum(totals) - done) / rate if len(totals) == len(rows) else None
    return round(rate, 1), None if left is None else round(left)


_KEY = ("store_id", "resource")


def _rows(store_id: int, now: datetime) -> list[dict[str, object]]:
    return [
        {
            "store_id": store_id,
            "resource": resource.value,
            "cursor": None,
            "done": 0,
            "total": None,
            "lease_token": None,
            "lease_until": None,
            "attempts": 0,
            "next_at": now,
            "error": None,
            "started_at": now,
            "finished_at": None,
        }
        for resource in RESOURCES
    ]
