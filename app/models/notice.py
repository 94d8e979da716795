"""Notices: what a merchant is told by mail, because nothing leaves any more and nobody may be looking."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Notice(Base):
    """One state of a store that its merchant is told of, once while it lasts; the row goes when it is over.

    Attributes:
        kind: needs_reconnect.
        status: queued, sending, sent, failed or unknown.
        cut_off: calls of which nobody wrote down the answer; the first one is made once more.
        lease_until: until when somebody is sending it, by the database's clock.
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
