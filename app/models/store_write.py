"""What is to be told to the storefront: one row for each thing that may be told, opened again by news."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime, is_one_of

QUEUED, DONE, SKIPPED, FAILED, DEAD = "queued", "done", "skipped", "failed", "dead"
RESTING = (FAILED, DEAD)


class StoreWrite(Base):
    """One thing to write. What exactly is read when the call is made, so the newest state wins.

    Attributes:
        kind: consent, tags, activity, engagement or webhook (an address of the merchant's, not the shop).
        subject: what of the kind, as `email:<customer id>`, `<flow>`, `<flow>:<day>` or `<journey>:<step>`;
            with the kind unique within the store.
        payload: what stands nowhere else: the wish for each tag, the whole of a call.
        customer_id: whom it is about, if anybody.
        state: queued, done, skipped (nothing to write), failed (the storefront refuses) or dead (given up).
        reason: why it was skipped or failed.
        turn: counts the news; a write of an older turn leaves the row open.
        next_at: when the writer looks at it again.
        lease_token, lease_until: who works on it, by the clock of leases.
        done_at: since when it has been in a state other than queued.
    """

    __tablename__ = "store_writes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(80))
    customer_id: Mapped[int | None] = mapped_column(Id)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(30))
    turn: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(Text)
    lease_token: Mapped[str | None] = mapped_column(String(36))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("store_id", "kind", "subject"),
        Index(
            "ix_store_writes_open",
            "store_id",
            "next_at",
            "id",
            sqlite_where=is_one_of(state, (QUEUED,)),
            postgresql_where=is_one_of(state, (QUEUED,)),
        ),
        Index("ix_store_writes_customer", "store_id", "customer_id"),
        Index("ix_store_writes_state", "store_id", "state", "done_at"),
    )
