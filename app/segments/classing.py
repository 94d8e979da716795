"""The classes of customers, as they are kept by change, and worked out for whom nobody looked at yet."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.db import Among, table_of
from app.models import CustomerState, TicketBand
from app.segments.bands import Bands, average_of, band_of
from app.segments.classes import classes_of

STATES, BANDS = table_of(CustomerState), table_of(TicketBand)
_BANDS = select(BANDS).where(BANDS.c.store_id == bindparam("store"))
_CLASSES = select(STATES.c.customer_id, STATES.c.classes).where(
    STATES.c.store_id == bindparam("store"), Among(STATES.c.customer_id, "people")
)


def bands_of(session: Session, store_id: int) -> Bands | None:
    """The thresholds of the ticket bands that are in force, if there are any yet."""
    row = session.execute(_BANDS, {"store": store_id}).one_or_none()
    return Bands(row.middle_from_minor, row.high_from_minor) if row is not None else None


def kept(
    session: Session, store_id: int, customers: Iterable[Any], now: datetime
) -> dict[int, tuple[str, ...]]:
    """The classes of these customers by id; by the sums alone of those without a state yet."""
    rows = {row.id: row for row in customers}
    asked = {"store": store_id, "people": sorted(rows)}
    held = {row.customer_id: tuple(row.classes) for row in session.execute(_CLASSES, asked)} if rows else {}
    return {key: held.get(key) or by_sums(row, now) for key, row in rows.items()}


def by_sums(customer: Any, now: datetime) -> tuple[str, ...]:
    """The classes that a customer's sums tell by themselves: no rhythm of their own, no ticket band."""
    bought = customer.orders_count + customer.earlier_orders
    return tuple(classes_of(bought, customer.discounted_count, customer.last_paid_at, now))


def ticket_band(customer: Any, bands: Bands | None) -> str | None:
    """The band of a customer's average order over those orders that count."""
    return band_of(average_of(customer.orders_count, customer.total_spent_minor), bands)
