"""How far an order has come, as of a moment."""

from dataclasses import dataclass
from datetime import datetime

from connectors.sandbox.model import Order


@dataclass(frozen=True, slots=True)
class OrderState:
    """What has happened to an order; a moment is None while it is still to come.

    Attributes:
        refunded_minor: cents given back so far.
        refunded_lines: ids of the lines given back so far.
    """

    updated_at: datetime
    paid_at: datetime | None
    fulfilled_at: datetime | None
    delivered_at: datetime | None
    cancelled_at: datetime | None
    refunded_at: datetime | None
    refunded_minor: int
    refunded_lines: frozenset[int]
    is_fully_refunded: bool

    @property
    def completed_at(self) -> datetime | None:
        """WooCommerce's only moment after payment: the goods have left (or arrived)."""
        return self.fulfilled_at or self.delivered_at


def state_of(order: Order, at: datetime) -> OrderState:
    """The order's state as of `at`; an order cancelled before its payment stays unpaid."""

    def reached(moment: datetime | None) -> datetime | None:
        return moment if moment is not None and moment <= at else None

    cancelled_at = reached(order.cancelled_at)
    paid_at = reached(order.paid_at)
    if cancelled_at is not None and paid_at is not None and cancelled_at < paid_at:
        paid_at = None
    refunded_at = reached(order.refunded_at)
    refunded_minor = order.refunded_minor if refunded_at else 0
    return OrderState(
        updated_at=order.updated_at(at),
        paid_at=paid_at,
        fulfilled_at=reached(order.fulfilled_at),
        delivered_at=reached(order.delivered_at),
        cancelled_at=cancelled_at,
        refunded_at=refunded_at,
        refunded_minor=refunded_minor,
        refunded_lines=frozenset(order.refunded_lines) if refunded_at else frozenset(),
        is_fully_refunded=refunded_minor > 0 and refunded_minor >= order.total_minor,
    )
