"""The access log: who looked at customers' personal data, took it out, or erased it."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class AccessEntry(Base):
    """One page, answer or file with personal data (see app/access_log.py). It outlives an erasure.

    Attributes:
        actor_kind, actor_id: who, as in the audit log.
        what: customer, customers, orders, message … as app/access_log.py names them.
        how: screen, api, download, cli or platform.
        customer_id: whose data it was; None for a list of several people.
        count: of how many rows of people it told.
    """

    __tablename__ = "access_log"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_kind: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[str] = mapped_column(String(40), default="")
    what: Mapped[str] = mapped_column(String(20))
    how: Mapped[str] = mapped_column(String(10))
    customer_id: Mapped[int | None] = mapped_column(Id)
    count: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        Index("ix_access_log_store", "store_id", "at", "id"),
        Index("ix_access_log_customer", "store_id", "customer_id"),
    )
