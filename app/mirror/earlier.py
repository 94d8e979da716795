"""Orders that a shop counts and does not show: without `read_all_orders` Shopify shows 60 days only.

Who bought before then is no first-time buyer. Shopify tells each customer's number of orders over all time;
what of it is not among the orders mirrored up to that moment was placed before we may look.
"""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db import table_of, update_rows
from app.models import Customer, Order

CUSTOMERS, ORDERS = table_of(Customer), table_of(Order)


def refresh(session: Session, store_id: int, customer_ids: Iterable[int]) -> None:
    """Recompute `earlier_orders` of those whose orders or whose number of orders were told."""
    people = sorted(set(customer_ids))
    if not people:
        return
    shown = (
        select(func.count())
        .where(
            ORDERS.c.store_id == store_id,
            ORDERS.c.customer_id == CUSTOMERS.c.id,
            ORDERS.c.placed_at <= CUSTOMERS.c.platform_orders_at,
            ORDERS.c.deleted_at.is_(None),
        )
        .scalar_subquery()
    )
    columns = (CUSTOMERS.c.id, CUSTOMERS.c.platform_orders_count, CUSTOMERS.c.earlier_orders)
    statement = select(*columns, shown.label("shown")).where(
        CUSTOMERS.c.store_id == store_id,
        CUSTOMERS.c.id.in_(people),
        CUSTOMERS.c.platform_orders_at.is_not(None),
    )
    changed = []
    for row in session.execute(statement):
        earlier_orders = max(0, (row.platform_orders_count or 0) - row.shown)
        if earlier_orders != row.earlier_orders:
            changed.append({"store_id": store_id, "id": row.id, "earlier_orders": earlier_orders})
    update_rows(session, CUSTOMERS, changed)
