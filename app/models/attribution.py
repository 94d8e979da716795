"""Attribution: which message an order goes to, with the inputs of the choice."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Attribution(Base):
    """One order's message. `rule` is voucher or last-click; recomputing changes nothing by itself."""

    __tablename__ = "attributions"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    order_id: Mapped[int] = mapped_column(Id, primary_key=True)
    message_id: Mapped[int] = mapped_column(Id)
    flow_key: Mapped[str] = mapped_column(String(40))
    step: Mapped[str] = mapped_column(String(10))
    rule: Mapped[str] = mapped_column(String(15))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    inputs: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    __table_args__ = (
        Index("ix_attributions_message", "store_id", "message_id"),
        # Whole sums are read from it alone, without the rows.
        Index("ix_attributions_occurred", "store_id", "occurred_at", "currency", "flow_key", "amount_minor"),
        Index(
            "ix_attributions_steps",
            *("store_id", "currency", "flow_key", "step", "occurred_at", "amount_minor"),
        ),
    )
