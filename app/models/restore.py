"""Restores: from when until when nobody knows any more what happened."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Restore(Base):
    """One backup that was put back: what happened between its two moments left no trace here.

    Attributes:
        backed_up_at, restored_at: in business time, as messages are due.
        revision: the schema's version in the backup.
        held: how many messages were held at once.
    """

    __tablename__ = "restores"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    backed_up_at: Mapped[datetime] = mapped_column(UtcDateTime)
    restored_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revision: Mapped[str] = mapped_column(String(40))
    held: Mapped[int] = mapped_column()
