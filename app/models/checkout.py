"""Checkouts that were begun, mirrored from the storefront, until an order ends them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Checkout(Base):
    """A checkout; a merchant's customer is in it, or somebody who only typed an address.

    Attributes:
        token: what the order that completes it carries.
        customer_id: whose it is, once a customer with that account or e-mail is known.
        email: as typed there, normalised.
        lines: what is in the basket: `product_external_id`, `variant_external_id`, `title`, `quantity`,
            `total_minor`.
        recovery_url: opens the basket for anybody, so it is as personal as an address; None once it ended.
        accepts_email, accepts_sms: the boxes of a form that nobody submitted, never a consent.
        completed_at, order_external_id: when and by which order it ended.
        abandoned_at: when an hour had gone by without one.
        deleted_at: when the storefront confirmed that it no longer has it.
        asked_at: when the storefront was last asked about it, just before a message.
    """

    __tablename__ = "checkouts"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    external_id: Mapped[str] = mapped_column(String(64))
    token: Mapped[str | None] = mapped_column(String(128))
    customer_id: Mapped[int | None] = mapped_column(Id)
    customer_external_id: Mapped[str | None] = mapped_column(String(64))
    email: Mapped[str | None] = mapped_column(String(320))
    phone: Mapped[str | None] = mapped_column(String(40))
    locale: Mapped[str | None] = mapped_column(String(20))
    currency: Mapped[str] = mapped_column(String(3))
    total_minor: Mapped[int] = mapped_column(BigInteger)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    recovery_url: Mapped[str | None] = mapped_column(Text)
    accepts_email: Mapped[bool | None] = mapped_column()
    accepts_sms: Mapped[bool | None] = mapped_column()
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    source_updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    order_external_id: Mapped[str | None] = mapped_column(String(64))
    abandoned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("store_id", "external_id"),
        Index("ix_checkouts_customer", "store_id", "customer_id"),
        Index("ix_checkouts_email", "store_id", "email"),
        Index("ix_checkouts_token", "store_id", "token"),
        Index("ix_checkouts_updated", "store_id", "source_updated_at"),
    )
