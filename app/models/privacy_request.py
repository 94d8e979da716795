"""Requests under privacy law with what became of them, and whom the store must not know again."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime

DONE, REFUSED = "done", "refused"


class PrivacyRequest(Base):
    """One request. `kind` is access, erase-customer or erase-shop; open until `done_at` is set.

    The row outlives what it asked to erase: it is the proof, and holds nothing personal.

    Attributes:
        store_id: 0 for a shop that we do not know.
        source: who asked: platform, storefront (an order that came back anonymised), api, cli or screen.
        due_at: the last moment that the law allows.
        next_at: when the worker looks at it; None for what the merchant must do.
        outcome: done or refused.
        proof: what went, counted by table or kind, or why it was refused.
    """

    __tablename__ = "privacy_requests"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(20))
    customer_id: Mapped[int | None] = mapped_column(Id)
    source: Mapped[str] = mapped_column(String(12))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str | None] = mapped_column(String(10))
    proof: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    __table_args__ = (
        Index("ix_privacy_requests_store", "store_id", "id"),
        Index(
            "ix_privacy_requests_open",
            "store_id",
            "next_at",
            sqlite_where=done_at.is_(None),
            postgresql_where=done_at.is_(None),
        ),
    )


class ErasedIdentity(Base):
    """Somebody who was erased, by a keyed hash of what the shop calls them (see app/tombstones.py).

    `customer_id` is None where the shop asked for it before we had heard of them.
    """

    __tablename__ = "erased_identities"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    identity_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(Id)
    erased_at: Mapped[datetime] = mapped_column(UtcDateTime)
