"""Vouchers of ours that an order carries: redeemed once, told to the timeline."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.orm import Session

from app import timeline
from app.db import Among, table_of
from app.mirror.order_rows import MirroredOrder
from app.models import Voucher
from app.timeline import NewEvent

VOUCHERS = table_of(Voucher)
_OPEN = select(VOUCHERS).where(
    VOUCHERS.c.store_id == bindparam("store_id"),
    Among(VOUCHERS.c.code, "codes"),
    VOUCHERS.c.redeemed_at.is_(None),
)


def mark(
    session: Session,
    store_id: int,
    mirrored: Sequence[MirroredOrder],
    now: datetime,
    *,
    history_until: datetime | None,
) -> None:
    """Mark the vouchers named by these orders as redeemed; codes compare without regard to case."""
    order_by_code = _order_by_code(mirrored)
    if not order_by_code:
        return
    found = session.execute(_OPEN, {"store_id": store_id, "codes": sorted(order_by_code)}).all()
    if not found:
        return
    _write(session, store_id, found, order_by_code)
    events = [_event(voucher, order_by_code[voucher.code], history_until) for voucher in found]
    timeline.record(session, events, now)


def _order_by_code(mirrored: Sequence[MirroredOrder]) -> dict[str, MirroredOrder]:
    return {code.strip().upper(): order for order in mirrored for code in order.values["discount_codes"]}


def _write(
    session: Session, store_id: int, found: Sequence[Row[Any]], order_by_code: Mapping[str, MirroredOrder]
) -> None:
    rows = [
        {
            "row_id": voucher.id,
            "redeemed_at": order_by_code[voucher.code].values["placed_at"],
            "redeemed_order_id": order_by_code[voucher.code].id,
        }
        for voucher in found
    ]
    change = update(VOUCHERS).where(VOUCHERS.c.store_id == store_id, VOUCHERS.c.id == bindparam("row_id"))
    names = ("redeemed_at", "redeemed_order_id")
    session.connection().execute(change.values({name: bindparam(name) for name in names}), rows)


def _event(voucher: Row[Any], order: MirroredOrder, history_until: datetime | None) -> NewEvent:
    redeemed_at = order.values["placed_at"]
    return NewEvent(
        store_id=voucher.store_id,
        customer_id=voucher.customer_id,
        type="voucher.redeemed",
        subject=f"voucher:{voucher.id}",
        source_key=f"voucher.redeemed:{voucher.id}",
        occurred_at=redeemed_at,
        details={
            "enrollment_id": voucher.enrollment_id,
            "order_id": order.id,
            "code": voucher.code,
        },
        is_history=timeline.is_history(redeemed_at, history_until),
    )
