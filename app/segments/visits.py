"""When the buyers of a shop bought what: read once a week, to learn after how long they come back."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
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


@dataclass(frozen=True, slots=True)
class Visits:
    """When every n-th buyer bought something, person by person in the order of time.

    Attributes:
        moments: in microseconds since 1970.
        bought: at which places among the visits a product was bought, in their order; of those that were
            bought so often that they may tell anything.
    """

    people: list[int]
    moments: list[int]
    bought: Mapping[str, Sequence[int]]


def of_buyers(session: Session, store_id: int, every: int) -> Visits:
    """Products are counted first: nearly all of them were bought a few times ever, and tell nothing."""
    orders: list[Any] = []
    times = Counter[str]()
    for some in session.execute(_VISITED, {"store": store_id, "every": every}).partitions(_AT_ONCE):
        orders += some
        times.update(_SEPARATOR.join([products for _, _, products in some if products]).split(_SEPARATOR))
    orders.sort(key=itemgetter(0, 1))
    bought: dict[str, list[int]] = {product: [] for product, n in times.items() if n >= FEWEST_GAPS}
    telling = frozenset(bought)
    people: list[int] = []
    moments: list[int] = []
    last, place = None, -1
    for person, paid_at, products in orders:
        # Who pays twice at the same moment has not come back in between.
        if (person, paid_at) != last:
            last, place = (person, paid_at), place + 1
            people.append(person)
            moments.append(paid_at)
        for product in telling.intersection(products.split(_SEPARATOR)) if products else ():
            bought[product].append(place)
    # Bought by two orders of a visit, it is one purchase.
    return Visits(people, moments, {product: list(dict.fromkeys(at)) for product, at in bought.items()})


def spells(visits: Visits, now: datetime) -> Iterator[Spell]:
    """The time after each visit."""
    until = to_micros(now)
    following = zip([*visits.people[1:], None], [*visits.moments[1:], until], strict=False)
    for person, paid_at, (next_person, next_at) in zip(
        visits.people, visits.moments, following, strict=False
    ):
        is_over = next_person == person
        yield Spell(((next_at if is_over else until) - paid_at) / _DAY, is_over, person)
