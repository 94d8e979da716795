"""From which average order on a customer of a shop counts as middling or large."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class TicketBand(Base):
    """One shop's thresholds as they are in force, in minor units of its currency.

    Attributes:
        counted_at: when they were last worked out from the orders, or taken from what the merchant set.
    """

    __tablename__ = "ticket_bands"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    middle_from_minor: Mapped[int] = mapped_column(BigInteger)
    high_from_minor: Mapped[int] = mapped_column(BigInteger)
    counted_at: Mapped[datetime] = mapped_column(UtcDateTime)
