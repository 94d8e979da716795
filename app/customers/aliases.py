"""Former names: the ids of customers whom the shop merged into another, and whom they stand for now."""

from collections.abc import Collection, Mapping

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.customers.people import Person
from app.db import table_of
from app.models import Customer, CustomerMerge

MERGES, CUSTOMERS = table_of(CustomerMerge), table_of(Customer)
_PER_QUERY = 500
_ANY = (
    select(MERGES.c.id)
    .where(MERGES.c.store_id == bindparam("store_id"), MERGES.c.merged_at.is_not(None))
    .limit(1)
)
_HEIR = select(MERGES.c.customer_id).where(
    MERGES.c.store_id == bindparam("store_id"),
    MERGES.c.merged_customer_id == bindparam("customer_id"),
    MERGES.c.customer_id.is_not(None),
)


def find(session: Session, store_id: int, external_ids: Collection[str]) -> Mapping[str, Person]:
    """Who those of the platform's ids that were merged away stand for now.

    A store that never merged anybody costs one short look.
    """
    if not external_ids or not _has_any(session, store_id):
        return {}
    wanted = sorted(external_ids)
    found: dict[str, Person] = {}
    for start in range(0, len(wanted), _PER_QUERY):
        statement = (
            select(
                MERGES.c.merged_external_id,
                CUSTOMERS.c.id,
                CUSTOMERS.c.email,
                CUSTOMERS.c.external_id,
                CUSTOMERS.c.erased_at,
            )
            .join(CUSTOMERS, CUSTOMERS.c.id == MERGES.c.customer_id)
            .where(
                MERGES.c.store_id == store_id,
                MERGES.c.merged_external_id.in_(wanted[start : start + _PER_QUERY]),
                CUSTOMERS.c.store_id == store_id,
            )
        )
        for row in session.execute(statement):
            found[row.merged_external_id] = Person(
                row.id,
                row.email,
                row.external_id,
                is_erased=row.erased_at is not None,
                is_by_former_id=True,
            )
    return found


def present_id(session: Session, store_id: int, customer_id: int) -> int:
    """Our own id of whoever this one was merged into; the same where nobody was."""
    found: int | None = session.execute(_HEIR, {"store_id": store_id, "customer_id": customer_id}).scalar()
    return customer_id if found is None else found


def _has_any(session: Session, store_id: int) -> bool:
    return session.execute(_ANY, {"store_id": store_id}).first() is not None
