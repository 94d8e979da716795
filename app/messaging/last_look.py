"""What was said between a claim and its call: looked up once more just before the wire."""

from collections.abc import Sequence

from sqlalchemy import bindparam, null, select, union_all
from sqlalchemy.orm import Session

from app.db import Among, table_of
from app.messaging.gate import TRANSACTIONAL
from app.models import ConsentState, Customer, Message

MESSAGES, CUSTOMERS, CONSENTS = table_of(Message), table_of(Customer), table_of(ConsentState)
_CLAIMED = select(MESSAGES.c.id, MESSAGES.c.customer_id, MESSAGES.c.channel, MESSAGES.c.purpose).where(
    MESSAGES.c.store_id == bindparam("store"), Among(MESSAGES.c.id, "ids")
)
# By the people and not joined to the messages: of a young store the server takes a join for a few rows.
_LEFT = union_all(
    select(CONSENTS.c.customer_id, CONSENTS.c.channel).where(
        CONSENTS.c.store_id == bindparam("store"),
        Among(CONSENTS.c.customer_id, "people"),
        CONSENTS.c.state == "unsubscribed",
    ),
    select(CUSTOMERS.c.id, null()).where(
        CUSTOMERS.c.store_id == bindparam("store"),
        Among(CUSTOMERS.c.id, "people"),
        CUSTOMERS.c.erased_at.is_not(None),
    ),
)


def refused_meanwhile(session: Session, store_id: int, ids: Sequence[int]) -> frozenset[int]:
    """Those of the claimed messages whose recipient said no, or was forgotten, since the gate passed them."""
    claimed = session.execute(_CLAIMED, {"store": store_id, "ids": ids}).all()
    people = sorted({row.customer_id for row in claimed})
    left = set(map(tuple, session.execute(_LEFT, {"store": store_id, "people": people})))
    return frozenset(
        row.id
        for row in claimed
        if (row.customer_id, None) in left
        or ((row.customer_id, row.channel) in left and row.purpose != TRANSACTIONAL)
    )
