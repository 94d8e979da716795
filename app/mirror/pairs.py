"""How often two products were bought together, kept by adding each counted order once.

A night's orders hold thousands of pairs, nearly all of them of products that stood in an order or two ever:
of those nothing is kept but in which orders they stood. Once a product stood in enough of them (`SUPPORT`)
its pairs with others like it are counted: from those few orders, and with each order from then on.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import permutations
from typing import Any, NamedTuple

from sqlalchemy import bindparam, false, select, true, update
from sqlalchemy.orm import Session

from app.db import Among, table_of, upsert_columns
from app.models import Order, OrderLine, ProductCount, ProductPair, Store
from app.models.product import SUPPORT
from app.scans import StoreScan

ORDERS, LINES = table_of(Order), table_of(OrderLine)
COUNTS, PAIRS = table_of(ProductCount), table_of(ProductPair)
STORES = table_of(Store)
MOST_PRODUCTS = 12
UNPAIRED = StoreScan(ORDERS.c.store_id, ORDERS.c.is_counted == true(), ORDERS.c.is_paired == false())
"""Which stores have orders that are not in the counts yet."""
_KEY = ("store_id", "product_external_id")
_KEY_OF_BOTH = (*_KEY, "other_external_id")
_OF_STORE = select(STORES.c.id).where(STORES.c.id == bindparam("store")).with_for_update(key_share=True)
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
_COUNTED = select(COUNTS.c.product_external_id, COUNTS.c.orders_count, COUNTS.c.orders).where(
    COUNTS.c.store_id == bindparam("store"), Among(COUNTS.c.product_external_id, "products")
)
_TELLING = select(COUNTS.c.product_external_id).where(
    COUNTS.c.store_id == bindparam("store"),
    Among(COUNTS.c.product_external_id, "products"),
    COUNTS.c.orders_count >= SUPPORT,
)
_Baskets = Mapping[int, Collection[str]]
_Pairs = Counter[tuple[str, str]]


class _Counted(NamedTuple):
    """In how many orders a product stood, and in which, as long as those are few."""

    orders_count: int
    orders: list[int] | None

    @property
    def tells(self) -> bool:
        return self.orders_count >= SUPPORT


_NEVER = _Counted(0, [])


def add_orders(session: Session, store_id: int, limit: int) -> int:
    """Add counted orders that are not in the counts yet, at most `limit`; return how many.

    Of a large basket only the 12 dearest products count: pairs grow with the square.
    """
    if session.get_bind().dialect.name != "sqlite":
        # Whoever adds to a product's orders must know the last ones.
        session.execute(_OF_STORE, {"store": store_id})
    ids = list(session.execute(_UNPAIRED, {"store": store_id, "most": limit}).scalars())
    if not ids:
        return 0
    baskets = _baskets(session, store_id, ids)
    bought: defaultdict[str, list[int]] = defaultdict(list)
    for order_id, products in baskets.items():
        for product in products:
            bought[product].append(order_id)
    before = _counted(session, store_id, bought)
    after = {name: _joined(before.get(name, _NEVER), orders) for name, orders in bought.items()}
    told = {name for name, counted in before.items() if counted.tells}
    pairs = _Pairs()
    for products in baskets.values():
        pairs.update(permutations(told.intersection(products), 2))
    new = {
        name: (before.get(name, _NEVER).orders or []) + bought[name]
        for name, counted in after.items()
        if counted.tells and name not in told
    }
    _keep_counts(session, store_id, after)
    if new:
        pairs.update(_of_new(session, store_id, new, baskets))
    _add(session, store_id, pairs)
    session.execute(_PAIRED, {"store": store_id, "orders": ids})
    return len(ids)


def _baskets(session: Session, store_id: int, order_ids: Collection[int]) -> _Baskets:
    """Of each order the products that count."""
    totals: defaultdict[int, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    bought = session.execute(_BOUGHT, {"store": store_id, "orders": order_ids}).all()
    for order_id, product, total_minor in bought:
        totals[order_id][product] += total_minor
    return {order_id: _dearest(sums) for order_id, sums in totals.items()}


def _dearest(sums: Mapping[str, int]) -> Collection[str]:
    if len(sums) <= MOST_PRODUCTS:
        return sums.keys()
    dearest = sorted((-total, product) for product, total in sums.items())
    return [product for _, product in dearest[:MOST_PRODUCTS]]


def _counted(session: Session, store_id: int, products: Iterable[str]) -> dict[str, _Counted]:
    """What is known of those of these that were counted before."""
    rows = session.execute(_COUNTED, {"store": store_id, "products": sorted(products)}).all()
    return {product: _Counted(*counted) for product, *counted in rows}


def _joined(before: _Counted, orders: list[int]) -> _Counted:
    count = before.orders_count + len(orders)
    return _Counted(count, None if count >= SUPPORT else (before.orders or []) + orders)


def _of_new(session: Session, store_id: int, new: Mapping[str, list[int]], baskets: _Baskets) -> _Pairs:
    """The pairs of products that have just stood in enough orders, from all of these, both ways round."""
    earlier = {order_id for orders in new.values() for order_id in orders}.difference(baskets)
    known = {**_baskets(session, store_id, earlier), **baskets}
    found = {
        product: Counter(other for order_id in orders for other in known.get(order_id, ()))
        for product, orders in new.items()
    }
    others = {other for counts in found.values() for other in counts}
    telling = set(session.execute(_TELLING, {"store": store_id, "products": sorted(others)}).scalars())
    pairs = _Pairs()
    for product, counts in found.items():
        for other in telling.intersection(counts) - {product}:
            # Two that are new find the same orders, each among its own.
            pairs[product, other] = pairs[other, product] = counts[other]
    return pairs


def _keep_counts(session: Session, store_id: int, counted: Mapping[str, _Counted]) -> None:
    if not counted:
        return
    products = sorted(counted)
    columns: dict[str, Sequence[Any]] = {
        "store_id": [store_id] * len(products),
        "product_external_id": products,
        "orders_count": [counted[product].orders_count for product in products],
        "orders": [counted[product].orders for product in products],
    }
    upsert_columns(session, COUNTS, columns, key=_KEY, update=("orders_count", "orders"))


def _add(session: Session, store_id: int, pairs: _Pairs) -> None:
    """By columns: of a night's orders there are hundreds of pairs."""
    if not pairs:
        return
    ordered = sorted(pairs)
    products, others = zip(*ordered, strict=True)
    columns: dict[str, Sequence[Any]] = {
        "store_id": [store_id] * len(ordered),
        "product_external_id": products,
        "other_external_id": others,
        "orders_count": [pairs[pair] for pair in ordered],
    }
    upsert_columns(session, PAIRS, columns, key=_KEY_OF_BOTH, update=(), add=("orders_count",))
