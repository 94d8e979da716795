"""What a merchant wrote in place of the texts that come with the recipes."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Edition(Base):
    """One message in one language as the merchant wants it; without a row the original holds.

    The parts are those of `app/messaging/content.py`, so that one renderer serves both.

    Attributes:
        name: of the content (`welcome/W2`, `welcome/W1.welcome_back`).
        version: the store's `editions` when this was saved; it only ever rises.
        subject, preheader, blocks: the mail.
        sms: the text message; None where the step has none.
    """

    __tablename__ = "templates"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    locale: Mapped[str] = mapped_column(String(2), primary_key=True)
    version: Mapped[int] = mapped_column()
    subject: Mapped[str] = mapped_column(Text)
    preheader: Mapped[str] = mapped_column(Text)
    blocks: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    sms: Mapped[str | None] = mapped_column(Text)
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)
