"""Drafts of flows: what a merchant changed and has not published yet."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UtcDateTime


class FlowDraft(Base):
    """The one draft of a flow; the row stays when it is published or thrown away, for `revision` only rises.

    Attributes:
        definition: a sound one; None while there is no draft.
        revision: counts every change, so that of two editors the second is told.
    """

    __tablename__ = "flow_drafts"

    store_id: Mapped[int] = mapped_column(ForeignKey("stores.id"), primary_key=True)
    flow_key: Mapped[str] = mapped_column(String(40), primary_key=True)
    definition: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    revision: Mapped[int] = mapped_column()
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)
