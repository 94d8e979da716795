"""Who has reviewed what: nobody is asked twice, and the unhappy are offered nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from app.db import Among, UtcDateTime, table_of
from app.models import Review
from app.models.review import LOW, WRITTEN

REVIEWS = table_of(Review)
CONDITION = "not-reviewed"
NOT_UNHAPPY = "not-unhappy"
MUTED = timedelta(days=30)
"""For how long somebody who gave three stars or fewer is offered nothing more to buy."""
_PER_QUERY = 400
_WRITTEN_BY = select(REVIEWS.c.customer_id, REVIEWS.c.product_external_id).where(
    REVIEWS.c.store_id == bindparam("store"),
    Among(REVIEWS.c.customer_id, "people"),
    REVIEWS.c.product_external_id.is_not(None),
    REVIEWS.c.status.in_(WRITTEN),
)

_SINCE = bindparam("since", type_=UtcDateTime)
_LOW_BY = select(REVIEWS.c.customer_id).where(
    REVIEWS.c.store_id == bindparam("store"),
    Among(REVIEWS.c.customer_id, "people"),
    REVIEWS.c.rating.in_(LOW),
    REVIEWS.c.status.in_(WRITTEN),
    or_(REVIEWS.c.written_at > _SINCE, REVIEWS.c.edited_at > _SINCE),
)


def products_reviewed(
    session: Session, store_id: int, customer_ids: Sequence[int]
) -> dict[int, frozenset[str]]:
    """The external ids of the products that each of some customers wrote a review of."""
    found: dict[int, set[str]] = {}
    for start in range(0, len(customer_ids), _PER_QUERY):
        values = {"store": store_id, "people": customer_ids[start : start + _PER_QUERY]}
        for row in session.execute(_WRITTEN_BY, values):
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


def unhappy(session: Session, store_id: int, messages: Iterable[Any], now: datetime) -> frozenset[int]:
    """The customers of those messages who gave three stars or fewer in the last 30 days, if it matters."""
    people = sorted({row.customer_id for row in messages if NOT_UNHAPPY in row.context.get("only_if", ())})
    since = now - MUTED
    found: set[int] = set()
    for start in range(0, len(people), _PER_QUERY):
        asked = {"store": store_id, "people": people[start : start + _PER_QUERY], "since": since}
        found |= set(session.execute(_LOW_BY, asked).scalars())
    return frozenset(found)
