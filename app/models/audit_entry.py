"""The audit log: what people, programs and operators changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class AuditEntry(Base):
    """One change, written in the transaction that made it (see app/audit.py).

    Attributes:
        actor_kind, actor_id: who; the id is a session's mark, the platform's number of a member of staff
            or the number of an API key.
        action: a word of app/audit.py, like settings.changed.
        subject: what was changed: a setting's key, `flow:welcome`, `customer:12`.
        details: from what to what; never a secret, never what names a customer.
    """

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_kind: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[str] = mapped_column(String(40), default="")
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(120), default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    __table_args__ = (Index("ix_audit_log_store", "store_id", "at", "id"),)
