"""After how long the buyers of each product come back: counted from the shop's orders, kept with its past.

A store's turn comes once a week (and in its first nights with us), and of a large shop a fixed part of the
buyers is read, so that a night costs little whatever the shop's size.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, delete, exists, func, select, update
from sqlalchemy.orm import Session

from app.db import Among, is_among, table_of, unindexed, upsert
from app.models import Backfill, Customer, Order, OrderLine, ProductRhythm, Store
from app.segments import visits
from app.segments.survival import Return, returning
from app.stores.platforms import CONNECTED

CUSTOMERS, ORDERS, LINES = table_of(Customer), table_of(Order), table_of(OrderLine)
RHYTHMS, BACKFILLS = table_of(ProductRhythm), table_of(Backfill)
STORES = table_of(Store)
MOST_BUYERS = 20_000
REVIEW_PART = 4
"""The part of the time until people come back after which they know a product: a month's coffee in a week."""
SOONEST_REVIEW, LATEST_REVIEW = 7, 30
"""What is learned stays between the recipe's shortest and longest time."""
_KEPT = timedelta(days=400)
_DAY = timedelta(days=1)
_NIGHTS, _FIRST_NIGHTS = 7, 3 * _DAY
_KEY = ("store_id", "product_external_id", "learned_at")
_TOLD = ("median_days", "long_days")
_FIGURES = ("gaps", "people", "share_percent", "median_days", "low_days", "high_days", "long_days")
_HISTORIES = (
    select(
        STORES.c.id,
        STORES.c.installed_at,
        exists().where(BACKFILLS.c.store_id == STORES.c.id, BACKFILLS.c.finished_at.is_(None)),
    )
    .where(STORES.c.state == CONNECTED)
    .order_by(STORES.c.id)
)
_HOLDS = (
    select(RHYTHMS)
    .where(RHYTHMS.c.store_id == bindparam("store"), RHYTHMS.c.until.is_(None))
    .order_by(RHYTHMS.c.gaps.desc(), RHYTHMS.c.product_external_id)
)
_LEARNED = select(RHYTHMS.c.product_external_id, RHYTHMS.c.median_days).where(
    RHYTHMS.c.store_id == bindparam("store"),
    Among(RHYTHMS.c.product_external_id, "products"),
    # By its key: the index of what holds leads to all of it.
    unindexed(RHYTHMS.c.until).is_(None),
)


@dataclass(frozen=True, slots=True)
class Past:
    """What was known of products at any moment."""

    rows: Mapping[str, Sequence[Row[Any]]] = field(default_factory=dict)

    def delays(self, products: Iterable[str], at: datetime) -> dict[str, int]:
        """Days until a review is asked, of those products of which something was known."""
        return {row.product_external_id: review_days(row) for row in self.of(products, at)}

    def of(self, products: Iterable[str], at: datetime) -> list[Row[Any]]:
        """The rows that held at that moment, in the order of the products."""
        return [
            row
            for product in products
            for row in self.rows.get(product, ())
            if row.learned_at <= at and (row.until is None or at < row.until)
        ]


def review_days(row: Any) -> int:
    """Days from delivery to the review ask, as learned of a product.

    Source: PRODUCT.md section 2, review ("later learned per product").
    """
    learned: int = round(row.median_days / REVIEW_PART)
    return min(LATEST_REVIEW, max(SOONEST_REVIEW, learned))


class History(NamedTuple):
    """Of a connected store when it came, and whether its history is still arriving."""

    store_id: int
    installed_at: datetime
    is_arriving: bool


def histories(session: Session) -> list[History]:
    """Those of all connected stores."""
    return [History(*row) for row in session.execute(_HISTORIES)]


def is_due(store: History, begin: datetime, end: datetime) -> bool:
    """Whether the store's night of the week, or one of its first three, is among those from `begin` to `end`.

    Half a history would tell of people who never come back: while it arrives there is no night.
    """
    if store.is_arriving:
        return False
    nights = (begin + number * _DAY for number in range(-((begin - end) // _DAY)))
    return any(
        night < store.installed_at + _FIRST_NIGHTS or (night.toordinal() + store.store_id) % _NIGHTS == 0
        for night in nights
    )


def count(session: Session, store_id: int, now: datetime) -> dict[str, Return]:
    """What the shop's orders tell of each product; of those that tell enough."""
    buyers = select(func.count()).where(CUSTOMERS.c.store_id == store_id, CUSTOMERS.c.orders_count > 0)
    every = -(-session.execute(buyers).scalar_one() // MOST_BUYERS) or 1
    made = visits.of_buyers(session, store_id, every)
    found = ((product, returning(list(made.spells(at, now)))) for product, at in made.bought.items())
    return {product: learned for product, learned in found if learned is not None}


def keep(session: Session, store_id: int, learned: Mapping[str, Return], now: datetime) -> int:
    """Have this hold from now on; how many products something else is true of than before."""
    held = {row.product_external_id: row for row in _now(session, store_id)}
    rows = {product: _row(store_id, product, found, now) for product, found in learned.items()}
    changed = {
        product
        for product, row in rows.items()
        if product not in held or any(getattr(held[product], name) != row[name] for name in _TOLD)
    }
    over = [product for product in held if product in changed or product not in rows]
    current = (RHYTHMS.c.store_id == store_id, RHYTHMS.c.until.is_(None))
    session.execute(
        update(RHYTHMS)
        .where(*current, is_among(session, RHYTHMS.c.product_external_id, sorted(over)))
        .values(until=now)
    )
    for product in rows.keys() - changed:
        rows[product]["learned_at"] = held[product].learned_at
    upsert(session, RHYTHMS, list(rows.values()), key=_KEY, update=("until", *_FIGURES))
    session.execute(delete(RHYTHMS).where(RHYTHMS.c.store_id == store_id, RHYTHMS.c.until < now - _KEPT))
    return len(changed) + len(held.keys() - rows.keys())


def past(session: Session, store_id: int, products: Sequence[str] | None = None) -> Past:
    """Everything that was ever known, of all products or of these."""
    statement = select(RHYTHMS).where(RHYTHMS.c.store_id == store_id)
    if products is not None:
        statement = statement.where(RHYTHMS.c.product_external_id.in_(products))
    ordered = session.execute(statement.order_by(RHYTHMS.c.product_external_id, RHYTHMS.c.learned_at))
    groups = groupby(ordered, key=lambda row: row.product_external_id)
    return Past({product: list(rows) for product, rows in groups})


def delays(session: Session, store_id: int, products: Sequence[str]) -> dict[str, int]:
    """Days until a review is asked, of those products of which something is known now."""
    rows = session.execute(_LEARNED, {"store": store_id, "products": products}).all()
    return {row.product_external_id: review_days(row) for row in rows}


def best_known(session: Session, store_id: int, most: int) -> Sequence[Row[Any]]:
    """What holds now of the products that most people came back after."""
    return _now(session, store_id, most)


def long_gaps(session: Session, store_id: int, people: Sequence[int]) -> dict[int, tuple[timedelta, str]]:
    """After how long four fifths of the buyers of somebody's last order come back, and of which product.

    Of several products that with the longest time; of people whose last order tells nothing, nothing.
    """
    latest = _latest(session, store_id, people)
    whose = {order: person for person, (_, orders) in latest.items() for order in orders}
    rows = session.execute(_TOLD_BY, {"store": store_id, "orders": sorted(whose)}) if whose else ()
    return {whose[row.order_id]: (row.long_days * _DAY, row.product_external_id) for row in rows}


def _latest(session: Session, store_id: int, people: Sequence[int]) -> dict[int, tuple[datetime, list[int]]]:
    """The moment of each one's last payment, and the orders that were paid then."""
    found: dict[int, tuple[datetime, list[int]]] = {}
    for row in session.execute(_PAID, {"store": store_id, "people": people}) if people else ():
        at, orders = found.get(row.customer_id, (row.paid_at, []))
        if row.paid_at >= at:
            found[row.customer_id] = (row.paid_at, [*orders, row.id] if row.paid_at == at else [row.id])
    return found


_PAID = (
    select(ORDERS.c.customer_id, ORDERS.c.id, ORDERS.c.paid_at)
    .where(ORDERS.c.store_id == bindparam("store"), Among(ORDERS.c.customer_id, "people"), *visits.COUNTED)
    .order_by(ORDERS.c.id)
)
_TOLD_BY = (
    select(LINES.c.order_id, RHYTHMS.c.long_days, RHYTHMS.c.product_external_id)
    .join(
        RHYTHMS,
        (RHYTHMS.c.store_id == LINES.c.store_id)
        & (RHYTHMS.c.product_external_id == LINES.c.product_external_id),
    )
    .where(
        LINES.c.store_id == bindparam("store"),
        Among(LINES.c.order_id, "orders"),
        unindexed(RHYTHMS.c.until).is_(None),
        RHYTHMS.c.long_days.is_not(None),
    )
    .order_by(RHYTHMS.c.long_days, RHYTHMS.c.product_external_id.desc())
)
"""Of orders that are known: joined with them in one statement, SQLite went through all lines of the store."""


def _now(session: Session, store_id: int, most: int | None = None) -> Sequence[Row[Any]]:
    return session.execute(_HOLDS if most is None else _HOLDS.limit(most), {"store": store_id}).all()


def _row(store_id: int, product: str, found: Return, now: datetime) -> dict[str, Any]:
    return {
        "store_id": store_id,
        "product_external_id": product,
        "learned_at": now,
        "until": None,
        "gaps": found.gaps,
        "people": found.people,
        "share_percent": round(100 * found.share),
        "median_days": max(1, round(found.median_days)),
        "low_days": max(1, round(found.low_days)),
        "high_days": max(1, round(found.high_days)),
        "long_days": max(1, round(found.long_days)) if found.long_days is not None else None,
    }
