"""Rehearsals: dry runs that a merchant asked for on a screen, queued and kept until the next one."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UtcDateTime


class Rehearsal(Base):
    """The latest dry run of a flow, and that of its draft; claimed with a lease, moved with its token.

    Attributes:
        is_draft: of what a merchant changed and has not published yet.
        done, total: how many people were replayed, and of how many.
        result: what the screen shows; it names people by our ids alone.
    """

    __tablename__ = "rehearsals"

    store_id: Mapped[int] = mapped_column(ForeignKey("stores.id"), primary_key=True)
    flow_key: Mapped[str] = mapped_column(String(40), primary_key=True)
    is_draft: Mapped[bool] = mapped_column(primary_key=True, default=False)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    begin: Mapped[datetime] = mapped_column(UtcDateTime)
    end: Mapped[datetime] = mapped_column(UtcDateTime)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    is_waiting: Mapped[bool] = mapped_column(default=True)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[str | None] = mapped_column(String(36))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(Text)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    __table_args__ = (Index("ix_rehearsals_waiting", "is_waiting", "asked_at"),)
