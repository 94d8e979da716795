"""Customers: who the store knows, registered or guest, with the sums that flows and classes read."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Customer(Base):
    """A person in one store.

    Attributes:
        external_id: the platform's id; None for a guest.
        identity: what makes the row unique: `id:<external id>` or `email:<normalised e-mail>`.
        email: normalised (lower case, trimmed); None if unknown or erased.
        birth_known_at: when the birthday was first told, for the rule of the 30 days.
        orders_count, total_spent_minor, first_paid_at, last_paid_at: over paid orders that were not
            cancelled or wholly refunded, kept by the mirror; `discounted_count` of them had a code,
            coupon or reduced price.
        platform_orders_count: how many the platform says, where it says so; first at `platform_orders_at`.
        earlier_orders: how many of those it does not show (app/mirror/earlier.py).
        own_words: which fields the person told us, and what that replaced (app/customers/own_words.py).
    """

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    identity: Mapped[str] = mapped_column(String(330))
    external_id: Mapped[str | None] = mapped_column(String(64))
    email: Mapped[str | None] = mapped_column(String(320))
    phone: Mapped[str | None] = mapped_column(String(20))
    first_name: Mapped[str | None] = mapped_column(String(255))
    last_name: Mapped[str | None] = mapped_column(String(255))
    locale: Mapped[str | None] = mapped_column(String(10))
    country: Mapped[str | None] = mapped_column(String(2))
    region: Mapped[str | None] = mapped_column(String(100))
    city: Mapped[str | None] = mapped_column(String(255))
    timezone: Mapped[str | None] = mapped_column(String(64))
    birth_year: Mapped[int | None] = mapped_column()
    birth_month: Mapped[int | None] = mapped_column()
    birth_day: Mapped[int | None] = mapped_column()
    birth_known_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    own_words: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    orders_count: Mapped[int] = mapped_column(default=0)
    discounted_count: Mapped[int] = mapped_column(default=0)
    total_spent_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    first_paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    platform_orders_count: Mapped[int | None] = mapped_column()
    platform_orders_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    earlier_orders: Mapped[int] = mapped_column(default=0, server_default="0")
    source_created_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    source_updated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("store_id", "identity"),
        # The list of them, newest first.
        Index("ix_customers_store", "store_id", "id"),
        Index("ix_customers_store_id_email", "store_id", "email"),
        Index("ix_customers_store_id_phone", "store_id", "phone"),
        Index("ix_customers_store_id_external_id", "store_id", "external_id"),
        Index("ix_customers_birthday", "store_id", "birth_month", "birth_day"),
        # Programs outside know people by their ids, so none is given twice (app/backups/aftermath.py).
        # A new row is written twice in one batch, its sums after its orders; the second finds room beside the
        # first, which spares PostgreSQL an entry in each index.
        {"sqlite_autoincrement": True, "postgresql_with": {"fillfactor": 50}},
    )
