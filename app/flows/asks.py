"""What somebody was asked to review before: by the outbox, whatever left or may still leave."""

from collections.abc import Iterable, Sequence
from itertools import chain

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from app.db import Among, table_of
from app.engines import read_json
from app.models import Message
from app.models.message import CANCELLED, FAILED, is_review_ask

MESSAGES = table_of(Message)
_PER_QUERY = 400
_BETWEEN = ","
# Of somebody's many asks hardly one names what is looked for: they are read as text, from their index alone.
_ASKS = (
    select(MESSAGES.c.customer_id, func.aggregate_strings(MESSAGES.c.asks_about, _BETWEEN))
    .where(
        MESSAGES.c.store_id == bindparam("store"),
        Among(MESSAGES.c.customer_id, "people"),
        is_review_ask(MESSAGES.c.flow_key, MESSAGES.c.step, MESSAGES.c.status),
        # Nor failed or called off, as hardly any is: what never left and never will asked nothing.
        MESSAGES.c.status.not_in((FAILED, CANCELLED)),
    )
    .group_by(MESSAGES.c.customer_id)
)


def asks_of(session: Session, store_id: int, customer_ids: Sequence[int]) -> dict[int, str]:
    """What earlier asks of some customers are about: of each lists of ids of products, as JSON, by commas."""
    found: dict[int, str] = {}
    for start in range(0, len(customer_ids), _PER_QUERY):
        values = {"store": store_id, "people": customer_ids[start : start + _PER_QUERY]}
        for customer_id, about in session.execute(_ASKS, values).all():
            found[customer_id] = about or ""
    return found


def named_in(asks: str, products: Iterable[str]) -> frozenset[str]:
    """Which of these products the asks name, by their external ids."""
    wanted = set(products)
    for name in wanted:
        # JSON may write other characters in more than one way: such an id is looked for in every ask.
        if f'"{name}"' in asks or not (name.isascii() and name.isalnum()):
            named = read_json(f"[{asks}]")
            return frozenset(wanted.intersection(chain.from_iterable(named)))
    return frozenset()
