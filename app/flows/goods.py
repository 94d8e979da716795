"""What was bought in orders: each product with the sum of its lines."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.db import Among, table_of
from app.models import OrderLine

LINES = table_of(OrderLine)
MOST_ASKED = 3
"""About so many of an order's products, the dearest, a review is asked."""
_ORDERS_A_QUERY = 500
_BOUGHT = select(LINES.c.order_id, LINES.c.product_external_id, LINES.c.title, LINES.c.total_minor).where(
    LINES.c.store_id == bindparam("store"),
    Among(LINES.c.order_id, "orders"),
    LINES.c.product_external_id.is_not(None),
)


class OrderProduct(NamedTuple):
    """One product of an order with the sum of its lines."""

    external_id: str
    title: str
    total_minor: int


def order_products(
    session: Session, store_id: int, order_ids: Sequence[int]
) -> dict[int, list[OrderProduct]]:
    """The products of orders, dearest first; ties by external id as text."""
    found: dict[int, dict[str, OrderProduct]] = {}
    for start in range(0, len(order_ids), _ORDERS_A_QUERY):
        asked = {"store": store_id, "orders": order_ids[start : start + _ORDERS_A_QUERY]}
        for order_id, external_id, title, total_minor in session.execute(_BOUGHT, asked).all():
            of_order = found.get(order_id)
            if of_order is None:
                of_order = found[order_id] = {}
            held = of_order.get(external_id)
            total = total_minor if held is None else total_minor + held.total_minor
            of_order[external_id] = OrderProduct(external_id, title, total)
    return {order_id: sorted(of_order.values(), key=_dearest_first) for order_id, of_order in found.items()}


def _dearest_first(item: OrderProduct) -> tuple[int, str]:
    return -item.total_minor, item.external_id
