"""What customers said of their purchases: on our rating page, or of a product in the shop."""

from datetime import datetime

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime, is_one_of

RITORNO, TOLD = "ritorno", "api"
"""The sources besides the platforms: our own page, and another system that speaks through the API."""
EXPERIENCE, DELIVERY, PRODUCT, SERVICE = "experience", "delivery", "product", "service"
OBJECTS = (EXPERIENCE, DELIVERY, PRODUCT, SERVICE)
PENDING, APPROVED, HIDDEN = "pending", "approved", "hidden"
GIVEN = "given"
WRITTEN = ("approved", "held", GIVEN)
"""The states of a review that somebody really wrote: on the page, waiting for the merchant, or told to us."""
STATES = (PENDING, APPROVED, HIDDEN)
STARS = (0, 1, 2, 3, 4, 5)
LOW = (1, 2, 3)
"""The stars after which somebody should ask what went wrong."""


class Review(Base):
    """Stars and words about one thing, from one person.

    Attributes:
        source: ritorno (the rating page), api, or the platform that it is mirrored from.
        external_id: the platform's; `journey:object:product` of an answer to us, which makes it one for ever.
        object: experience, delivery, product or service.
        customer_id: who wrote it, once a customer with that e-mail is known.
        email: the writer's in the shop, normalised; None without one and after an erasure.
        display_name: what the writer wants to be called in public; None for nothing.
        rating: 1 to 5; 0 without stars.
        text: as it was written, unescaped.
        status: approved, held, spam, trash or the platform's own word; `given` where we were told ourselves.
        state: what the merchant makes of it here: pending, approved (it may be quoted) or hidden.
        is_verified: the writer bought it in this shop.
        written_at, edited_at: the first answer, and the last one if it was changed.
    """

    __tablename__ = "reviews"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    source: Mapped[str] = mapped_column(String(20))
    external_id: Mapped[str] = mapped_column(String(110))
    object: Mapped[str] = mapped_column(String(12), default=PRODUCT)
    product_external_id: Mapped[str | None] = mapped_column(String(64))
    order_external_id: Mapped[str | None] = mapped_column(String(64))
    message_id: Mapped[int | None] = mapped_column(Id)
    customer_id: Mapped[int | None] = mapped_column(Id)
    email: Mapped[str | None] = mapped_column(String(320))
    display_name: Mapped[str | None] = mapped_column(String(60))
    rating: Mapped[int] = mapped_column()
    text: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10), default=PENDING)
    is_verified: Mapped[bool] = mapped_column()
    written_at: Mapped[datetime] = mapped_column(UtcDateTime)
    edited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("store_id", "source", "external_id"),
        Index("ix_reviews_customer", "store_id", "customer_id"),
        Index("ix_reviews_state", "store_id", "state", "id"),
        # The list of the low ones, and the sums, which are read from it alone.
        Index(
            "ix_reviews_stars",
            *("store_id", "rating", "id", "state"),
            sqlite_where=is_one_of(status, WRITTEN),
            postgresql_where=is_one_of(status, WRITTEN),
        ),
    )
