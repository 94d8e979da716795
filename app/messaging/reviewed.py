"""Which products people have reviewed already: nobody is asked twice."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import table_of
from app.models import Review
from app.models.review import WRITTEN

REVIEWS = table_of(Review)
CONDITION = "not-reviewed"
_PER_QUERY = 400


def products_reviewed(
    session: Session, store_id: int, customer_ids: Sequence[int]
) -> dict[int, frozenset[str]]:
    """The external ids of the products that each of some customers wrote a review of."""
    found: dict[int, set[str]] = {}
    for start in range(0, len(customer_ids), _PER_QUERY):
        statement = select(REVIEWS.c.customer_id, REVIEWS.c.product_external_id).where(
            REVIEWS.c.store_id == store_id,
            REVIEWS.c.customer_id.in_(customer_ids[start : start + _PER_QUERY]),
            REVIEWS.c.status.in_(WRITTEN),
        )
        for row in session.execute(statement):
            found.setdefault(row.customer_id, set()).add(row.product_external_id)
    return {customer_id: frozenset(products) for customer_id, products in found.items()}


def answered(session: Session, store_id: int, messages: Iterable[Any]) -> frozenset[int]:
    """The ids of those messages that ask for a review which has been written by now.

    One of several is enough: who wrote it has heard the question, and no mail may repeat it.
    """
    asking = [row for row in messages if CONDITION in row.context.get("only_if", ())]
    reviewed = products_reviewed(session, store_id, sorted({row.customer_id for row in asking}))
    return frozenset(
        row.id
        for row in asking
        if reviewed.get(row.customer_id, frozenset())
        & {item["external_id"] for item in row.context.get("products", ())}
    )
