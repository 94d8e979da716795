"""Merges of customers: who was merged into whom at the shop, and under which names they were known."""

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class CustomerMerge(Base):
    """Two customers that the shop says are one; carried out once the shop itself confirmed it.

    Until then nothing follows from the row. From then on news of the merged id are news of the kept one.

    Attributes:
        customer_id: who is left; None until it is carried out.
        merged_customer_id: the row that is gone; None for somebody whom we had never heard of.
        email, phone: what the merged person was reached by, for the report and the erasure.
    """

    __tablename__ = "customer_merges"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    merged_external_id: Mapped[str] = mapped_column(String(64))
    kept_external_id: Mapped[str] = mapped_column(String(64))
    customer_id: Mapped[int | None] = mapped_column(Id)
    merged_customer_id: Mapped[int | None] = mapped_column(Id)
    email: Mapped[str | None] = mapped_column(String(320))
    phone: Mapped[str | None] = mapped_column(String(20))
    told_at: Mapped[datetime] = mapped_column(UtcDateTime)
    merged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("store_id", "merged_external_id", "kept_external_id"),
        Index("ix_customer_merges_customer", "store_id", "customer_id"),
        Index("ix_customer_merges_merged", "store_id", "merged_customer_id"),
    )
