"""How often two products were bought together, kept by adding each counted order once."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import permutations

from sqlalchemy import bindparam, false, select, true, update
from sqlalchemy.orm import Session

from app.db import Among, table_of, upsert_columns
from app.models import Order, OrderLine, ProductPair
from app.scans import StoreScan

ORDERS, LINES, PAIRS = table_of(Order), table_of(OrderLine), table_of(ProductPair)
MOST_PRODUCTS = 12
UNPAIRED = StoreScan(ORDERS.c.store_id, ORDERS.c.is_counted == true(), ORDERS.c.is_paired == false())
"""Which stores have orders that are not in the counts yet."""
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
    pairs: Counter[tuple[str, str]] = Counter()
    for products in _dearest(session, store_id, ids):
        pairs.update(zip(products, products, strict=True))
        pairs.update(permutations(products, 2))
    _add(session, store_id, pairs)
    session.execute(_PAIRED, {"store": store_id, "orders": ids})
    return len(ids)


def _dearest(session: Session, store_id: int, order_ids: list[int]) -> Iterator[list[str]]:
    """Of each order the products that count."""
    totals: defaultdict[int, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    bought = session.execute(_BOUGHT, {"store": store_id, "orders": order_ids})
    for order_id, product, total_minor in bought:
        totals[order_id][product] += total_minor
    for sums in totals.values():
        if len(sums) <= MOST_PRODUCTS:
            yield list(sums)
        else:
            dearest = sorted((-total, product) for product, total in sums.items())
            yield [product for _, product in dearest[:MOST_PRODUCTS]]


def _add(session: Session, store_id: int, pairs: Counter[tuple[str, str]]) -> None:
    """By columns: of a night's orders there are thousands of pairs."""
    if not pairs:
        return
    ordered = sorted(pairs)
    products, others = zip(*ordered, strict=True)
    columns = {
        "store_id": [store_id] * len(ordered),
        "product_external_id": products,
        "other_external_id": others,
        "orders_count": [pairs[pair] for pair in ordered],
    }
    upsert_columns(session, PAIRS, columns, key=_KEY, update=(), add=("orders_count",))
