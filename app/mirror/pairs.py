"""How often two products were bought together, kept by adding each counted order once."""

from collections import Counter
from itertools import permutations
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from app.db import Among, table_of, upsert
from app.models import Order, OrderLine, ProductPair

ORDERS, LINES, PAIRS = table_of(Order), table_of(OrderLine), table_of(ProductPair)
MOST_PRODUCTS = 12
_KEY = ("store_id", "product_external_id", "other_external_id")
_UNPAIRED = (
    select(ORDERS.c.id)
    .where(ORDERS.c.store_id == bindparam("store"), ORDERS.c.is_counted, ~ORDERS.c.is_paired)
    .order_by(ORDERS.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_PAIRED = (
    update(ORDERS)
    .where(ORDERS.c.store_id == bindparam("store"), Among(ORDERS.c.id, "orders"))
    .values(is_paired=True)
)
_BOUGHT = select(LINES.c.order_id, LINES.c.product_external_id, LINES.c.total_minor).where(
    LINES.c.store_id == bindparam("store"),
    Among(LINES.c.order_id, "orders"),
    LINES.c.product_external_id.is_not(None),
)


def add_orders(session: Session, store_id: int, limit: int) -> int:
    """Add counted orders that are not in the counts yet, at most `limit`; return how many.

    A product alone is kept as its pair with itself, so that the share of its buyers needs no second table.
    Of a large basket only the 12 dearest products count: pairs grow with the square.
    """
    ids = list(session.execute(_UNPAIRED, {"store": store_id, "most": limit}).scalars())
    if not ids:
        return 0
    counts: Counter[tuple[str, str]] = Counter()
    for products in _dearest(session, store_id, ids).values():
        counts.update((product, product) for product in products)
        counts.update(permutations(products, 2))
    _add(session, store_id, counts)
    session.execute(_PAIRED, {"store": store_id, "orders": ids})
    return len(ids)


def _dearest(session: Session, store_id: int, order_ids: list[int]) -> dict[int, list[str]]:
    totals: dict[int, Counter[str]] = {}
    for row in session.execute(_BOUGHT, {"store": store_id, "orders": order_ids}):
        totals.setdefault(row.order_id, Counter())[row.product_external_id] += row.total_minor
    return {
        order_id: [name for name, _ in sorted(sums.items(), key=lambda item: (-item[1], item[0]))][
            :MOST_PRODUCTS
        ]
        for order_id, sums in totals.items()
    }


def _add(session: Session, store_id: int, counts: Counter[tuple[str, str]]) -> None:
    rows: list[dict[str, Any]] = [
        {
            "store_id": store_id,
            "product_external_id": product,
            "other_external_id": other,
            "orders_count": count,
        }
        for (product, other), count in counts.items()
    ]
    upsert(session, PAIRS, rows, key=_KEY, update=(), add=("orders_count",))
