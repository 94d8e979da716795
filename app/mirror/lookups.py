"""What is asked of the storefront before it is believed: deletions need a second proof."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import table_of, to_micros
from app.mirror import checkout_ends, products, sums
from app.models import Order
from app.timers import NewTimer, set_timers
from connectors.base import Resource

ORDERS = table_of(Order)
KINDS = {f"look-up.{resource.value}": resource for resource in Resource}
MERGE = "look-up.merge"
"""The timer of two customers that are said to be one; its subject is the id in `customer_merges`."""
UNINSTALL = "look-up.uninstall"
"""The timer of a shop that is said to have removed the app; its subject is that moment in microseconds."""
ALL_KINDS = (*KINDS, MERGE, UNINSTALL)


def ask(session: Session, store_id: int, resource: Resource, external_id: str, *, now: datetime) -> None:
    """Have a resource looked up soon; ids that are no numbers are unknown input and asked for nowhere."""
    if external_id.isascii() and external_id.isdigit() and len(external_id) < 19:
        kind = f"look-up.{resource.value}"
        set_timers(session, [NewTimer(store_id, now, kind, int(external_id))])


def ask_store(session: Session, store_id: int, said_at: datetime, now: datetime) -> None:
    """Have a shop asked whether it really removed the app: nothing signs the topic of a delivery."""
    set_timers(session, [NewTimer(store_id, now, UNINSTALL, to_micros(said_at))])


def mark_gone(
    session: Session, store_id: int, resource: Resource, external_id: str, *, now: datetime
) -> None:
    """The storefront confirmed that it no longer has the resource.

    A customer's row stays: a platform that deletes an account does not ask for erasure by that.
    """
    if resource is Resource.PRODUCTS:
        products.mark_deleted(session, store_id, external_id, now)
    elif resource is Resource.CHECKOUTS:
        checkout_ends.mark_deleted(session, store_id, external_id, now)
    elif resource is Resource.ORDERS:
        where = (ORDERS.c.store_id == store_id, ORDERS.c.external_id == external_id)
        customer_id = session.execute(select(ORDERS.c.customer_id).where(*where)).scalar_one_or_none()
        session.execute(
            ORDERS.update().where(*where).values(deleted_at=now, is_counted=False, is_attribution_due=True)
        )
        sums.refresh(session, store_id, [customer_id])
