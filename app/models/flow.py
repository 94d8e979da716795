"""Flows and their versions: what is to happen, as data."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Flow(Base):
    """A flow of a store. `active_since` bounds what may start it: older events never do."""

    __tablename__ = "flows"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    key: Mapped[str] = mapped_column(String(40))
    is_active: Mapped[bool] = mapped_column(default=False)
    active_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version_id: Mapped[int] = mapped_column(Id)

    __table_args__ = (UniqueConstraint("store_id", "key"),)


class FlowVersion(Base):
    """A definition, never changed once somebody is on it (see app/flows/definition.py)."""

    __tablename__ = "flow_versions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    flow_key: Mapped[str] = mapped_column(String(40))
    number: Mapped[int] = mapped_column()
    definition: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("store_id", "flow_key", "number"),)


class FlowSwitch(Base):
    """When a flow was switched on or off, so that "why" can say how it stood on any day."""

    __tablename__ = "flow_switches"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    flow_key: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    is_on: Mapped[bool] = mapped_column()
