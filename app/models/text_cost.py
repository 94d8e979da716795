"""What text messages cost: reckoned before they leave, corrected by what the provider says."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class TextCost(Base):
    """One text message that left, or may have left, and its cost. It names nobody.

    Attributes:
        subject: what was sent: `message-<id>` or `trial-<id>`.
        spent_on: the day (UTC) whose month pays for it.
        micros: the cost in millionths of the currency's unit; an estimate while `priced_at` is None.
        parts: how many parts were reckoned.
        provider_message_id: by which the provider's list names it.
        ask_at: when the provider is asked for its price; None once it is known, or is not asked any more.
        priced_at: when the provider's price took the estimate's place.
    """

    __tablename__ = "text_costs"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    subject: Mapped[str] = mapped_column(String(40), primary_key=True)
    spent_on: Mapped[date] = mapped_column(Date)
    currency: Mapped[str] = mapped_column(String(3))
    micros: Mapped[int] = mapped_column(BigInteger)
    parts: Mapped[int] = mapped_column()
    provider_message_id: Mapped[str | None] = mapped_column(String(128))
    ask_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    priced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index("ix_text_costs_spent", "store_id", "spent_on"),
        Index(
            "ix_text_costs_asked",
            "store_id",
            "ask_at",
            sqlite_where=ask_at.is_not(None),
            postgresql_where=ask_at.is_not(None),
        ),
    )
