"""Who is too young to be advertised to."""

from datetime import datetime
from typing import Any

from app.messaging import zones
from app.models import Store

ADULT_YEARS = 18


def is_minor(customer: Any, now: datetime, store: Store) -> bool:
    """Whether somebody whose year we know is under 18 on this day of theirs."""
    if customer is None or customer.birth_year is None:
        return False
    zone = zones.zone_for_due(
        country=customer.country,
        region=customer.region,
        phone=customer.phone,
        store_timezone=store.timezone,
    )
    today = now.astimezone(zone).date()
    had_birthday = (today.month, today.day) >= (customer.birth_month, customer.birth_day)
    age = today.year - customer.birth_year - (0 if had_birthday else 1)
    return bool(age < ADULT_YEARS)
