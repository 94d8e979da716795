"""People to whom things happen at moments, in a shop whose workers are run by hand."""

from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from app import consent, timeline
from app.consent import NewConsent
from app.db import Database
from app.mirror import sums
from app.models import FlowVersion
from app.timeline import NewEvent
from tests.flows.flows_world import World
from tests.seeds import add_order

_MOMENTS = ("order.placed", "order.paid")
_DAY = timedelta(days=1)


def without_codes(database: Database) -> None:
    """Have the flow that wins people back mint no code, for no storefront is there to do it."""
    with database.write() as session:
        for version in session.query(FlowVersion).filter_by(flow_key="reactivation"):
            version.definition = _without_codes(version.definition)


class Life:
    """One person of the shop, to whom things happen at moments."""

    def __init__(self, world: World, name: str, begin: datetime) -> None:
        self.world, self.now = world, begin
        self.id = world.customer(name, created_at=begin - _DAY)

    def buys(self) -> None:
        """An order, paid at once."""
        with self.world.database.write() as session:
            order = add_order(session, self.world.store_id, self.id, placed_at=self.now)
            events = [self._event(kind, f"order:{order.external_id}") for kind in _MOMENTS]
            timeline.record(session, events, self.now)
            sums.refresh(session, self.world.store_id, [self.id])

    def says(self, channel: str = "email", state: str = "subscribed") -> None:
        """Something about a channel, to the shop."""
        said = NewConsent(
            self.world.store_id,
            self.id,
            channel,
            state,
            "consent",
            self.now,
            "test",
            source_key=str(self.now),
        )
        with self.world.database.write() as session:
            consent.record(session, [said], self.now)

    def acts(self, kind: str) -> None:
        """Something that shows that they are there."""
        with self.world.database.write() as session:
            timeline.record(session, [self._event(kind, f"test:{self.now.isoformat()}")], self.now)

    def _event(self, kind: str, subject: str) -> NewEvent:
        key = f"{kind}:{subject}:{self.id}"
        return NewEvent(self.world.store_id, self.id, kind, subject, key, self.now)


def _without_codes(definition: dict[str, Any]) -> dict[str, Any]:
    """No storefront mints any here, so that the texts that speak of one cannot be used."""
    changed = deepcopy(definition)
    for step in changed["entries"][0]["steps"]:
        if step.pop("voucher", None):
            step["content"] = "reactivation/R0"
    return changed
