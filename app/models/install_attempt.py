"""Installs under way: the single-use state that binds a browser to a shop."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class InstallAttempt(Base):
    """One handshake; the state is stored as a hash and used once."""

    __tablename__ = "install_attempts"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    state_hash: Mapped[str] = mapped_column(String(64), unique=True)
    platform: Mapped[str] = mapped_column(String(20))
    shop: Mapped[str] = mapped_column(String(500))
    browser_hash: Mapped[str] = mapped_column(String(64))
    sealed_keys: Mapped[str | None] = mapped_column(Text, info={"is_sealed": True})
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
