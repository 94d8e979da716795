"""Days: what a store sold and what its flows' messages did, added up by the day of the store's own clock."""

from datetime import date

from sqlalchemy import BigInteger, Date, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id


class StoreDay(Base):
    """What was ordered on one day, and how long the lists were when they were last counted on it.

    Attributes:
        orders, revenue_minor: of the orders that count, placed on that day in the store's currency; net of
            refunds.
        subscribers, texting: who agreed to mails, and to text messages; None on days without a count.
        reachable: who may be written to by mail, those by the soft opt-in of a sale among them.
    """

    __tablename__ = "store_days"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    orders: Mapped[int] = mapped_column(default=0)
    revenue_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    subscribers: Mapped[int | None] = mapped_column()
    texting: Mapped[int | None] = mapped_column()
    reachable: Mapped[int | None] = mapped_column()


class FlowDay(Base):
    """One flow's messages of one day: those that left on it, and those of which something was told on it.

    Each message counts once a day, however often it was clicked.
    """

    __tablename__ = "flow_days"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    flow_key: Mapped[str] = mapped_column(String(40), primary_key=True)
    sent: Mapped[int] = mapped_column(default=0)
    delivered: Mapped[int] = mapped_column(default=0)
    bounced: Mapped[int] = mapped_column(default=0)
    clicked: Mapped[int] = mapped_column(default=0)
    complained: Mapped[int] = mapped_column(default=0)
    unsubscribed: Mapped[int] = mapped_column(default=0)
