"""The orders of each household, kept up by reading only what changed since the last look."""

from collections.abc import Sequence
from datetime import datetime
from threading import Lock
from weakref import WeakKeyDictionary

from connectors.sandbox.model import Order, WorldView


class CustomerOrders:
    """One platform's orders by household, in the order they became visible."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._looked_at: datetime | None = None
        self._seen: set[int] = set()
        self._by_household: dict[int, list[int]] = {}

    def baskets_of(self, household: int) -> Sequence[int]:
        """The baskets of a household."""
        return self._by_household.get(household, ())

    def catch_up(self, world: WorldView, platform: str) -> None:
        """Take in the orders placed since the last look."""
        with self._lock:
            if self._looked_at == world.now:
                return
            for basket in world.order_ids(platform, updated_from=self._looked_at, by_id=False):
                order = world.order(basket)
                if order is not None and basket not in self._seen:
                    self._seen.add(basket)
                    self._by_household.setdefault(order.household, []).append(basket)
            self._looked_at = world.now


def orders_of(world: WorldView, platform: str, household: int) -> list[Order]:
    """A household's orders visible now, oldest first."""
    index = _INDEXES.setdefault(world, {}).setdefault(platform, CustomerOrders())
    index.catch_up(world, platform)
    orders = [world.order(basket) for basket in index.baskets_of(household)]
    return sorted((order for order in orders if order is not None), key=lambda order: order.placed_at)


_INDEXES: WeakKeyDictionary[WorldView, dict[str, CustomerOrders]] = WeakKeyDictionary()
