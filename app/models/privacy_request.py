"""Requests under privacy law that the platforms pass on, with what became of them."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class PrivacyRequest(Base):
    """One request. `kind` is access, erase-customer or erase-shop; open until `done_at` is set."""

    __tablename__ = "privacy_requests"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(20))
    customer_id: Mapped[int | None] = mapped_column(Id)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_privacy_requests_store", "store_id", "id"),)
