"""Who looked at customers' personal data: one row a page, answer or file; ids and counts only (K4)."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.audit import Actor
from app.models import AccessEntry

SCREEN, API, DOWNLOAD, CLI, PLATFORM = "screen", "api", "download", "cli", "platform"
WAYS = (SCREEN, API, DOWNLOAD, CLI, PLATFORM)
CUSTOMER, CUSTOMERS = "customer", "customers"
MESSAGE, MESSAGES, MESSAGE_TEXT = "message", "messages", "message-text"
ORDERS, ENROLLMENTS, EVENTS, REVIEWS = "orders", "enrollments", "events", "reviews"
REPORT, ERASURE, BACKUP, WHY = "report", "erasure", "backup", "why"
WHAT = (
    *(CUSTOMER, CUSTOMERS, MESSAGE, MESSAGES, MESSAGE_TEXT),
    *(ORDERS, ENROLLMENTS, EVENTS, REVIEWS, REPORT, ERASURE, BACKUP, WHY),
)
"""Every kind of data that is told; the screens have a word for each."""


def record(
    session: Session,
    store_id: int,
    by: Actor,
    what: str,
    *,
    how: str,
    now: datetime,
    customer_id: int | None = None,
    count: int = 1,
) -> None:
    """Write down who was shown what.

    Args:
        customer_id: whose data it was; None for a list of several people.
        count: how many rows of people were told of.
    """
    session.add(
        AccessEntry(
            store_id=store_id,
            at=now,
            actor_kind=by.kind,
            actor_id=by.id,
            what=what,
            how=how,
            customer_id=customer_id,
            count=count,
        )
    )
    session.flush()
