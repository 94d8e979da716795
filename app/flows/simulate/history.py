"""What the whole shop knew as of a moment: its usual transit, what was bought together, the catalogue."""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from itertools import accumulate, chain, combinations, groupby
from operator import itemgetter
from sys import intern
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, case, func, literal, select, type_coerce
from sqlalchemy.orm import Session

from app.db import UtcDateTime, table_of
from app.flows.facts import LATEST_DELIVERIES, median_of
from app.flows.shop import Fit
from app.flows.simulate.question import Question
from app.models import CustomerEvent, Order, OrderLine, Product, Rhythm
from app.models.product import SUPPORT
from app.segments import product_rhythms
from app.segments.product_rhythms import Past
from app.segments.state_facts import FLOW

ORDERS, EVENTS, RHYTHMS = table_of(Order), table_of(CustomerEvent), table_of(Rhythm)
LINES, PRODUCTS = table_of(OrderLine), table_of(Product)
MOST_PRODUCTS = 12
"""Of a large basket only the dearest count, as in the nightly slot."""
_MANY = 10_000
"""So many rows are fetched at once: one by one takes longer, all of a large shop's do not fit."""
_SLOT = time(2)
_DAY = timedelta(days=1)
_T = TypeVar("_T")


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


class Partners(NamedTuple):
    """In how many orders a product stood, and with which others that can be bought now, by nights."""

    alone: Sequence[int]
    told: list[tuple[str, Sequence[int]]]


@dataclass(slots=True)
class Together:
    """How often products stood together; `nights`: when the slots that counted the orders ran, in order.

    Each count is a column: its n-th figure is that of the orders of the first n nights. Pairs that are named
    here had enough support (`SUPPORT`) at some time.
    """

    nights: Sequence[datetime] = ()
    pairs: dict[str, Partners] = field(default_factory=dict)

    def nights_by(self, now: datetime) -> int:
        """How many slots had run by then."""
        return bisect_right(self.nights, now)

    def fits(self, owned: Collection[str], nights: int) -> dict[str, list[Fit]]:
        """What stood often enough with something of theirs in the orders of the first so many nights."""
        found: dict[str, list[Fit]] = {}
        for mine in owned:
            partners = self.pairs.get(mine)
            if partners is None:
                continue
            alone, told = partners
            count = alone[nights]
            for other, counts in told:
                if other in owned or (both := counts[nights]) < SUPPORT:
                    continue
                fit = (both / count, mine, both, count)
                if other in found:
                    found[other].append(fit)
                else:
                    found[other] = [fit]
        return found


@dataclass(frozen=True, slots=True)
class History:
    """What all people of a shop share. The catalogue is that of today: nobody kept the earlier ones."""

    transit: Transit
    together: Together
    chosen: Mapping[str, Sequence[str]]
    available: frozenset[str]
    types: Mapping[str, str]
    mean_total: float
    mean_shipping: float
    shop_gap: timedelta | None
    rhythms: Past

    def fits(self, owned: Collection[str], now: datetime) -> dict[str, list[Fit]]:
        """What can be bought and was bought often enough by then with something of theirs."""
        return self.together.fits(owned, self.together.nights_by(now))


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
    read = ("external_id", "cross_sell_ids", "is_available", "deleted_at")
    products = select(*(PRODUCTS.c[name] for name in read)).where(PRODUCTS.c.store_id == store_id)
    catalogue = session.execute(products).all() if asks_complement else []
    available = frozenset(row.external_id for row in catalogue if row.is_available and row.deleted_at is None)
    means = select(func.avg(ORDERS.c.total_minor), func.avg(ORDERS.c.shipping_minor)).where(
        ORDERS.c.store_id == store_id, ORDERS.c.is_counted
    )
    total, shipping = session.execute(means).one()
    return History(
        transit=_transit(session, question) if ("wait-for", "") in kinds else Transit(),
        together=_together(session, question, available) if asks_complement else Together(),
        chosen={row.external_id: row.cross_sell_ids for row in catalogue if row.cross_sell_ids},
        available=available,
        types=_types(session, store_id) if question.waits_for_goods else {},
        mean_total=float(total or 0),
        mean_shipping=float(shipping or 0),
        shop_gap=_shop_gap(session, store_id) if FLOW in question.flows else None,
        rhythms=product_rhythms.past(session, store_id),
    )


def _types(session: Session, store_id: int) -> dict[str, str]:
    """What kind of product each is: there are few kinds, so each word is kept once."""
    statement = select(PRODUCTS.c.external_id, PRODUCTS.c.product_type).where(PRODUCTS.c.store_id == store_id)
    return {external_id: intern(kind) for external_id, kind in session.execute(statement)}


def _shop_gap(session: Session, store_id: int) -> timedelta | None:
    """The shop's rhythm as it was counted last: nobody kept the earlier ones."""
    statement = select(RHYTHMS.c.gap_seconds).where(RHYTHMS.c.store_id == store_id)
    seconds = session.execute(statement).scalar_one_or_none()
    return timedelta(seconds=seconds) if seconds is not None else None


def _transit(session: Session, question: Question) -> Transit:
    columns = (ORDERS.c.placed_at, ORDERS.c.fulfilled_at, ORDERS.c.delivered_at)
    statement = (
        _with_event(question, "order.delivered", ORDERS.c.delivered_at, *columns)
        .where(ORDERS.c.delivered_at.is_not(None), ORDERS.c.fulfilled_at.is_not(None))
        .order_by(ORDERS.c.placed_at, ORDERS.c.id)
    )
    found = Transit()
    for known, placed_at, fulfilled_at, delivered_at in session.execute(statement):
        found.placed.append(placed_at)
        found.known.append(known)
        found.spans.append(delivered_at - fulfilled_at)
    found.told = sorted(found.known)
    return found


def _together(session: Session, question: Question, available: Collection[str]) -> Together:
    """Two passes: which pairs ever had enough support, then the nights of those alone."""
    counted = _counted(session, question)
    baskets = _baskets(session, question, counted.keys())
    slots = sorted(set(counted.values()))
    alone = _columns(_supported(baskets.values()), len(slots))
    for order_id, products in baskets.items():
        baskets[order_id] = [product for product in products if product in alone]
    together = _supported(combinations(products, 2) for products in baskets.values())
    pairs = _columns(together, len(slots))
    places = {night: number for number, night in enumerate(slots, start=1)}
    for order_id, products in baskets.items():
        place = places[counted[order_id]]
        for product in products:
            alone[product][place] += 1
        for pair in combinations(products, 2):
            if pair in pairs:
                pairs[pair][place] += 1
    sums = {name: array("I", accumulate(each)) for name, each in alone.items()}
    found: dict[str, Partners] = {}
    for (one, other), each in pairs.items():
        counts = array("I", accumulate(each))
        for mine, its in ((one, other), (other, one)):
            if its in available:
                found.setdefault(mine, Partners(sums[mine], [])).told.append((its, counts))
    return Together(slots, found)


def _columns(names: Iterable[_T], nights: int) -> "dict[_T, array[int]]":
    """A column of nothing for each name."""
    return {name: array("I", bytes(array("I").itemsize * (nights + 1))) for name in names}


def _supported(baskets: Iterable[Iterable[_T]]) -> list[_T]:
    """What stood in enough of them."""
    return [one for one, count in Counter(chain.from_iterable(baskets)).items() if count >= SUPPORT]


def _counted(session: Session, question: Question) -> dict[int, datetime]:
    """When the nightly slot found each order counted; those that never were are left out."""
    columns = (ORDERS.c.id, ORDERS.c.cancelled_at)
    statement = _with_event(question, "order.paid", ORDERS.c.paid_at, *columns).where(
        ORDERS.c.paid_at.is_not(None), ~ORDERS.c.is_test, ORDERS.c.paid_at <= question.until
    )
    run_of = cache(partial(_run_of, question))
    found: dict[int, datetime] = {}
    for rows in session.execute(statement).partitions(_MANY):
        for known, order_id, cancelled_at in rows:
            at = _run_after(run_of, known)
            is_gone = cancelled_at is not None and at is not None and cancelled_at < at
            if at is not None and not is_gone:
                found[order_id] = at
    return found


def _run_of(question: Question, day: date) -> datetime | None:
    """The tick that ran the slot of a day."""
    return question.tick_at(datetime.combine(day, _SLOT, tzinfo=UTC))


def _run_after(run_of: Callable[[date], datetime | None], known: datetime) -> datetime | None:
    """The tick of the first run of the slot that finds what was known then."""
    day = known.date()
    while (run := run_of(day)) is not None and run < known:
        day += _DAY
    return run


def _baskets(session: Session, question: Question, order_ids: Any) -> dict[int, Sequence[str]]:
    """The dearest products of each order, sorted."""
    found: dict[int, Sequence[str]] = {}
    statement = (
        select(LINES.c.order_id, LINES.c.product_external_id, LINES.c.total_minor)
        .where(LINES.c.store_id == question.store.id, LINES.c.product_external_id.is_not(None))
        .order_by(LINES.c.order_id)
    )
    lines = chain.from_iterable(session.execute(statement).partitions(_MANY))
    for order_id, of_order in groupby(lines, itemgetter(0)):
        if order_id in order_ids:
            bought = list(of_order)
            # One text for a product's millions of lines, which would each hold their own.
            names = {intern(product) for _, product, _ in bought}
            found[order_id] = sorted(names if len(names) <= MOST_PRODUCTS else _dearest(bought))
    return found


def _dearest(bought: Iterable[Any]) -> list[str]:
    """Of more products than count the dearest, by all their lines."""
    sums: dict[str, int] = {}
    for _, product, total in bought:
        sums[product] = sums.get(product, 0) + total
    return [intern(name) for name in sorted(sums, key=lambda name: (-sums[name], name))[:MOST_PRODUCTS]]


def _with_event(question: Question, kind: str, moment: ColumnElement[Any], *columns: Any) -> Any:
    """When a moment of each order became known, then its columns (see `Question.covered_since`)."""
    is_late = EVENTS.c.occurred_at >= question.covered_since
    known = func.coalesce(case((is_late, EVENTS.c.recorded_at), else_=EVENTS.c.occurred_at), moment)
    is_told = (EVENTS.c.store_id == ORDERS.c.store_id) & (
        EVENTS.c.source_key == literal(f"{kind}:") + ORDERS.c.external_id
    )
    return (
        select(type_coerce(known, UtcDateTime), *columns)
        .select_from(ORDERS.outerjoin(EVENTS, is_told))
        .where(ORDERS.c.store_id == question.store.id)
    )
