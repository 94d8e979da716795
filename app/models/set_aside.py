"""What failed by itself: one row for each person, order or checkout that stopped its batch."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime

FLOWS, STATES, ATTRIBUTION, CHECKOUTS, OUTBOX = "flows", "states", "attribution", "checkouts", "outbox"
CONFIRMATIONS, DOUBTS = "confirmations", "doubts"


class SetAside(Base):
    """Left out of its batches, so that they go on, and tried alone, ever later; gone when that went well.

    Attributes:
        work: of which job: flows, states, outbox, confirmations (of a customer), attribution (of an order),
            checkouts, doubts (of a message); or the kind of a look-up, whose subject is the shop's number.
        attempts: how often it failed alone.
        since: when it failed first.
        error: its kind and place in the code; never its text, which may name somebody.
    """

    __tablename__ = "set_asides"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    work: Mapped[str] = mapped_column(String(20), primary_key=True)
    subject_id: Mapped[int] = mapped_column(Id, primary_key=True)
    attempts: Mapped[int] = mapped_column()
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(String(300))

    __table_args__ = (Index("ix_set_asides_next", "work", "next_at", "store_id"),)
