"""Decisions: why something was sent, put off or not sent."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Decision(Base):
    """One verdict (pass, postpone, stop) with the value that every step of the gate saw."""

    __tablename__ = "decisions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    customer_id: Mapped[int] = mapped_column(Id)
    message_id: Mapped[int | None] = mapped_column(Id)
    flow_key: Mapped[str] = mapped_column(String(40))
    step: Mapped[str] = mapped_column(String(10))
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)
    verdict: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(30))
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)

    __table_args__ = (
        Index("ix_decisions_message", "store_id", "message_id"),
        Index("ix_decisions_customer", "store_id", "customer_id", "decided_at"),
    )
