"""What the inbox holds of a shop, and the worker's round over it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select

from app.inbox import BODIES, EVENTS, OF_EVENT
from app.models import Store
from app.runtime import Runtime
from connectors.channels.local import LocalChannel
from jobs import inbox
from jobs.kit import Kit
from jobs.tick import tick


@dataclass(frozen=True)
class Inbox:
    """The inbox as one shop's rows."""

    runtime: Runtime
    store: Store

    def rows(self) -> Sequence[Row[Any]]:
        """Everything that was kept, oldest first."""
        with self.runtime.database.read() as session:
            kept = select(EVENTS, BODIES.c.body).outerjoin_from(EVENTS, BODIES, OF_EVENT)
            mine = kept.where(EVENTS.c.store_id == self.store.id).order_by(EVENTS.c.id)
            return session.execute(mine).all()

    def states(self) -> list[str]:
        """The rows' states, oldest first."""
        return [row.status for row in self.rows()]

    def work(self) -> None:
        """Do all that is due, as a worker would a minute after the last delivery."""
        tick(self._kit(), self._after_all(), until_idle=True)

    def read(self) -> None:
        """Only read what waits, without asking the shop for anything."""
        inbox.run(self._kit(), self._after_all())

    def _kit(self) -> Kit:
        return Kit.build(self.runtime, LocalChannel(None))

    def _after_all(self) -> datetime:
        with self.runtime.database.read() as session:
            latest = session.execute(select(func.max(EVENTS.c.received_at))).scalar_one()
        return (latest or datetime(2026, 11, 2, tzinfo=UTC)) + timedelta(minutes=1)
