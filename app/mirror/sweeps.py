"""What the mirror holds and the shop may have deleted without a word: read in small parts, by external id."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from app.db import table_of
from app.mirror import lookups
from app.models import Order, Product
from connectors.base import Resource

_TABLES: dict[Resource, Table] = {Resource.ORDERS: table_of(Order), Resource.PRODUCTS: table_of(Product)}


def part(session: Session, store_id: int, resource: Resource, *, after: str, limit: int) -> list[str]:
    """The next external ids that are not marked as deleted, in the order of their text."""
    table = _TABLES[resource]
    statement = (
        select(table.c.external_id)
        .where(table.c.store_id == store_id, table.c.external_id > after, table.c.deleted_at.is_(None))
        .order_by(table.c.external_id)
        .limit(limit)
    )
    return list(session.execute(statement).scalars())


def alive(session: Session, store_id: int, resource: Resource, external_ids: Sequence[str]) -> list[str]:
    """Which of these the mirror holds and does not mark as deleted."""
    table = _TABLES[resource]
    statement = select(table.c.external_id).where(
        table.c.store_id == store_id, table.c.external_id.in_(external_ids), table.c.deleted_at.is_(None)
    )
    return list(session.execute(statement).scalars())


def doubt(
    session: Session, store_id: int, resource: Resource, external_ids: Collection[str], *, now: datetime
) -> None:
    """Have these looked up one by one: only the shop's own "there is no such thing" marks them as deleted."""
    for external_id in sorted(external_ids):
        lookups.ask(session, store_id, resource, external_id, now=now)
