"""The inbox: every verified delivery, raw, kept once."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime, is_one_of, table_of

WAITING, RETRYING, DONE, IGNORED, DEAD = "waiting", "retrying", "done", "ignored", "dead"
OPEN = (WAITING, RETRYING)
STATES = (*OPEN, DONE, IGNORED, DEAD)


class InboundEvent(Base):
    """One delivery. `status` is waiting, retrying, done, ignored or dead.

    `store_id` is 0 for a shop that we do not know: uniqueness must hold for those rows too, which a
    NULL would not give.
    """

    __tablename__ = "inbound_events"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    source: Mapped[str] = mapped_column(String(20))
    topic: Mapped[str] = mapped_column(String(100))
    dedupe_key: Mapped[str] = mapped_column(String(128))
    event_id: Mapped[str | None] = mapped_column(String(128))
    subject_external_id: Mapped[str | None] = mapped_column(String(64))
    signature: Mapped[int | None] = mapped_column(Id)
    triggered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    status: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(Text)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("store_id", "source", "dedupe_key"),
        Index(
            "ix_inbound_events_waiting",
            "store_id",
            "next_at",
            "id",
            sqlite_where=is_one_of(status, OPEN),
            postgresql_where=is_one_of(status, OPEN),
        ),
        Index(
            "ix_inbound_events_subject",
            "subject_external_id",
            "signature",
            sqlite_where=subject_external_id.is_not(None),
            postgresql_where=subject_external_id.is_not(None),
        ),
        Index("ix_inbound_events_status", "store_id", "status", "id"),
    )


class InboundBody(Base):
    """What a delivery said, word for word; its id is the delivery's. Without a row it is not kept any more.

    Apart from the delivery, because SQLite writes a row anew, its body with it, whenever it is marked.
    """

    __tablename__ = "inbound_bodies"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    store_id: Mapped[int] = mapped_column(Id)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    body: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (Index("ix_inbound_bodies_received", "store_id", "received_at"),)


# A delivery never goes before its body: SQLite may give its id to another. (A foreign key would be looked up
# for each row.)
table_of(InboundBody).add_is_dependent_on(table_of(InboundEvent))
