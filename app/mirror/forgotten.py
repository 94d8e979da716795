"""Which deliveries of a batch must not be kept as they came: those that name somebody who was erased."""

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.crypto import Signer
from app.customers import CUSTOMERS, People
from app.db import Among, table_of
from app.mirror import checkout_people
from app.mirror.apply import telling_of
from app.models import Order
from connectors.base import (
    CheckoutRecord,
    CustomerMerge,
    FulfillmentUpdate,
    PrivacyRequest,
    Record,
    RefundUpdate,
)

ORDERS = table_of(Order)
_ERASED = (
    select(ORDERS.c.external_id)
    .join(CUSTOMERS, CUSTOMERS.c.id == ORDERS.c.customer_id)
    .where(
        ORDERS.c.store_id == bindparam("store"),
        Among(ORDERS.c.external_id, "names"),
        CUSTOMERS.c.store_id == bindparam("store"),
        CUSTOMERS.c.erased_at.is_not(None),
    )
)


def among(
    session: Session,
    signer: Signer,
    store_id: int,
    told: Mapping[int, Sequence[Record]],
    *,
    people: People,
) -> list[int]:
    """The ids of the deliveries whose bodies go as soon as they were read.

    A request under privacy law goes, too: its row in `privacy_requests` says the same without a name; and so
    does a merge, of which everything stands in `customer_merges`.

    Args:
        told: what each delivery says.
        people: whom the batch was about, as the mirror found them.
    """
    orders = _orders_of_erased(session, store_id, told)
    records = [record for one in told.values() for record in one]
    checkouts = checkout_people.erased_among(session, signer, store_id, records)
    return [
        event_id
        for event_id, records in told.items()
        if any(
            _names_erased(record, people, orders)
            or (isinstance(record, CheckoutRecord) and record.external_id in checkouts)
            for record in records
        )
    ]


def _names_erased(record: Record, people: People, orders: set[str]) -> bool:
    if isinstance(record, PrivacyRequest | CustomerMerge):
        return True
    if isinstance(record, FulfillmentUpdate | RefundUpdate):
        return record.order_external_id in orders
    telling = telling_of(record) if people.has_erased else None
    return telling is not None and people.is_erased(*telling)


def _orders_of_erased(session: Session, store_id: int, told: Mapping[int, Sequence[Record]]) -> set[str]:
    """The orders of erased people among those whose parcels and refunds the batch tells of."""
    named = sorted(
        {
            record.order_external_id
            for records in told.values()
            for record in records
            if isinstance(record, FulfillmentUpdate | RefundUpdate)
        }
    )
    if not named:
        return set()
    return set(session.execute(_ERASED, {"store": store_id, "names": named}).scalars())
