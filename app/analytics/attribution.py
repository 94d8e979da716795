"""Attribution: each paid order goes to one message or to none, with its inputs kept.

Source: DEFINITIONS.md, attribution. A redeemed code wins, else the last human click in
[order − 5 d, order); ties by message id. Amount = paid − refunds − tax − shipping.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Row, bindparam, delete, select, update
from sqlalchemy.orm import Session

from app import asides
from app.analytics import days
from app.db import Among, UtcDateTime, table_of, unindexed, upsert
from app.messaging import clicks
from app.models import Attribution, CustomerEvent, DeliveryEvent, Message, Order, Voucher
from app.models.set_aside import ATTRIBUTION

ORDERS, MESSAGES, CLICKS = table_of(Order), table_of(Message), table_of(DeliveryEvent)
ENTRIES = table_of(CustomerEvent)
VOUCHERS, ATTRIBUTIONS = table_of(Voucher), table_of(Attribution)
WINDOW = timedelta(days=5)
_KEY = ("store_id", "order_id")
_UPDATED = ("message_id", "flow_key", "step", "rule", "amount_minor", "currency", "occurred_at", "inputs")
_STORE: BindParameter[int] = bindparam("store")
_READ = (
    *("id", "store_id", "customer_id", "currency", "is_test", "placed_at", "cancelled_at", "deleted_at"),
    *("total_minor", "refunded_minor", "tax_minor", "shipping_minor"),
)
_ANY_DUE = (
    select(*(ORDERS.c[name] for name in _READ))
    .where(ORDERS.c.store_id == _STORE, ORDERS.c.is_attribution_due)
    .with_for_update(skip_locked=True)
)
_DUE = (
    _ANY_DUE.where(asides.is_none_of(ATTRIBUTION, ORDERS.c.id)).order_by(ORDERS.c.id).limit(bindparam("most"))
)
_ONE_DUE = _ANY_DUE.where(ORDERS.c.id == bindparam("order"))
_LOST = delete(ATTRIBUTIONS).where(
    ATTRIBUTIONS.c.store_id == _STORE, Among(ATTRIBUTIONS.c.order_id, "orders")
)
_ATTRIBUTED = (
    update(ORDERS)
    .where(ORDERS.c.store_id == _STORE, Among(ORDERS.c.id, "orders"))
    .values(is_attribution_due=False)
)
_EARLIEST, _LATEST = (bindparam(name, type_=UtcDateTime) for name in ("earliest", "latest"))
_TOLD = select(ENTRIES.c.subject).where(
    ENTRIES.c.store_id == _STORE,
    Among(ENTRIES.c.customer_id, "people"),
    ENTRIES.c.type == clicks.ENTRY,
    ENTRIES.c.occurred_at >= _EARLIEST,
    ENTRIES.c.occurred_at < _LATEST,
)
"""What the buyers clicked in: the timeline has the days of each together, clicks know their message alone."""
_CLICKED = (
    select(MESSAGES.c.id, MESSAGES.c.customer_id, MESSAGES.c.flow_key, MESSAGES.c.step, CLICKS.c.occurred_at)
    .join(CLICKS, (CLICKS.c.message_id == MESSAGES.c.id) & (CLICKS.c.store_id == MESSAGES.c.store_id))
    .where(
        MESSAGES.c.store_id == _STORE,
        Among(MESSAGES.c.id, "messages"),
        CLICKS.c.type == clicks.CLICKED,
        CLICKS.c.is_human,
        # By their messages: the index of moments has all that the whole shop's messages told.
        unindexed(CLICKS.c.occurred_at) >= _EARLIEST,
        unindexed(CLICKS.c.occurred_at) < _LATEST,
    )
)
_REDEEMED = (
    select(
        VOUCHERS.c.redeemed_order_id,
        VOUCHERS.c.name,
        MESSAGES.c.id,
        MESSAGES.c.flow_key,
        MESSAGES.c.step,
        MESSAGES.c.sent_at,
        MESSAGES.c.context,
    )
    .join(
        MESSAGES,
        (MESSAGES.c.enrollment_id == VOUCHERS.c.enrollment_id) & (MESSAGES.c.store_id == VOUCHERS.c.store_id),
    )
    .where(
        VOUCHERS.c.store_id == _STORE,
        Among(VOUCHERS.c.redeemed_order_id, "orders"),
        MESSAGES.c.sent_at.is_not(None),
    )
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message that may have brought an order: by a redeemed code, or by a click at a moment."""

    message_id: int
    flow_key: str
    step: str
    rule: str
    at: datetime


def choose(candidates: Sequence[Candidate], placed_at: datetime) -> Candidate | None:
    """The one candidate that an order goes to, or None. Pure.

    A click exactly five days before counts, one at the order's own instant does not.
    """
    codes = [candidate for candidate in candidates if candidate.rule == "voucher"]
    if codes:
        return max(codes, key=_latest)
    clicks = [
        candidate
        for candidate in candidates
        if candidate.rule == "last-click" and placed_at - WINDOW <= candidate.at < placed_at
    ]
    return max(clicks, key=_latest, default=None)


def attribute_due(session: Session, store_id: int, limit: int) -> int:
    """Attribute orders that changed, at most `limit`; return how many. Recomputing changes nothing else.

    Their days are added up anew with them.
    """
    return _attribute(session, store_id, due(session, store_id, limit))


def attribute_one(session: Session, store_id: int, order_id: int) -> int:
    """The same of one order, if it is due."""
    found = session.execute(_ONE_DUE, {"store": store_id, "order": order_id}).all()
    return _attribute(session, store_id, found)


def due(session: Session, store_id: int, limit: int) -> Sequence[Row[Any]]:
    """The orders that are to be attributed, at most so many."""
    return session.execute(_DUE, {"store": store_id, "most": limit}).all()


def _attribute(session: Session, store_id: int, orders: Sequence[Row[Any]]) -> int:
    if not orders:
        return 0
    ids = [order.id for order in orders]
    found = _candidates(session, store_id, orders)
    chosen = {order.id: _chosen(order, found.get(order.id, [])) for order in orders}
    rows = [_row(order, winner) for order in orders if (winner := chosen[order.id]) is not None]
    upsert(session, ATTRIBUTIONS, rows, key=_KEY, update=_UPDATED)
    lost = [order_id for order_id in ids if chosen[order_id] is None]
    if lost:
        session.execute(_LOST, {"store": store_id, "orders": lost})
    session.execute(_ATTRIBUTED, {"store": store_id, "orders": ids})
    days.count_orders(session, store_id, [order.placed_at for order in orders])
    return len(orders)


def _chosen(order: Row[Any], candidates: Sequence[Candidate]) -> Candidate | None:
    """An order that only tries the shop out was brought by nobody."""
    return None if order.is_test else choose(candidates, order.placed_at)


def _latest(candidate: Candidate) -> tuple[datetime, int]:
    """Later wins; at the same moment the lower message id."""
    return candidate.at, -candidate.message_id


def _candidates(session: Session, store_id: int, orders: Sequence[Row[Any]]) -> dict[int, list[Candidate]]:
    found: dict[int, list[Candidate]] = {}
    _add_codes(session, store_id, orders, found)
    by_customer: dict[int, list[Row[Any]]] = {}
    for order in orders:
        if order.customer_id is not None:
            by_customer.setdefault(order.customer_id, []).append(order)
    for row in _clicks_of(session, store_id, [order for order in orders if order.customer_id is not None]):
        candidate = Candidate(row.id, row.flow_key, row.step, "last-click", row.occurred_at)
        for order in by_customer.get(row.customer_id, ()):
            found.setdefault(order.id, []).append(candidate)
    return found


def _clicks_of(session: Session, store_id: int, orders: Sequence[Row[Any]]) -> Iterator[Any]:
    """The clicks before orders, once or several times.

    Orders of about the same time are asked for together: with one that is months old and was refunded now,
    months of all the buyers would be read.
    """
    for together in _stretches(sorted(orders, key=lambda order: order.placed_at)):
        asked = {
            "store": store_id,
            "earliest": together[0].placed_at - WINDOW,
            "latest": together[-1].placed_at,
            "people": sorted({order.customer_id for order in together}),
        }
        subjects = session.execute(_TOLD, asked).scalars()
        if messages := sorted({clicks.message_in(subject) for subject in subjects}):
            yield from session.execute(_CLICKED, asked | {"messages": messages}).all()


def _stretches(orders: Sequence[Row[Any]]) -> Iterator[Sequence[Row[Any]]]:
    """Orders by their moments, in parts of which none is longer than the window."""
    start = 0
    for number, order in enumerate(orders):
        if order.placed_at > orders[start].placed_at + WINDOW:
            yield orders[start:number]
            start = number
    if orders:
        yield orders[start:]


def _add_codes(
    session: Session, store_id: int, orders: Sequence[Row[Any]], found: dict[int, list[Candidate]]
) -> None:
    """A code goes to the last message that carried it before the order."""
    placed = {order.id: order.placed_at for order in orders}
    for row in session.execute(_REDEEMED, {"store": store_id, "orders": sorted(placed)}):
        carries = (row.context.get("voucher") or {}).get("name") == row.name
        if carries and row.sent_at <= placed[row.redeemed_order_id]:
            candidate = Candidate(row.id, row.flow_key, row.step, "voucher", row.sent_at)
            found.setdefault(row.redeemed_order_id, []).append(candidate)


def _row(order: Row[Any], winner: Candidate) -> dict[str, Any]:
    amount = order.total_minor - order.refunded_minor - order.tax_minor - order.shipping_minor
    if order.cancelled_at is not None or order.deleted_at is not None:
        amount = 0
    return {
        "store_id": order.store_id,
        "order_id": order.id,
        "message_id": winner.message_id,
        "flow_key": winner.flow_key,
        "step": winner.step,
        "rule": winner.rule,
        "amount_minor": max(amount, 0),
        "currency": order.currency,
        "occurred_at": order.placed_at,
        "inputs": {
            "at": winner.at.isoformat(),
            "total_minor": order.total_minor,
            "refunded_minor": order.refunded_minor,
            "tax_minor": order.tax_minor,
            "shipping_minor": order.shipping_minor,
        },
    }
