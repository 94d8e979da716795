"""The shop as one person's journeys found it at a moment of the replay (see `app/flows/shop.py`)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.flows.goods import OrderProduct
from app.flows.shop import ASKED_STATES, Fit
from app.flows.simulate.correspondence import Letter
from app.flows.simulate.history import History
from app.flows.simulate.standing import Standing


@dataclass(slots=True)
class PastShop:
    """Answers as of `now`, for the one person that `standing` is about."""

    history: History
    goods: Mapping[int, Sequence[OrderProduct]]
    standing: Standing
    now: datetime
    letters: list[Letter] = field(default_factory=list)

    def bought(self, order_id: int) -> Sequence[OrderProduct]:
        """By the lines as the mirror has them today."""
        return self.goods.get(order_id, ())

    def reviewed(self, customer_id: int) -> frozenset[str]:
        """By the moments at which the reviews were written."""
        reviews = self.standing.person.reviews
        return frozenset(row.product_external_id for row in reviews if row.written_at <= self.now)

    def asked(self, customer_id: int, products: Sequence[str]) -> frozenset[str]:
        """By the asks of the replay, and those that really left before it begins."""
        named = {
            item["external_id"]
            for letter in self.letters
            if letter.flow_key == "review" and letter.step == "M3" and letter.status in ASKED_STATES
            for item in letter.context.get("products", ())
        }
        return (self.standing.person.asked_before | named).intersection(products)

    def owned(self, customer_id: int) -> Mapping[str, str]:
        """By the orders that were known and not cancelled."""
        goods, known = self.goods, self.standing.orders.values()
        return {
            item.external_id: item.title
            for order in known
            if order.cancelled_at is None
            for item in goods.get(order.id, ())
        }

    def merchants_choice(self, products: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """By today's catalogue."""
        chosen = self.history.chosen
        return {name: chosen[name] for name in products if name in chosen} if chosen else chosen

    def fits(self, owned: Collection[str]) -> Mapping[str, Sequence[Fit]]:
        """By the counts of that night and today's catalogue."""
        return self.history.fits(owned, self.now)

    def available(self, products: Sequence[str]) -> list[str]:
        """By today's catalogue."""
        known = self.history.available
        return [name for name in products if name in known]

    def newest(self, most: int) -> Sequence[Mapping[str, str]]:
        """By today's catalogue, without the titles, which no message list shows."""
        latest = sorted(self.history.available, key=lambda name: (len(name), name), reverse=True)
        return [{"external_id": name, "title": ""} for name in latest[:most]]

    def median_transit(self) -> timedelta | None:
        """By the deliveries known then."""
        return self.history.transit.median(self.now)

    def delays(self, products: Sequence[str]) -> Mapping[str, int]:
        """By what was learned by then."""
        return self.history.rhythms.delays(products, self.now)

    def types(self, products: Sequence[str]) -> Mapping[str, str]:
        """By today's catalogue."""
        known = self.history.types
        return {name: known[name] for name in products if name in known}

    def long_gap(self, orders: Iterable[int], at: datetime) -> timedelta | None:
        """After how long four fifths of the buyers of these orders come back, as it was known then."""
        products = {item.external_id for id_ in orders for item in self.goods.get(id_, ())}
        known = [row.long_days for row in self.history.rhythms.of(sorted(products), at) if row.long_days]
        return timedelta(days=max(known)) if known else None
