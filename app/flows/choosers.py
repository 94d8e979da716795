"""What a message speaks of: the products of a review ask, the complement of a cross-sell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import table_of
from app.flows.delays import STANDARD, review_delay_days
from app.messaging.conditions import LEFT_STATES
from app.models import Message, Order, OrderLine, Product, ProductPair

LINES, ORDERS, PRODUCTS = table_of(OrderLine), table_of(Order), table_of(Product)
PAIRS, MESSAGES = table_of(ProductPair), table_of(Message)
MOST_ASKED = 3
SUPPORT = 20
_ASKED_STATES = LEFT_STATES | {"queued", "preparing", "held"}


@dataclass(frozen=True, slots=True)
class OrderProduct:
    """One product of an order with the sum of its lines."""

    external_id: str
    title: str
    total_minor: int


def order_products(session: Session, store_id: int, order_id: int) -> list[OrderProduct]:
    """The order's products, dearest first; ties by external id as text."""
    statement = select(LINES.c.product_external_id, LINES.c.title, LINES.c.total_minor).where(
        LINES.c.store_id == store_id, LINES.c.order_id == order_id, LINES.c.product_external_id.is_not(None)
    )
    totals: dict[str, OrderProduct] = {}
    for row in session.execute(statement):
        held = totals.get(row.product_external_id)
        total = row.total_minor + (held.total_minor if held else 0)
        totals[row.product_external_id] = OrderProduct(row.product_external_id, row.title, total)
    return sorted(totals.values(), key=lambda item: (-item.total_minor, item.external_id))


def longest_delay(session: Session, store_id: int, order_id: int) -> int:
    """Days to wait before asking about the order: the longest among its dearest three products."""
    dearest = order_products(session, store_id, order_id)[:MOST_ASKED]
    types = _types(session, store_id, [item.external_id for item in dearest])
    return max((review_delay_days(types.get(item.external_id, "")) for item in dearest), default=STANDARD)


def review_products(
    session: Session, store_id: int, order_id: int, customer_id: int
) -> list[Mapping[str, Any]]:
    """Which of the dearest three this customer was not asked about yet."""
    dearest = order_products(session, store_id, order_id)[:MOST_ASKED]
    asked = _asked(session, store_id, customer_id)
    return [
        {"external_id": item.external_id, "title": item.title}
        for item in dearest
        if item.external_id not in asked
    ]


def complement(session: Session, store_id: int, order_id: int, customer_id: int) -> list[Mapping[str, Any]]:
    """The one product that goes with the order, with the reason in figures; empty if there is none.

    The merchant's own choice first, then co-purchase lift. Never one that the customer bought
    before, never an unavailable one.
    """
    bought = order_products(session, store_id, order_id)
    owned = _owned(session, store_id, customer_id)
    for item in bought:
        chosen = session.execute(
            select(PRODUCTS.c.cross_sell_ids).where(
                PRODUCTS.c.store_id == store_id, PRODUCTS.c.external_id == item.external_id
            )
        ).scalar()
        for external_id in _available(session, store_id, [i for i in chosen or () if i not in owned]):
            return [{"external_id": external_id, "with": item.title, "why": "merchant"}]
    return _by_lift(session, store_id, bought, owned)


def _by_lift(
    session: Session, store_id: int, bought: Sequence[OrderProduct], owned: frozenset[str]
) -> list[Mapping[str, Any]]:
    ids = [item.external_id for item in bought]
    together = session.execute(
        select(PAIRS).where(
            PAIRS.c.store_id == store_id, PAIRS.c.product_external_id.in_(ids), PAIRS.c.orders_count >= SUPPORT
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


def _types(session: Session, store_id: int, ids: Sequence[str]) -> dict[str, str]:
    statement = select(PRODUCTS.c.external_id, PRODUCTS.c.product_type).where(
        PRODUCTS.c.store_id == store_id, PRODUCTS.c.external_id.in_(ids)
    )
    return {row.external_id: row.product_type for row in session.execute(statement)}




CHOOSERS = {"review-products": review_products, "complement": complement}
