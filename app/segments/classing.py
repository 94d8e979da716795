"""The classes of customers, as they are kept by change, and worked out for whom nobody looked at yet."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import is_among, table_of
from app.models import CustomerState, TicketBand
from app.segments.bands import Bands, average_of, band_of
from app.segments.classes import classes_of

STATES, BANDS = table_of(CustomerState), table_of(TicketBand)


def bands_of(session: Session, store_id: int) -> Bands | None:
    """The thresholds of the ticket bands that are in force, if there are any yet."""
    row = session.execute(select(BANDS).where(BANDS.c.store_id == store_id)).one_or_none()
    return Bands(row.middle_from_minor, row.high_from_minor) if row is not None else None


def kept(
    session: Session, store_id: int, customers: Iterable[Any], now: datetime
) -> dict[int, tuple[str, ...]]:
    """The classes of these customers by id; by the sums alone of those without a state yet."""
    rows = {row.id: row for row in customers}
    statement = select(STATES.c.customer_id, STATES.c.classes).where(
        STATES.c.store_id == store_id, is_among(session, STATES.c.customer_id, sorted(rows))
    )
    held = {row.customer_id: tuple(row.classes) for row in session.execute(statement)} if rows else {}
    return {key: held.get(key) or by_sums(row, now) for key, row in rows.items()}


def by_sums(customer: Any, now: datetime) -> tuple[str, ...]:
    """The classes that a customer's sums tell by themselves: no rhythm of their own, no ticket band."""
    bought = customer.orders_count + customer.earlier_orders
    return tuple(classes_of(bought, customer.discounted_count, customer.last_paid_at, now))


def ticket_band(customer: Any, bands: Bands | None) -> str | None:
    """The band of a customer's average order over those orders that count."""
    return band_of(average_of(customer.orders_count, customer.total_spent_minor), bands)
