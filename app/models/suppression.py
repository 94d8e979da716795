"""Suppressions: addresses that must not be written to; kept as keyed hashes, they survive erasure."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Suppression(Base):
    """One address on one channel. `reason` is bounce, complaint, unsubscribe, stop, provider or erased."""

    __tablename__ = "suppressions"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    channel: Mapped[str] = mapped_column(String(10), primary_key=True)
    address_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
