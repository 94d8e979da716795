"""What somebody was asked to review before: by the outbox, whatever left or may still leave."""

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.db import Among, table_of
from app.engines import read_json
from app.models import Message
from app.models.message import CANCELLED, FAILED, is_review_ask

MESSAGES = table_of(Message)
_PER_QUERY = 400
# Of somebody's many asks hardly one names what is looked for: they are read from their index alone, as text.
_ASKS = select(MESSAGES.c.customer_id, MESSAGES.c.asks_about).where(
    MESSAGES.c.store_id == bindparam("store"),
    Among(MESSAGES.c.customer_id, "people"),
    is_review_ask(MESSAGES.c.flow_key, MESSAGES.c.step, MESSAGES.c.status),
    # Nor failed or called off, as hardly any is: what never left and never will asked nothing.
    MESSAGES.c.status.not_in((FAILED, CANCELLED)),
)


def asks_of(session: Session, store_id: int, customer_ids: Sequence[int]) -> dict[int, list[str]]:
    """What the earlier asks of some customers are about: of each the ids of its products, as JSON."""
    found: dict[int, list[str]] = {}
    for start in range(0, len(customer_ids), _PER_QUERY):
        values = {"store": store_id, "people": customer_ids[start : start + _PER_QUERY]}
        for customer_id, about in session.execute(_ASKS, values).all():
            found.setdefault(customer_id, []).append(about or "[]")
    return found


def named_in(asks: Iterable[str], products: Iterable[str]) -> frozenset[str]:
    """Which of these products the asks name, by their external ids."""
    wanted = set(products)
    # JSON may write other characters than these in more than one way: such an id is looked for in every ask.
    plain = [f'"{name}"' if name.isascii() and name.isalnum() else "" for name in wanted]
    named: set[str] = set()
    for text in asks:
        if any(name in text for name in plain):
            named.update(read_json(text))
    return frozenset(wanted & named)
