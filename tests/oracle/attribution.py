"""Which message each order goes to. Source: DEFINITIONS.md, Attribution."""

from __future__ import annotations

from collections.abc import Iterable

from tests.oracle.evidence import Evidence
from tests.oracle.model import AttributionRow
from tests.oracle.recipes import CLICK_WINDOW
from tests.oracle.state import Message, Order


def attribute(order: Order, messages: Iterable[Message], evidence: Evidence) -> AttributionRow | None:
    """The message of a known order: whose code it carries, else the last one clicked, else none.

    Args:
        messages: everything that was sent to the same person.
    """
    if order.paid_at is None:
        return None
    amount = 0 if order.cancelled_at is not None else order.fact.total_minor - order.refunded_minor
    if order.fact.code:
        carrier = evidence.last_carrier(order.fact.code, order.fact.placed_at)
        if carrier is not None:
            return AttributionRow("voucher", carrier.key, amount)
    placed_at = order.fact.placed_at
    clicks = [
        (at, message)
        for message in messages
        for at in message.clicks
        if placed_at - CLICK_WINDOW <= at < placed_at
    ]
    if not clicks:
        return None
    latest = max(at for at, _ in clicks)
    message = min((message for at, message in clicks if at == latest), key=_id_order)
    return AttributionRow("last-click", message.key, amount)


def _id_order(message: Message) -> tuple[int, str]:
    """Ids are decimal texts; the lower one wins a tie."""
    return (int(message.message_id), "") if message.message_id.isdigit() else (0, message.message_id)
