"""Preferences: what a person asked for on their preference page, over all channels of a store."""

from datetime import datetime

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Preference(Base):
    """One person's wishes; without a row they want everything they agreed to.

    Attributes:
        paused_until: nothing but answers and transactional mail leaves before.
        topics_off: the topics they do not want (app/messaging/wishes.py).
        is_fewer: one message a week at the most.
    """

    __tablename__ = "preferences"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[int] = mapped_column(Id, primary_key=True)
    paused_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    topics_off: Mapped[list[str]] = mapped_column(JSON, default=list)
    is_fewer: Mapped[bool] = mapped_column(default=False)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
