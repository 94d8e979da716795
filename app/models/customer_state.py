"""Where each customer stands with the shop: active, silent, being won back, or left alone."""

from datetime import datetime

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class CustomerState(Base):
    """One customer's state and classes, kept by change (app/segments/states.py says what they mean).

    Attributes:
        since: the moment at which the state began, which may lie before it was seen.
        attempts: when attempts to win the customer back began, in microseconds since 1970, oldest first.
        offered_at: when the flow was told of this silence; None for those that wait to be told.
        timer_at: the moment for which a timer of kind `state` is set; None if only news can change anything.
    """

    __tablename__ = "customer_states"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[int] = mapped_column(Id, primary_key=True)
    state: Mapped[str] = mapped_column(String(15))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    classes: Mapped[list[str]] = mapped_column(JSON, default=list)
    attempts: Mapped[list[int]] = mapped_column(JSON, default=list)
    offered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    timer_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_customer_states_state", "store_id", "state", "since"),)
