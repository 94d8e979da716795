"""Orders in outline: what a reconciliation compares before it reads anything whole."""

from dataclasses import dataclass
from datetime import datetime

from connectors.records import Money


@dataclass(frozen=True, slots=True)
class OrderOutline:
    """As much of an order as tells whether the mirror knows it as it is; None where a platform does not say.

    Platforms count changes in seconds, so the moment alone does not tell two states of one second apart.
    """

    external_id: str
    updated_at: datetime
    financial_status: str
    total: Money
    refunded_total: Money | None
    status: str
    fulfillment_status: str | None = None


@dataclass(frozen=True, slots=True)
class OutlinePage:
    """One page of orders in outline; `cursor` is None after the last."""

    outlines: tuple[OrderOutline, ...]
    cursor: str | None
