"""How far people came in a flow, counted every night."""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class FlowFunnel(Base):
    """One flow's people who entered in [since, until), each once, and how far they came.

    Attributes:
        entered: without those left out by lot.
        reached, clicked: to whom a message left, and who clicked in one.
        buyers, orders, revenue_minor: whose orders go to these messages, in the store's currency.
    """

    __tablename__ = "flow_funnels"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    flow_key: Mapped[str] = mapped_column(String(40), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    entered: Mapped[int] = mapped_column()
    reached: Mapped[int] = mapped_column()
    clicked: Mapped[int] = mapped_column()
    buyers: Mapped[int] = mapped_column()
    orders: Mapped[int] = mapped_column()
    revenue_minor: Mapped[int] = mapped_column(BigInteger)
