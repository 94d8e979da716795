"""The timeline: what happened to a customer, the joint where the stages meet."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, UniqueConstraint, column, true
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime, is_one_of

CASE_TYPES = ("support.opened", "support.closed")
"""What a help desk tells of a case."""


class CustomerEvent(Base):
    """One entry.

    `subject` names what it is about (`order:<external id>`); it `is_pending` until the flows read it.
    """

    __tablename__ = "customer_events"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    customer_id: Mapped[int] = mapped_column(Id)
    type: Mapped[str] = mapped_column(String(30))
    subject: Mapped[str] = mapped_column(String(80))
    source_key: Mapped[str] = mapped_column(String(120))
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_pending: Mapped[bool] = mapped_column(default=True)
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    __table_args__ = (
        UniqueConstraint("store_id", "source_key"),
        Index("ix_customer_events_customer", "store_id", "customer_id", "occurred_at"),
        # Each claim asks for them: few, among all that somebody did in months. With the type, without which
        # SQLite takes the index above.
        Index(
            "ix_customer_events_cases",
            *("store_id", "customer_id", "type", "occurred_at"),
            sqlite_where=is_one_of(column("type"), CASE_TYPES),
            postgresql_where=is_one_of(column("type"), CASE_TYPES),
        ),
        Index(
            "ix_customer_events_pending",
            "store_id",
            "id",
            sqlite_where=(is_pending == true()),
            postgresql_where=(is_pending == true()),
        ),
        # The same by those whom they are about. With its own condition, without which SQLite takes the index
        # of all that they ever did.
        Index(
            "ix_customer_events_pending_of",
            *("store_id", "customer_id", "is_pending"),
            sqlite_where=(is_pending == true()),
            postgresql_where=(is_pending == true()),
        ),
        # Whose next number is another one's, too (`app/timeline.py`), must be kept.
        {"sqlite_autoincrement": True},
    )
