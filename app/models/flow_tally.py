"""What became of a flow's old messages and ended journeys, counted once and kept."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id

MESSAGES, JOURNEYS = "messages", "journeys"


class FlowTally(Base):
    """How many rows that are marked `is_tallied` stand so; all others are counted as they are.

    Attributes:
        kind: messages or journeys.
        state: a message's status, a journey's state.
        reason: why it stayed, what ended it; "" for nothing.
        clicked: how many of the messages were clicked.
    """

    __tablename__ = "flow_tallies"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    flow_key: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    step: Mapped[str] = mapped_column(String(40), primary_key=True)
    state: Mapped[str] = mapped_column(String(10), primary_key=True)
    reason: Mapped[str] = mapped_column(String(40), primary_key=True)
    n: Mapped[int] = mapped_column()
    clicked: Mapped[int] = mapped_column()
