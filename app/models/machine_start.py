"""Starts of the machine that an SQLite file lives on; with PostgreSQL there is none."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UtcDateTime


class MachineStart(Base):
    """The moment that one start of the machine is to leases (app/leases.py), about what the wall clock said.

    Attributes:
        boot_id: the operating system's name for this start.
    """

    __tablename__ = "machine_starts"

    boot_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
