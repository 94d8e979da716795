"""What the whole shop knew as of a moment: its usual transit, what was bought together, the catalogue."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

from sqlalchemy import Row, func, literal, select
from sqlalchemy.orm import Session

from app.db import table_of
from app.flows.facts import LATEST_DELIVERIES, median_of
from app.flows.shop import SUPPORT, Pair
from app.flows.simulate.question import Question
from app.models import CustomerEvent, Order, OrderLine, Product
from app.segments import product_rhythms
from app.segments.product_rhythms import Past

ORDERS, EVENTS, LINES, PRODUCTS = (
    table_of(Order),
    table_of(CustomerEvent),
    table_of(OrderLine),
    table_of(Product),
)
MOST_PRODUCTS = 12
"""Of a large basket only the dearest count, as in the nightly slot."""
_SLOT = timedelta(hours=2)
_DAY = timedelta(days=1)


@dataclass(slots=True)
class Transit:
    """Deliveries in the order of their orders' moments, to find the latest that were known at a moment."""

    placed: list[datetime] = field(default_factory=list)
    known: list[datetime] = field(default_factory=list)
    spans: list[timedelta] = field(default_factory=list)
    told: list[datetime] = field(default_factory=list)
    _cache: dict[int, timedelta | None] = field(default_factory=dict)

    def median(self, now: datetime) -> timedelta | None:
        """The store's, of the latest deliveries that were known by then."""
        count = bisect_right(self.told, now)
        if count not in self._cache:
            found: list[timedelta] = []
            # What was placed later was not delivered by then: look back from that moment, not from the end.
            for place in range(bisect_right(self.placed, now) - 1, -1, -1):
                if self.known[place] <= now:
                    found.append(self.spans[place])
                    if len(found) == LATEST_DELIVERIES:
                        break
            self._cache[count] = median_of(found)
        return self._cache[count]


@dataclass(slots=True)
class Together:
    """In which orders products stood together, by the moment at which the nightly slot counted them."""

    alone: dict[str, list[datetime]] = field(default_factory=dict)
    pairs: dict[str, dict[str, list[datetime]]] = field(default_factory=dict)

    def with_(self, product: str, now: datetime) -> list[Pair]:
        """What was bought with a product often enough by then."""
        return [
            Pair(product, other, count)
            for other, moments in self.pairs.get(product, {}).items()
            if (count := bisect_right(moments, now)) >= SUPPORT
        ]

    def count(self, product: str, now: datetime) -> int:
        """In how many orders a product stood by then."""
        return bisect_right(self.alone.get(product, []), now)


@dataclass(frozen=True, slots=True)
class History:
    """What all people of a shop share. The catalogue is that of today: nobody kept the earlier ones."""

    transit: Transit
    together: Together
    chosen: Mapping[str, Sequence[str]]
    available: frozenset[str]
    mean_total: float
    mean_shipping: float
    rhythms: Past


def load(session: Session, question: Question) -> History:
    """Read what the flows of the question may ask for, and nothing else."""
    store_id = question.store.id
    kinds = {
        (step.kind, getattr(step, "chooser", ""))
        for flow in question.flows.values()
        for entry in flow.definition.entries
        for step in entry.steps
    }
    asks_complement = ("choose", "complement") in kinds
    products = select(
        PRODUCTS.c.external_id, PRODUCTS.c.cross_sell_ids, PRODUCTS.c.is_available, PRODUCTS.c.deleted_at
    ).where(PRODUCTS.c.store_id == store_id)
    catalogue = session.execute(products).all() if asks_complement else []
    means = select(func.avg(ORDERS.c.total_minor), func.avg(ORDERS.c.shipping_minor)).where(
        ORDERS.c.store_id == store_id, ORDERS.c.is_counted
    )
    total, shipping = session.execute(means).one()
    return History(
        transit=_transit(session, question) if ("wait-for", "") in kinds else Transit(),
        together=_together(session, question) if asks_complement else Together(),
        chosen={row.external_id: row.cross_sell_ids or () for row in catalogue},
        available=frozenset(
            row.external_id for row in catalogue if row.is_available and row.deleted_at is None
        ),
        mean_total=float(total or 0),
        mean_shipping=float(shipping or 0),
        rhythms=product_rhythms.past(session, store_id),
    )


_PARCEL = (ORDERS.c.placed_at, ORDERS.c.fulfilled_at, ORDERS.c.delivered_at)


def _transit(session: Session, question: Question) -> Transit:
    statement = (
        _with_event(question, "order.delivered", *_PARCEL)
        .where(ORDERS.c.delivered_at.is_not(None), ORDERS.c.fulfilled_at.is_not(None))
        .order_by(ORDERS.c.placed_at, ORDERS.c.id)
    )
    found = Transit()
    for row in session.execute(statement):
        known = _known(question, row, row.delivered_at)
        found.placed.append(row.placed_at)
        found.known.append(known)
        found.spans.append(row.delivered_at - row.fulfilled_at)
    found.told = sorted(found.known)
    return found


def _together(session: Session, question: Question) -> Together:
    """Two passes: which pairs ever had enough support, then the moments of those alone."""
    counted = _counted(session, question)
    baskets = _baskets(session, question, counted.keys())
    alone: Counter[str] = Counter(product for products in baskets.values() for product in products)
    frequent = {product for product, count in alone.items() if count >= SUPPORT}
    often: Counter[tuple[str, str]] = Counter()
    for products in baskets.values():
        often.update(permutations([product for product in products if product in frequent], 2))
    supported = {pair for pair, count in often.items() if count >= SUPPORT}
    found = Together()
    for order_id, at in sorted(counted.items(), key=lambda item: item[1]):
        products = baskets.get(order_id, [])
        for product in products:
            found.alone.setdefault(product, []).append(at)
        for one, other in permutations(products, 2):
            if (one, other) in supported:
                found.pairs.setdefault(one, {}).setdefault(other, []).append(at)
    return found


def _counted(session: Session, question: Question) -> dict[int, datetime]:
    """When the nightly slot found each order counted; those that never were are left out."""
    columns = (ORDERS.c.id, ORDERS.c.paid_at, ORDERS.c.cancelled_at, ORDERS.c.is_counted)
    statement = _with_event(question, "order.paid", *columns).where(
        ORDERS.c.paid_at.is_not(None), ~ORDERS.c.is_test, ORDERS.c.paid_at <= question.until
    )
    found: dict[int, datetime] = {}
    for row in session.execute(statement):
        at = _slot_after(question, _known(question, row, row.paid_at))
        is_gone = row.cancelled_at is not None and at is not None and row.cancelled_at < at
        if at is not None and not is_gone:
            found[row.id] = at
    return found


def _slot_after(question: Question, known: datetime) -> datetime | None:
    """The tick of the first run of the slot that finds what was known then."""
    slot = known.replace(hour=0, minute=0, second=0, microsecond=0) + _SLOT
    while (run := question.tick_at(slot)) is not None and run < known:
        slot += _DAY
    return run


def _baskets(session: Session, question: Question, order_ids: Any) -> dict[int, list[str]]:
    """The dearest products of each order."""
    totals: dict[int, Counter[str]] = {}
    statement = select(LINES.c.order_id, LINES.c.product_external_id, LINES.c.total_minor).where(
        LINES.c.store_id == question.store.id, LINES.c.product_external_id.is_not(None)
    )
    for row in session.execute(statement):
        if row.order_id in order_ids:
            totals.setdefault(row.order_id, Counter())[row.product_external_id] += row.total_minor
    return {
        order_id: sorted(sums, key=lambda name: (-sums[name], name))[:MOST_PRODUCTS]
        for order_id, sums in totals.items()
    }


def _with_event(question: Question, kind: str, *columns: Any) -> Any:
    """Orders with the timeline's entry of one moment of theirs, where there is one."""
    is_told = (EVENTS.c.store_id == ORDERS.c.store_id) & (
        EVENTS.c.source_key == literal(f"{kind}:") + ORDERS.c.external_id
    )
    return (
        select(*columns, EVENTS.c.occurred_at, EVENTS.c.recorded_at)
        .select_from(ORDERS.outerjoin(EVENTS, is_told))
        .where(ORDERS.c.store_id == question.store.id)
    )


def _known(question: Question, row: Row[Any], otherwise: datetime) -> datetime:
    if row.recorded_at is None:
        return otherwise
    return question.known_at(row.occurred_at, row.recorded_at)
