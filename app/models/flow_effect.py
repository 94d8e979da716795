"""What a flow's two arms bought, counted every night."""

from datetime import datetime

from sqlalchemy import BigInteger, Double, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class FlowEffect(Base):
    """One flow's arms; whoever entered in [since, until), each person once.

    Attributes:
        squares: the sum of the squares of people's revenue, from which the error comes.
    """

    __tablename__ = "flow_effects"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    flow_key: Mapped[str] = mapped_column(String(40), primary_key=True)
    arm: Mapped[str] = mapped_column(String(10), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    people: Mapped[int] = mapped_column()
    buyers: Mapped[int] = mapped_column()
    orders: Mapped[int] = mapped_column()
    revenue_minor: Mapped[int] = mapped_column(BigInteger)
    squares: Mapped[float] = mapped_column(Double)
