"""The numbers of the flow screens, each by one query over one store's rows."""

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from app.messaging import tallies
from app.models.message import (
    CANCELLED,
    EXPIRED,
    FAILED,
    HELD,
    LEFT_STATES,
    PREPARING,
    QUEUED,
    SENDING,
    STOPPED,
    UNKNOWN,
)

WAITING = (QUEUED, PREPARING, SENDING, HELD)
STAYED = (STOPPED, EXPIRED, CANCELLED, FAILED)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units."""

    minor: int
    currency: str


@dataclass(slots=True)
class Sent:
    """What became of some messages."""

    sent: int = 0
    clicked: int = 0
    waiting: int = 0
    stayed: int = 0
    unknown: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def add(self, status: str, reason: str | None, count: int, clicked: int) -> None:
        """Count messages of one status and reason."""
        self.clicked += clicked
        if status in LEFT_STATES:
            self.sent += count
        elif status in WAITING:
            self.waiting += count
        elif status == UNKNOWN:
            self.unknown += count
        else:
            self.stayed += count
            name = reason or status
            self.reasons[name] = self.reasons.get(name, 0) + count


def by_step(session: Session, store_id: int, flow_key: str) -> dict[str, Sent]:
    """What became of one flow's messages, step by step."""
    groups: dict[str, Sent] = {}
    for name, status, reason, count, clicked in session.execute(tallies.messages_of(store_id, flow_key)):
        groups.setdefault(name, Sent()).add(status, reason, count, clicked)
    return groups
