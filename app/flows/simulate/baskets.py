"""What a person had left at the till, as it stood at a moment of the replay (see `app/customers/baskets.py`).

The mirror keeps a checkout for a month and its last contents only; of those that are gone nothing is guessed.
"""

from datetime import datetime
from typing import Any

from app.flows.facts import BASKET
from app.flows.simulate.standing import OrderThen, Standing


def open_at(standing: Standing, now: datetime, *, is_asked: bool) -> dict[str, Any]:
    """The baskets that stood then, by external id.

    Args:
        is_asked: as the storefront would have said it, which is asked just before a message; else as the
            mirror knew it, which learned of an order when it was told.
    """
    return {
        name: row
        for name, row in standing.person.baskets.items()
        if row.started_at <= now and not _is_over(row, standing, now, is_asked=is_asked)
    }


def is_forgotten(standing: Standing, subject: str) -> bool:
    """Whether a journey is about a basket that is kept no longer."""
    return subject.startswith(BASKET) and subject.removeprefix(BASKET) not in standing.person.baskets


def _is_over(row: Any, standing: Standing, now: datetime, *, is_asked: bool) -> bool:
    if row.deleted_at is not None and row.deleted_at <= now:
        return True
    is_told_by_order = row.order_external_id in standing.person.orders
    if row.completed_at is not None and row.completed_at <= now and (is_asked or not is_told_by_order):
        return True
    return any(_ends(order, row) for order in standing.orders.values())


def _ends(order: OrderThen, row: Any) -> bool:
    return order.is_bought and (row.token == order.external_id or order.placed_at >= row.started_at)
