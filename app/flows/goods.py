"""What was bought in orders: each product with the sum of its lines."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

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
    lines: dict[int, list[Any]] = {}
    for start in range(0, len(order_ids), _ORDERS_A_QUERY):
        asked = {"store": store_id, "orders": order_ids[start : start + _ORDERS_A_QUERY]}
        for line in session.execute(_BOUGHT, asked).all():
            of_order = lines.get(line[0])
            if of_order is None:
                lines[line[0]] = [line]
            else:
                of_order.append(line)
    return {order_id: _dearest_first(of_order) for order_id, of_order in lines.items()}


def _dearest_first(lines: Sequence[Any]) -> list[OrderProduct]:
    """The products of an order's lines: sorted by what is there, for an order may have dozens."""
    products = [_made(OrderProduct, line[1:]) for line in lines]
    if len({product[0] for product in products}) < len(products):
        products = _summed(products)
    products.sort(key=_NAME)
    products.sort(key=_TOTAL, reverse=True)
    return products


def _summed(products: Sequence[OrderProduct]) -> list[OrderProduct]:
    found: dict[str, OrderProduct] = {}
    for one in products:
        held = found.get(one.external_id)
        total = one.total_minor if held is None else one.total_minor + held.total_minor
        found[one.external_id] = one._replace(total_minor=total)
    return [*found.values()]


_NAME, _TOTAL, _made = itemgetter(0), itemgetter(2), tuple.__new__
