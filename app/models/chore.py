"""Chores: what is done for one store again and again, each a row with its next moment and its last error."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UtcDateTime


class Chore(Base):
    """One chore of one store; claimed with a lease, moved with its token.

    Attributes:
        name: webhooks, or another word of app/stores/chores.py.
        position: where a chore of many rounds goes on; None at its beginning.
        notes: what it tells the merchant; each chore's own.
        done_at: when it last came to its end.
    """

    __tablename__ = "chores"

    store_id: Mapped[int] = mapped_column(ForeignKey("stores.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    position: Mapped[str | None] = mapped_column(String(40))
    notes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    lease_token: Mapped[str | None] = mapped_column(String(36))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(Text)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_chores_next", "name", "next_at", "store_id"),)
