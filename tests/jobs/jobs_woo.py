"""A WooCommerce store on a socket of the loopback, and a worker that looks after its webhooks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.models import Chore, Store
from app.runtime import Runtime
from app.stores import verification
from jobs import webhook_checks
from jobs.kit import Kit
from tests.stores.stores_wire import FakePlatforms


@dataclass
class Watched:
    """A store whose webhooks were registered at NOW."""

    platforms: FakePlatforms
    runtime: Runtime
    kit: Kit
    store_id: int

    def check(self, at: datetime) -> int:
        """What is due of the checks at a moment; how many stores were checked."""
        return webhook_checks.run(self.kit, at)["webhooks checked"]

    def store(self) -> Store:
        """The store's row as it is now."""
        with self.runtime.database.read() as session:
            return session.get_one(Store, self.store_id)

    def hook(self, topic: str) -> dict[str, Any]:
        """The one webhook of a topic at the shop."""
        [found] = [hook for hook in self.platforms.webhooks if hook["topic"] == topic]
        return found

    def chore(self) -> Chore:
        """The row of the checks."""
        with self.runtime.database.read() as session:
            return session.get_one(Chore, (self.store_id, "webhooks"))

    def remade(self) -> list[tuple[str, str]]:
        """What the merchant is told, the newest first."""
        return [(one["topic"], one["reason"]) for one in self.chore().notes.get("remade", [])]

    def accepted(self, topic: str) -> list[str]:
        """The secrets that a delivery of the topic may be signed with."""
        return verification.woocommerce_secrets(self.runtime, self.store(), topic)
