"""Trials: messages that a merchant sends to themselves, to see them arrive."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Trial(Base):
    """One trial: an order for one mail or text to the merchant. It is no message, and counts as none.

    It speaks of an example person, never of a customer.

    Attributes:
        token: of the form that asked for it, so that a form sent twice is one trial.
        status: queued, sending, sent, failed or unknown; only a queued one is ever sent, once.
        letter: what was rendered, as app/messaging/copies.py packs it; None once it left.
        error: why it did not leave, or the provider's words.
    """

    __tablename__ = "trials"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    token: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(60))
    locale: Mapped[str] = mapped_column(String(2))
    channel: Mapped[str] = mapped_column(String(10))
    to_address: Mapped[str] = mapped_column(String(320))
    letter: Mapped[bytes | None] = mapped_column(LargeBinary)
    status: Mapped[str] = mapped_column(String(10))
    error: Mapped[str | None] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("store_id", "token"),
        Index("ix_trials_asked", "store_id", "asked_at"),
        Index("ix_trials_status", "store_id", "status"),
    )
