"""What a person can be told by: the platform's ids, their orders, and every address they had."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app.customers import CUSTOMERS
from app.db import table_of
from app.models import Consent, CustomerMerge, Message, Order

LEDGER, MESSAGES, ORDERS = table_of(Consent), table_of(Message), table_of(Order)
MERGES = table_of(CustomerMerge)


@dataclass(frozen=True, slots=True)
class Marks:
    """What names one person.

    Attributes:
        external_ids: the platform's ids of the person, those of merged customers among them.
        order_ids: the platform's ids of their orders.
        addresses: e-mails and phone numbers, the earlier ones, too, in lower case.
    """

    external_ids: frozenset[str]
    order_ids: frozenset[str]
    addresses: frozenset[str]


def marks_of(session: Session, store_id: int, customer_id: int) -> Marks:
    """Everything that the store knows a customer by; empty for one who was erased, but for the orders."""
    customer = _customer(session, store_id, customer_id)
    earlier = select(LEDGER.c.address).where(
        LEDGER.c.store_id == store_id, LEDGER.c.customer_id == customer_id, LEDGER.c.address.is_not(None)
    )
    written_to = select(MESSAGES.c.to_address).where(
        MESSAGES.c.store_id == store_id,
        MESSAGES.c.customer_id == customer_id,
        MESSAGES.c.to_address.is_not(None),
    )
    orders = select(ORDERS.c.external_id).where(
        ORDERS.c.store_id == store_id, ORDERS.c.customer_id == customer_id
    )
    addresses = {*session.execute(earlier).scalars(), *session.execute(written_to).scalars()}
    external_ids: set[str] = set()
    if customer is not None:
        addresses |= {customer.email, customer.phone}
        external_ids = {customer.external_id} if customer.external_id else set()
    for merge in merges_of(session, store_id, customer_id):
        external_ids.add(merge.merged_external_id)
        addresses |= {merge.email, merge.phone}
    return Marks(
        external_ids=frozenset(external_ids),
        order_ids=frozenset(session.execute(orders).scalars()),
        addresses=frozenset(address.strip().lower() for address in addresses if address),
    )


def merges_of(session: Session, store_id: int, customer_id: int) -> Sequence[Row[Any]]:
    """The customers that were merged into this one."""
    mine = (MERGES.c.store_id == store_id, MERGES.c.customer_id == customer_id)
    return session.execute(select(MERGES).where(*mine).order_by(MERGES.c.id)).all()


def _customer(session: Session, store_id: int, customer_id: int) -> Row[Any] | None:
    statement = select(CUSTOMERS).where(CUSTOMERS.c.store_id == store_id, CUSTOMERS.c.id == customer_id)
    return session.execute(statement).one_or_none()
