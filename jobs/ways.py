"""The way to a store that is pulled from, and what is noted where it fails."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from app.mirror import pulls
from app.mirror.pulls import Pull
from app.models import Store
from app.stores import connections
from connectors.base import ConnectorError, Resource, Storefront, Unauthorized
from connectors.present import Sweepable
from connectors.transport import StoreTransport
from jobs import access
from jobs.kit import Kit

T = TypeVar("T")
HELD_SECONDS = pulls.LEASE.total_seconds() / 2
"""Within these nothing is held anew."""


@dataclass(slots=True)
class Way:
    """The way to a store, kept open from one resource to the next for as long as its token surely holds.

    Attributes:
        looked_at: what is listed next, and from when on; told once, when the way is opened.
    """

    kit: Kit
    store: Store
    looked_at: Mapping[Resource, datetime] | None = None
    opened: Storefront | None = None
    over: StoreTransport | None = None
    until: float = 0.0

    def storefront(self) -> Storefront:
        """The one that is open, or a new one.

        Raises:
            ConnectorError: as of opening one.
        """
        if self.opened is None or self.kit.stopwatch() >= self.until:
            self.until = self.kit.stopwatch() + HELD_SECONDS
            self.over = self.over or connections.transport(self.kit.runtime)
            self.opened = connections.storefront(self.kit.runtime, self.store, self.over)
            if self.looked_at:
                since, self.looked_at = self.looked_at, None
                self.opened.begin_look(since)
        return self.opened

    def sweepable(self) -> Sweepable:
        """The same store, to be asked what it still has, over the same connection.

        Raises:
            Unauthorized: the store must be reconnected, or removed the app.
        """
        return connections.sweepable(self.kit.runtime, self.store, self.over)


def pull_by(
    way: Way, pull: Pull, now: datetime, *, work: Callable[[Storefront], T], is_backfill: bool
) -> T | None:
    """Pull one claimed resource; a failure of the shop is kept on its row, and None comes back."""
    kit, store = way.kit, way.store
    try:
        if store.state != "connected":
            raise Unauthorized("the shop must be reconnected")
        with access.watched(kit, store, now):
            return work(way.storefront())
    except ConnectorError as error:
        with kit.database.of_store(store.id).write() as session:
            pulls.put_off(session, pull, error=error, now=now, is_backfill=is_backfill)
        return None
