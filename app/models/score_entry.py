"""Points that customers got or lost, in the order in which they did; nothing is ever changed."""

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class ScoreEntry(Base):
    """One entry of the ledger.

    Attributes:
        programme: the scale that it counts on.
        points: added to what the scale showed, which never leaves 0 to 100.
        source_key: what they were given for; the same source never counts twice.
    """

    __tablename__ = "score_entries"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    customer_id: Mapped[int] = mapped_column(Id)
    programme: Mapped[str] = mapped_column(String(30))
    points: Mapped[int] = mapped_column()
    source_key: Mapped[str] = mapped_column(String(120))
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("store_id", "programme", "source_key"),
        Index("ix_score_entries_customer", "store_id", "customer_id", "programme", "occurred_at"),
    )
