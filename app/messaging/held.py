"""What a restored backup leaves in doubt: held until a person decides, because it may have left before.

What happened between a backup and its restore left no trace here. So everything that was due by the restore
is held, and so is what is queued later for a reason of that time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.db import table_of
from app.models import Message, Restore
from app.models.message import CANCELLED, HELD, PREPARING, QUEUED, SENDING, UNKNOWN

MESSAGES = table_of(Message)
RESTORES = table_of(Restore)
RESTORED = "restored"
_RESTORES = select(RESTORES.c.backed_up_at, RESTORES.c.restored_at)
_PER_QUERY = 500
_IN_FLIGHT = timedelta(hours=1)
"""What happened so shortly before the backup may have been told after it only."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time of which nobody knows any more what left."""

    begins_at: datetime
    ends_at: datetime

    def is_doubtful(self, due_at: datetime, moments: Sequence[datetime], *, is_anchored: bool) -> bool:
        """Whether a message that is queued only now may have left in this time.

        It may if it was due by then. A platform that is asked again may tell a moment of the gap a little
        otherwise than it told it then, by the gap's length at most; so may it if it hangs on such a moment
        and is due that much later.

        Args:
            moments: what the message hangs on.
            is_anchored: its due moment is reckoned from these; else it is due whenever it is made.
        """
        if due_at <= self.ends_at:
            return True
        if not is_anchored:
            return any(moment <= self.ends_at for moment in moments)
        hangs_on = any(self.begins_at < moment <= self.ends_at for moment in moments)
        return hangs_on and due_at <= self.ends_at + (self.ends_at - self.begins_at)


def gaps(session: Session) -> list[Gap]:
    """Every restore of this database; there is hardly ever one."""
    return [Gap(row.backed_up_at - _IN_FLIGHT, row.restored_at) for row in session.execute(_RESTORES).all()]


def last_restore(session: Session) -> datetime | None:
    """When a backup was last put back, if ever."""
    moment: datetime | None = session.execute(select(func.max(RESTORES.c.restored_at))).scalar_one()
    return moment


def hold_due(session: Session, now: datetime) -> int:
    """Hold what is due by now and has not left, over all stores; return how many.

    What was being sent is unknown. What has expired is left to the gate, which sends none of it.
    """
    free = {"lease_token": None, "lease_until": None}
    waits = MESSAGES.c.status.in_((QUEUED, PREPARING))
    is_due = (MESSAGES.c.due_at <= now, MESSAGES.c.expires_at > now)
    held = {"status": HELD, "reason": RESTORED, **free}
    count = len(
        session.execute(update(MESSAGES).where(waits, *is_due).values(**held).returning(MESSAGES.c.id)).all()
    )
    preparing = update(MESSAGES).where(MESSAGES.c.status == PREPARING)
    session.execute(preparing.values(status=QUEUED, **free))
    sending = update(MESSAGES).where(MESSAGES.c.status == SENDING)
    session.execute(sending.values(status=UNKNOWN, unknown_since=now, next_at=now, **free))
    return count


def ids_of(session: Session, store_id: int) -> list[int]:
    """Everything that a store holds."""
    mine = (MESSAGES.c.store_id == store_id, MESSAGES.c.status == HELD)
    return list(session.execute(select(MESSAGES.c.id).where(*mine).order_by(MESSAGES.c.id)).scalars())


def release(session: Session, store_id: int, ids: Sequence[int], now: datetime) -> int:
    """Put held messages back in line, where the gate decides about them; how many there were."""
    return _settle(session, store_id, ids, {"status": QUEUED, "reason": None, "next_at": now})


def cancel(session: Session, store_id: int, ids: Sequence[int] | None = None) -> int:
    """Call held messages off, all of the store's where none are named; how many there were."""
    return _settle(session, store_id, ids, {"status": CANCELLED, "reason": RESTORED})


def _settle(session: Session, store_id: int, ids: Sequence[int] | None, values: dict[str, Any]) -> int:
    if ids is None:
        ids = ids_of(session, store_id)
    count = 0
    for start in range(0, len(ids), _PER_QUERY):
        some = MESSAGES.c.id.in_(ids[start : start + _PER_QUERY])
        mine = (MESSAGES.c.store_id == store_id, MESSAGES.c.status == HELD, some)
        count += len(
            session.execute(update(MESSAGES).where(*mine).values(**values).returning(MESSAGES.c.id)).all()
        )
    return count
