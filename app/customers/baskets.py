"""What became of what people left at the till: which checkouts still stand, which came to an order."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, union
from sqlalchemy.orm import Session

from app.db import Among, UtcDateTime, table_of
from app.models import Checkout, Order

CHECKOUTS, ORDERS = table_of(Checkout), table_of(Order)
_OPEN = (
    select(CHECKOUTS)
    .where(
        CHECKOUTS.c.store_id == bindparam("store"),
        Among(CHECKOUTS.c.external_id, "names"),
        CHECKOUTS.c.completed_at.is_(None),
        CHECKOUTS.c.deleted_at.is_(None),
    )
    .order_by(CHECKOUTS.c.id)
)
UNBOUGHT = "failed"
"""The financial status of an order that came to nothing: its checkout is still open."""
_SOUGHT = ORDERS.alias()
_OF_STORE = _SOUGHT.c.store_id == bindparam("store")
_BOUGHT = (
    select(ORDERS.c.external_id, ORDERS.c.customer_id, ORDERS.c.placed_at)
    .where(
        ORDERS.c.financial_status != UNBOUGHT,
        ORDERS.c.is_test.is_(False),
        ORDERS.c.id.in_(
            union(
                select(_SOUGHT.c.id).where(_OF_STORE, Among(_SOUGHT.c.external_id, "tokens")),
                select(_SOUGHT.c.id).where(
                    _OF_STORE,
                    Among(_SOUGHT.c.customer_id, "owners"),
                    _SOUGHT.c.placed_at >= bindparam("since", type_=UtcDateTime),
                ),
            )
        ),
    )
    .order_by(ORDERS.c.placed_at, ORDERS.c.id)
)
End = tuple[datetime, str]
"""When a checkout became an order, and that order's id at the storefront."""


def open_among(session: Session, store_id: int, external_ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Those of these checkouts that stand as they were left: known, not gone, nothing bought since.

    It asks the mirror. Just before a message the storefront is asked, too, which is the sender's affair.
    """
    if not external_ids:
        return {}
    rows = session.execute(_OPEN, {"store": store_id, "names": external_ids}).all()
    ended = orders_since(session, store_id, rows)
    return {row.external_id: row for row in rows if row.external_id not in ended}


def orders_since(session: Session, store_id: int, rows: Iterable[Any]) -> dict[str, End]:
    """What each checkout came to as the mirror knows it, by the checkout's id; nothing for an open one.

    That is the order whose id is the checkout's token (WooCommerce's draft becomes the order), or the first
    that its customer placed since.
    """
    asked = list(rows)
    if not asked:
        return {}
    given = {
        "store": store_id,
        "tokens": sorted({row.token for row in asked if row.token}),
        "owners": sorted({row.customer_id for row in asked if row.customer_id is not None}),
        "since": min(row.started_at for row in asked),
    }
    found = session.execute(_BOUGHT, given).all()
    firsts = {row.external_id: next((one for one in found if _is_of(row, one)), None) for row in asked}
    return {name: (one.placed_at, one.external_id) for name, one in firsts.items() if one is not None}


def note_asked(session: Session, store_id: int, external_id: str, now: datetime) -> None:
    """The storefront was asked about a checkout at this moment, and its answer is in the mirror."""
    session.execute(
        CHECKOUTS.update()
        .where(CHECKOUTS.c.store_id == store_id, CHECKOUTS.c.external_id == external_id)
        .values(asked_at=now)
    )


def _is_of(row: Any, order: Any) -> bool:
    if row.token is not None and row.token == order.external_id:
        return True
    is_theirs = row.customer_id is not None and row.customer_id == order.customer_id
    return is_theirs and bool(order.placed_at >= row.started_at)
