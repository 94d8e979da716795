"""Confirmations asked for: which addresses got a confirmation mail lately, for the limits alone."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Confirmation(Base):
    """One address on one channel, as a keyed hash, and when it was asked last; gone after two days."""

    __tablename__ = "confirmations"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    channel: Mapped[str] = mapped_column(String(10), primary_key=True)
    address_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_confirmations_asked", "store_id", "asked_at"),)
