"""When the buyers of a shop bought what: read once a week, to learn after how long they come back."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, func, select, type_coerce
from sqlalchemy.orm import Session

from app.db import Micros, table_of, to_micros
from app.models import Order, OrderLine
from app.segments.survival import FEWEST_GAPS, Spell

ORDERS, LINES = table_of(Order), table_of(OrderLine)
COUNTED = (ORDERS.c.is_counted, ORDERS.c.deleted_at.is_(None), ORDERS.c.paid_at.is_not(None))
"""Which orders are purchases that somebody paid."""
_DAY = timedelta(days=1) // timedelta(microseconds=1)
_SEPARATOR = "\x1f"
_STORE: BindParameter[int] = bindparam("store")
# In the order in which orders came their lines lie side by side: by their customers SQLite would read each
# page of them again and again. Of the orders themselves an index tells all, in the order of their customers.
_ORDERS = (
    select(ORDERS.c.id, ORDERS.c.customer_id, ORDERS.c.paid_at)
    .where(
        ORDERS.c.store_id == _STORE,
        ORDERS.c.customer_id.is_not(None),
        ORDERS.c.customer_id % bindparam("every") == 0,
        *COUNTED,
    )
    .order_by(ORDERS.c.id)
    .subquery()
)
_PRODUCTS = (
    select(func.aggregate_strings(LINES.c.product_external_id, _SEPARATOR))
    .where(LINES.c.store_id == _STORE, LINES.c.order_id == _ORDERS.c.id)
    .scalar_subquery()
)
_VISITED: Select[Any] = select(_ORDERS.c.customer_id, type_coerce(_ORDERS.c.paid_at, Micros), _PRODUCTS)
"""One row an order, for its products stand by themselves in many rows more."""
_AT_ONCE = 1000
_INT = "q"
"""Eight bytes a number; in a list of Python's it takes forty."""


@dataclass(frozen=True, slots=True)
class Visits:
    """When every n-th buyer bought something, person by person in the order of time.

    Attributes:
        moments: in microseconds since 1970.
        bought: at which places among the visits a product was bought, in their order; of those that were
            bought so often that they may tell anything.
    """

    people: Sequence[int]
    moments: Sequence[int]
    bought: Mapping[str, Sequence[int]]

    def spells(self, places: Iterable[int], now: datetime) -> Iterator[Spell]:
        """The time after each of these visits."""
        until, last = to_micros(now), len(self.people) - 1
        for place in places:
            person, paid_at = self.people[place], self.moments[place]
            is_over = place < last and self.people[place + 1] == person
            yield Spell(((self.moments[place + 1] if is_over else until) - paid_at) / _DAY, is_over, person)


@dataclass(frozen=True, slots=True)
class _Orders:
    """Orders in columns, as they come: whose, paid when, and the numbers of their products in one row.

    Attributes:
        ends: where among the products those of each order end.
        names: the number of each product, from 0 on.
    """

    people: "array[int]"
    moments: "array[int]"
    ends: "array[int]"
    products: "array[int]"
    names: Mapping[str, int]


def of_buyers(session: Session, store_id: int, every: int) -> Visits:
    """Products are counted first: nearly all of them were bought a few times ever, and tell nothing."""
    orders = _orders(session, store_id, every)
    bought = _told_of(orders)
    people, moments = array(_INT), array(_INT)
    last, place = None, -1
    in_time = sorted(range(len(orders.people)), key=orders.moments.__getitem__)
    for at in sorted(in_time, key=orders.people.__getitem__):
        visit = (orders.people[at], orders.moments[at])
        # Who pays twice at the same moment has not come back in between.
        if visit != last:
            last, place = visit, place + 1
            people.append(visit[0])
            moments.append(visit[1])
        for product in orders.products[orders.ends[at - 1] if at else 0 : orders.ends[at]]:
            places = bought.get(product)
            # Bought by two orders of a visit, it is one purchase.
            if places is not None and (not places or places[-1] != place):
                places.append(place)
    named = ((name, bought.get(number)) for name, number in orders.names.items())
    return Visits(people, moments, {name: places for name, places in named if places is not None})


def _orders(session: Session, store_id: int, every: int) -> _Orders:
    people, moments, ends, products = (array(_INT) for _ in range(4))
    names: dict[str, int] = defaultdict(count().__next__)
    for some in session.execute(_VISITED, {"store": store_id, "every": every}).partitions(_AT_ONCE):
        for person, paid_at, bought in some:
            people.append(person)
            moments.append(paid_at)
            if bought:
                products.extend(map(names.__getitem__, bought.split(_SEPARATOR)))
            ends.append(len(products))
    return _Orders(people, moments, ends, products, names)


def _told_of(orders: _Orders) -> "dict[int, array[int]]":
    """An empty list for each product that was bought so often that it may tell something."""
    times = [0] * len(orders.names)
    for product in orders.products:
        times[product] += 1
    return {product: array(_INT) for product, n in enumerate(times) if n >= FEWEST_GAPS}
