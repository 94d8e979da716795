"""The sums over a customer's counted orders, recomputed for those whose orders changed."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Integer, bindparam, case, cast, func, select
from sqlalchemy.orm import Session

from app.db import Among, table_of, update_rows
from app.models import Customer, Order
from app.segments import standing

ORDERS, CUSTOMERS = table_of(Order), table_of(Customer)
_COUNTED = (
    select(
        ORDERS.c.customer_id,
        func.count().label("n"),
        func.sum(cast(case((ORDERS.c.is_discounted, 1), else_=0), Integer)).label("discounted"),
        func.sum(ORDERS.c.total_minor - ORDERS.c.refunded_minor).label("spent"),
        func.min(ORDERS.c.paid_at).label("first"),
        func.max(ORDERS.c.paid_at).label("last"),
    )
    .where(
        ORDERS.c.store_id == bindparam("store_id"),
        Among(ORDERS.c.customer_id, "people"),
        ORDERS.c.is_counted,
        ORDERS.c.deleted_at.is_(None),
    )
    .group_by(ORDERS.c.customer_id)
)


def refresh(session: Session, store_id: int, customer_ids: Iterable[int | None]) -> None:
    """Recompute orders_count, discounted_count, total_spent_minor, first and last paid moments.

    Where they stand with the shop is looked at again. Cost: the orders of these customers, found by index;
    never a full pass.
    """
    people = sorted({customer_id for customer_id in customer_ids if customer_id is not None})
    if not people:
        return
    counted = session.execute(_COUNTED, {"store_id": store_id, "people": people}).all()
    found = {row.customer_id: row for row in counted}
    update_rows(session, CUSTOMERS, [_row(store_id, person, found.get(person)) for person in people])
    standing.touch(session, store_id, people)


def _row(store_id: int, person: int, found: object) -> dict[str, object]:
    first: datetime | None = getattr(found, "first", None)
    last: datetime | None = getattr(found, "last", None)
    return {
        "store_id": store_id,
        "id": person,
        "orders_count": int(getattr(found, "n", 0) or 0),
        "discounted_count": int(getattr(found, "discounted", 0) or 0),
        "total_spent_minor": int(getattr(found, "spent", 0) or 0),
        "first_paid_at": first,
        "last_paid_at": last,
    }
