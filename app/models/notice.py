"""Notices: what a merchant is told by mail, because it should not wait until somebody looks."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Notice(Base):
    """One kind of news that a store's merchant is told of by mail.

    That a store stands still is told once while it lasts, and the row goes when it is over; low ratings are
    told again whenever there are new ones, and the week on its Monday.

    Attributes:
        cut_off: calls of which nobody wrote down the answer; the first one is made once more.
        lease_until: until when somebody is sending it, by the clock of leases.
        kind: a word of app/stores/notices.py.
        status: queued, sending, sent, failed or unknown; only a queued one is ever sent.
        next_at: the earliest moment of the next mail.
        n: how often it happened since the last one.
    """

    __tablename__ = "notices"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    status: Mapped[str] = mapped_column(String(10))
    raised_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(Text)
    cut_off: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    n: Mapped[int] = mapped_column(default=1)
