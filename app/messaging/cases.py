"""Whose support case is open: nobody is asked how it was, or offered more, before it is put right."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.db import Among, UtcDateTime, is_one_of, table_of
from app.models import CustomerEvent
from app.models.customer_event import CASE_TYPES

EVENTS = table_of(CustomerEvent)
OPENED, CLOSED = CASE_TYPES
CONDITION = "no-open-case"
FORGOTTEN = timedelta(days=90)
"""A case that nobody closed in this time is taken as closed: help desks forget to say so."""
_PER_QUERY = 400
_CASES = (
    select(EVENTS.c.customer_id, EVENTS.c.type, EVENTS.c.details)
    .where(
        EVENTS.c.store_id == bindparam("store"),
        Among(EVENTS.c.customer_id, "people"),
        EVENTS.c.occurred_at > bindparam("since", type_=UtcDateTime),
        is_one_of(EVENTS.c.type, CASE_TYPES),
    )
    .order_by(EVENTS.c.occurred_at, EVENTS.c.id)
)


def with_open_case(session: Session, store_id: int, messages: Iterable[Any], now: datetime) -> frozenset[int]:
    """The customers of those messages who wait for an answer of the shop, if it matters.

    Cases are told apart by `case` in what the help desk tells; without it the last word counts.
    """
    people = sorted({row.customer_id for row in messages if CONDITION in row.context.get("only_if", ())})
    last: dict[tuple[int, str], str] = {}
    for start in range(0, len(people), _PER_QUERY):
        asked = {"store": store_id, "people": people[start : start + _PER_QUERY], "since": now - FORGOTTEN}
        for row in session.execute(_CASES, asked).all():
            last[row.customer_id, str(row.details.get("case", ""))] = row.type
    return frozenset(customer_id for (customer_id, _), kind in last.items() if kind == OPENED)
