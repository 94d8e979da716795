"""How often the customers of a shop come back, counted anew now and then."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Rhythm(Base):
    """One shop's rhythm.

    Attributes:
        gap_seconds: the 80th percentile of the time between two orders of one customer; None while there are
            too few to tell.
        counted_at: when it was counted.
    """

    __tablename__ = "rhythms"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    gap_seconds: Mapped[int | None] = mapped_column()
    counted_at: Mapped[datetime] = mapped_column(UtcDateTime)
