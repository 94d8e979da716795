"""The thresholds of a shop's ticket bands: the merchant's, else its terciles, moved at night.

Whoever a moved threshold passes over is looked at again, and nobody else.
"""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from app.db import table_of, upsert
from app.models import Customer, Store, TicketBand
from app.money import to_minor
from app.segments import classing
from app.segments.bands import Bands, average_of, terciles
from app.stores import settings
from app.stores.platforms import CONNECTED

CUSTOMERS, BANDS = table_of(Customer), table_of(TicketBand)
STORES = table_of(Store)
SETTING = "classes.ticket_bands"
MOST_BUYERS = 20_000
_COUNTED_AGAIN = timedelta(days=7)
_COUNTED_AT = select(BANDS.c.counted_at).where(BANDS.c.store_id == bindparam("store"))
# Two columns of each store: of thousands the whole rows would fill a worker's memory.
_HELD = (
    select(STORES.c.id, STORES.c.settings[SETTING].as_string(), BANDS.c.counted_at)
    .outerjoin(BANDS, BANDS.c.store_id == STORES.c.id)
    .where(STORES.c.state == CONNECTED)
    .order_by(STORES.c.id)
)


def due(session: Session, now: datetime) -> list[int]:
    """The connected stores whose thresholds the merchant set, or were counted a week ago, or never."""
    rows = session.execute(_HELD)
    return [store_id for store_id, own, counted_at in rows if own or not _is_fresh(counted_at, now)]


def wanted(session: Session, store: Store, now: datetime) -> Bands | None:
    """What the merchant set, else the terciles; of a large shop a fixed part of the buyers tells them.

    None where what is in force stays: terciles are counted anew once a week.
    """
    own = settings.words(store, SETTING)
    if own:
        middle, high = (to_minor(text, store.currency) for text in own)
        return Bands(middle, high)
    held_since = session.execute(_COUNTED_AT, {"store": store.id}).scalar_one_or_none()
    if _is_fresh(held_since, now):
        return None
    mine = (CUSTOMERS.c.store_id == store.id, CUSTOMERS.c.orders_count > 0)
    buyers = session.execute(select(func.count()).where(*mine)).scalar_one()
    every = -(-buyers // MOST_BUYERS) or 1
    sums = select(CUSTOMERS.c.orders_count, CUSTOMERS.c.total_spent_minor).where(
        *mine, CUSTOMERS.c.id % every == 0
    )
    averages = (average_of(row.orders_count, row.total_spent_minor) for row in session.execute(sums))
    return terciles([average for average in averages if average is not None])


def _is_fresh(counted_at: datetime | None, now: datetime) -> bool:
    return counted_at is not None and counted_at <= now < counted_at + _COUNTED_AGAIN


def put_in_force(session: Session, store_id: int, bands: Bands, now: datetime) -> list[int]:
    """Have these thresholds hold from now on; the customers whose band they change, to be looked at again."""
    held = classing.bands_of(session, store_id)
    row = {
        "store_id": store_id,
        "middle_from_minor": bands.middle_from,
        "high_from_minor": bands.high_from,
        "counted_at": now,
    }
    names = ("middle_from_minor", "high_from_minor", "counted_at")
    upsert(session, BANDS, [row], key=("store_id",), update=names)
    return _passed_over(session, store_id, held, bands) if bands != held else []


def _passed_over(session: Session, store_id: int, before: Bands | None, after: Bands) -> list[int]:
    """Those between whose thresholds' old and new place their average lies; all where there were none."""
    statement = select(CUSTOMERS.c.id).where(CUSTOMERS.c.store_id == store_id, CUSTOMERS.c.orders_count > 0)
    if before is not None:
        pairs = ((before.middle_from, after.middle_from), (before.high_from, after.high_from))
        spent, orders = CUSTOMERS.c.total_spent_minor, CUSTOMERS.c.orders_count
        moved = [(spent >= orders * min(pair)) & (spent < orders * max(pair)) for pair in pairs]
        statement = statement.where(or_(*moved))
    return list(session.execute(statement.order_by(CUSTOMERS.c.id)).scalars())
