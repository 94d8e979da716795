"""After how long the buyers of each product come back, as far as the shop's own orders tell it."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class ProductRhythm(Base):
    """What was learned of one product, from a moment on; a later row says something else.

    Attributes:
        until: when the next row took over; None for what holds now.
        gaps, people: how many times somebody came back, and how many different people did.
        share_percent: after how many of a hundred purchases anybody comes back at all.
        median_days: half of those who come back have done so by then; 95 % sure between `low_days`
            and `high_days`.
        long_days: four fifths have; None where nobody was watched that long.
    """

    __tablename__ = "product_rhythms"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    product_external_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    learned_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    gaps: Mapped[int] = mapped_column()
    people: Mapped[int] = mapped_column()
    share_percent: Mapped[int] = mapped_column()
    median_days: Mapped[int] = mapped_column()
    low_days: Mapped[int] = mapped_column()
    high_days: Mapped[int] = mapped_column()
    long_days: Mapped[int | None] = mapped_column()

    __table_args__ = (
        Index(
            "ix_product_rhythms_now",
            "store_id",
            "gaps",
            sqlite_where=until.is_(None),
            postgresql_where=until.is_(None),
        ),
    )
