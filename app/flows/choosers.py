"""What a message speaks of: the products of a review ask, the complement of a cross-sell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db import table_of
from app.flows.delays import STANDARD, review_delay_days
from app.messaging.conditions import LEFT_STATES
from app.messaging.reviewed import products_reviewed
from app.models import Message, Order, OrderLine, Product, ProductPair

LINES, ORDERS, PRODUCTS = table_of(OrderLine), table_of(Order), table_of(Product)
PAIRS, MESSAGES = table_of(ProductPair), table_of(Message)
MOST_ASKED, MOST_SHOWN = 3, 3
SUPPORT = 20
_ASKED_STATES = LEFT_STATES | {"queued", "preparing", "held"}


@dataclass(frozen=True, slots=True)
class OrderProduct:
    """One product of an order with the sum of its lines."""

    external_id: str
    title: str
    product_type: str
    total_minor: int


def order_products(
    session: Session, store_id: int, order_ids: Sequence[int]
) -> dict[int, list[OrderProduct]]:
    """The products of orders, dearest first; ties by external id as text."""
    totals: dict[int, dict[str, OrderProduct]] = {}
    for start in range(0, len(order_ids), 500):
        statement = (
            select(
                LINES.c.order_id,
                LINES.c.product_external_id,
                LINES.c.title,
                LINES.c.total_minor,
                PRODUCTS.c.product_type,
            )
            .outerjoin(
                PRODUCTS,
                (PRODUCTS.c.store_id == LINES.c.store_id)
                & (PRODUCTS.c.external_id == LINES.c.product_external_id),
            )
            .where(
                LINES.c.store_id == store_id,
                LINES.c.order_id.in_(order_ids[start : start + 500]),
                LINES.c.product_external_id.is_not(None),
            )
        )
        for row in session.execute(statement):
            of_order = totals.setdefault(row.order_id, {})
            held = of_order.get(row.product_external_id)
            of_order[row.product_external_id] = OrderProduct(
                external_id=row.product_external_id,
                title=row.title,
                product_type=row.product_type or "",
                total_minor=row.total_minor + (held.total_minor if held else 0),
            )
    return {
        order_id: sorted(found.values(), key=lambda item: (-item.total_minor, item.external_id))
        for order_id, found in totals.items()
    }


def longest_delay(bought: Sequence[OrderProduct]) -> int:
    """Days to wait before asking about an order: the longest among its dearest three products."""
    delays = [review_delay_days(item.product_type) for item in bought[:MOST_ASKED]]
    return max(delays, default=STANDARD)


def review_products(
    session: Session,
    store_id: int,
    bought: Sequence[OrderProduct],
    *,
    customer_id: int,
    asked_now: frozenset[str],
) -> list[Mapping[str, Any]]:
    """Which of the dearest three this customer neither reviewed nor was asked about.

    Args:
        asked_now: about what they are asked in the same batch.
    """
    reviewed = products_reviewed(session, store_id, [customer_id]).get(customer_id, frozenset())
    asked = _asked(session, store_id, customer_id) | asked_now | reviewed
    return [
        {"external_id": item.external_id, "title": item.title}
        for item in bought[:MOST_ASKED]
        if item.external_id not in asked
    ]


def complement(
    session: Session,
    store_id: int,
    bought: Sequence[OrderProduct],
    *,
    customer_id: int,
    asked_now: frozenset[str],
) -> list[Mapping[str, Any]]:
    """The one product that goes with the order, with the reason in figures; empty if there is none.

    The merchant's own choice first, then co-purchase lift. Never one that the customer bought
    before, never an unavailable one.
    """
    owned = _owned(session, store_id, customer_id)
    chosen = _merchants_choice(session, store_id, bought)
    for item in bought:
        wanted = [other for other in chosen.get(item.external_id, ()) if other not in owned]
        for external_id in _available(session, store_id, wanted):
            return [{"external_id": external_id, "with": item.title, "why": "merchant"}]
    return _by_lift(session, store_id, bought, owned)


def newest(
    session: Session,
    store_id: int,
    bought: Sequence[OrderProduct],
    *,
    customer_id: int,
    asked_now: frozenset[str],
) -> list[Mapping[str, Any]]:
    """The shop's latest products that can be bought now and that this customer does not own, three at most.

    Both platforms number what they make, so the higher id is the later product.
    """
    owned = _owned(session, store_id, customer_id)
    by_age = (func.length(PRODUCTS.c.external_id).desc(), PRODUCTS.c.external_id.desc())
    statement = (
        select(PRODUCTS.c.external_id, PRODUCTS.c.title)
        .where(PRODUCTS.c.store_id == store_id, PRODUCTS.c.is_available, PRODUCTS.c.deleted_at.is_(None))
        .order_by(*by_age)
        .limit(MOST_SHOWN + len(owned))
    )
    found = [row for row in session.execute(statement) if row.external_id not in owned]
    return [{"external_id": row.external_id, "title": row.title} for row in found[:MOST_SHOWN]]


def _merchants_choice(
    session: Session, store_id: int, bought: Sequence[OrderProduct]
) -> dict[str, Sequence[str]]:
    """The cross-sell products that the merchant set, by product."""
    statement = select(PRODUCTS.c.external_id, PRODUCTS.c.cross_sell_ids).where(
        PRODUCTS.c.store_id == store_id,
        PRODUCTS.c.external_id.in_([item.external_id for item in bought]),
    )
    return {row.external_id: row.cross_sell_ids or () for row in session.execute(statement)}


def _by_lift(
    session: Session, store_id: int, bought: Sequence[OrderProduct], owned: frozenset[str]
) -> list[Mapping[str, Any]]:
    ids = [item.external_id for item in bought]
    together = session.execute(
        select(PAIRS).where(
            PAIRS.c.store_id == store_id,
            PAIRS.c.product_external_id.in_(ids),
            PAIRS.c.orders_count >= SUPPORT,
        )
    ).all()
    candidates = [
        row
        for row in together
        if row.other_external_id != row.product_external_id and row.other_external_id not in owned
    ]
    if not candidates:
        return []
    alone = _alone(session, store_id, ids + [row.other_external_id for row in candidates])
    ranked = sorted(
        candidates,
        key=lambda row: (
            -row.orders_count / (alone[row.product_external_id] * alone[row.other_external_id]),
            row.other_external_id,
        ),
    )
    available = set(_available(session, store_id, [row.other_external_id for row in ranked]))
    for row in ranked:
        if row.other_external_id in available:
            title = next(item.title for item in bought if item.external_id == row.product_external_id)
            return [
                {
                    "external_id": row.other_external_id,
                    "with": title,
                    "why": "co-purchase",
                    "together": row.orders_count,
                    "of": alone[row.product_external_id],
                }
            ]
    return []


def _alone(session: Session, store_id: int, ids: Sequence[str]) -> dict[str, int]:
    """In how many orders each product stood; kept as the pair of a product with itself."""
    statement = select(PAIRS.c.product_external_id, PAIRS.c.orders_count).where(
        PAIRS.c.store_id == store_id,
        PAIRS.c.product_external_id.in_(sorted(set(ids))),
        PAIRS.c.other_external_id == PAIRS.c.product_external_id,
    )
    return {row.product_external_id: row.orders_count for row in session.execute(statement)}


def _available(session: Session, store_id: int, ids: Sequence[str]) -> list[str]:
    """Those that can be bought now, in the order given."""
    statement = select(PRODUCTS.c.external_id).where(
        PRODUCTS.c.store_id == store_id,
        PRODUCTS.c.external_id.in_(list(ids)),
        PRODUCTS.c.is_available,
        PRODUCTS.c.deleted_at.is_(None),
    )
    found = set(session.execute(statement).scalars()) if ids else set()
    return [external_id for external_id in ids if external_id in found]


def _owned(session: Session, store_id: int, customer_id: int) -> frozenset[str]:
    """Everything that the customer ever bought in an order that was not cancelled."""
    statement = (
        select(LINES.c.product_external_id)
        .join(ORDERS, (ORDERS.c.id == LINES.c.order_id) & (ORDERS.c.store_id == LINES.c.store_id))
        .where(
            ORDERS.c.store_id == store_id,
            ORDERS.c.customer_id == customer_id,
            ORDERS.c.cancelled_at.is_(None),
            LINES.c.product_external_id.is_not(None),
        )
        .distinct()
    )
    return frozenset(session.execute(statement).scalars())


def _asked(session: Session, store_id: int, customer_id: int) -> frozenset[str]:
    """The products that earlier asks named, unless they never left and never will."""
    statement = select(MESSAGES.c.context).where(
        MESSAGES.c.store_id == store_id,
        MESSAGES.c.customer_id == customer_id,
        MESSAGES.c.flow_key == "review",
        MESSAGES.c.step == "M3",
        MESSAGES.c.status.in_(_ASKED_STATES),
    )
    contexts = session.execute(statement).scalars()
    return frozenset(item["external_id"] for context in contexts for item in context.get("products", ()))


CHOOSERS = {"review-products": review_products, "complement": complement, "newest": newest}
OF_NO_ORDER = frozenset({"newest"})
"""Those that need no order to choose from."""
