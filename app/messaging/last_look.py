"""What was said between a claim and its call: looked up once more just before the wire."""

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm import Session

from app.db import Among, table_of
from app.messaging.gate import TRANSACTIONAL
from app.models import ConsentState, Customer, Message

MESSAGES, CUSTOMERS, CONSENTS = table_of(Message), table_of(Customer), table_of(ConsentState)
_RECIPIENT = and_(CUSTOMERS.c.store_id == MESSAGES.c.store_id, CUSTOMERS.c.id == MESSAGES.c.customer_id)
_SAID = and_(
    CONSENTS.c.store_id == MESSAGES.c.store_id,
    CONSENTS.c.customer_id == MESSAGES.c.customer_id,
    CONSENTS.c.channel == MESSAGES.c.channel,
)
_REFUSED = (
    select(MESSAGES.c.id)
    .join(CUSTOMERS, _RECIPIENT)
    .outerjoin(CONSENTS, _SAID)
    .where(
        MESSAGES.c.store_id == bindparam("store"),
        Among(MESSAGES.c.id, "ids"),
        or_(
            CUSTOMERS.c.erased_at.is_not(None),
            and_(CONSENTS.c.state == "unsubscribed", MESSAGES.c.purpose != TRANSACTIONAL),
        ),
    )
)


def refused_meanwhile(session: Session, store_id: int, ids: Sequence[int]) -> frozenset[int]:
    """Those of the claimed messages whose recipient said no, or was forgotten, since the gate passed them."""
    return frozenset(session.execute(_REFUSED, {"store": store_id, "ids": ids}).scalars())
