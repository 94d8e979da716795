"""What customers wrote of products in the shop."""

from datetime import datetime

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Review(Base):
    """A review of one product, mirrored from the storefront.

    Attributes:
        customer_id: who wrote it, once a customer with that e-mail is known.
        email: the writer's, normalised; None without one and after an erasure.
        rating: 1 to 5; 0 without stars.
        status: approved, held, spam, trash or the platform's own word.
        written_at: the platform's moment.
    """

    __tablename__ = "reviews"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    external_id: Mapped[str] = mapped_column(String(64))
    product_external_id: Mapped[str] = mapped_column(String(64))
    customer_id: Mapped[int | None] = mapped_column(Id)
    email: Mapped[str | None] = mapped_column(String(320))
    rating: Mapped[int] = mapped_column()
    text: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20))
    is_verified: Mapped[bool] = mapped_column()
    written_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("store_id", "external_id"),
        Index("ix_reviews_customer", "store_id", "customer_id"),
    )


WRITTEN = ("approved", "held")
"""The states of a review that somebody really wrote: on the page, or waiting for the merchant."""
