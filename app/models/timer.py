"""The one timer table: everything that waits for a moment."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Timer(Base):
    """Something due. Clustered by store and moment, so a claim reads one run of the index.

    The key leads with the store (no exemption needed): `timer_cursors` finds the stores that have
    something due, and each store's share is one contiguous range.
    """

    __tablename__ = "timers"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    subject_id: Mapped[int] = mapped_column(Id, primary_key=True)
    turn: Mapped[int] = mapped_column(default=0)

    __table_args__ = ({"sqlite_with_rowid": False},)


class TimerCursor(Base):
    """A lower bound of a store's next due moment, for fairness between stores."""

    __tablename__ = "timer_cursors"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    next_due_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_timer_cursors_next", "next_due_at", "store_id"),)
