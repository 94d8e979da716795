"""Enrollments: who is in which flow, at which step, until when."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime, is_one_of

ACTIVE, COMPLETED, EXITED, HELD_OUT = "active", "completed", "exited", "held_out"


class Enrollment(Base):
    """One journey. Unique per flow, customer and occurrence (`consent`, `order:<external id>`, `year:2026`).

    Attributes:
        step: where it stands in the version's list of steps.
        turn: counts the advances; a timer of an older turn is stale.
        waits_for: the event type it listens for, if any.
        context: anchors and subjects (`{"entered": …, "order_id": …}`), moments as RFC 3339.
        stopped_at: when an exit came, also after the last step: what has not left by then stays home.
        subject: what it is about (`order:<external id>`), to match events.
        is_tallied: it ended long ago and is counted in FlowTally.
    """

    __tablename__ = "enrollments"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    flow_key: Mapped[str] = mapped_column(String(40))
    version_id: Mapped[int] = mapped_column(Id)
    customer_id: Mapped[int] = mapped_column(Id)
    occurrence: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(10))
    step: Mapped[str] = mapped_column(String(40))
    turn: Mapped[int] = mapped_column(default=0)
    waits_for: Mapped[str | None] = mapped_column(String(30))
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    exit_reason: Mapped[str | None] = mapped_column(String(40))
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    context: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    is_tallied: Mapped[bool] = mapped_column(server_default=text("false"))

    __table_args__ = (
        UniqueConstraint("store_id", "flow_key", "customer_id", "occurrence"),
        Index(
            "ix_enrollments_active",
            "store_id",
            "customer_id",
            sqlite_where=is_one_of(state, (ACTIVE,)),
            postgresql_where=is_one_of(state, (ACTIVE,)),
        ),
        Index("ix_enrollments_customer", "store_id", "customer_id", "flow_key", "entered_at"),
        # Those of the last weeks are counted every night, however long the history is: by it alone.
        Index("ix_enrollments_entered", "store_id", "entered_at", "flow_key", "customer_id", "state"),
        # SQLite counts from it alone only where it holds what its own condition asks, too.
        Index(
            "ix_enrollments_steps",
            *("store_id", "flow_key", "state", "version_id", "step", "exit_reason", "is_tallied", "ended_at"),
            sqlite_where=is_tallied == false(),
            postgresql_where=is_tallied == false(),
        ),
    )
