"""Imported lists: which files a store took in, so that the same one twice changes nothing."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class ListImport(Base):
    """One file, by its SHA-256; nothing of what stood in it.

    Attributes:
        kind: subscribers or unsubscribed.
        started_at: when it was first imported: rows without a date of their own are from then.
        counts: what became of its rows the last time; empty while it is under way.
    """

    __tablename__ = "list_imports"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(20))
    digest: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    counts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    __table_args__ = (UniqueConstraint("store_id", "kind", "digest"),)
