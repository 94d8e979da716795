"""The world as it is at the simulated moment: what the emulated APIs read and change."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from threading import RLock

from connectors.sandbox.checkouts import checkout_of, number_of
from connectors.sandbox.chronicle import describe, describe_redemption, describe_start
from connectors.sandbox.journal import ADVANCES, FACTS, READS, STATE, Journal
from connectors.sandbox.listing import Listing
from connectors.sandbox.memory import Memory
from connectors.sandbox.merges import MERGE, Merges
from connectors.sandbox.model import SHOPIFY, WOOCOMMERCE, Checkout, Order, Product, Shopper, Voucher
from connectors.sandbox.moments import aware, parse_rfc3339, rfc3339, seconds_of
from connectors.sandbox.redemptions import Intentions
from connectors.sandbox.script import Fact, Kind, Script

_ORDERS, _CUSTOMERS, _PRODUCTS, _CHECKOUTS = "orders", "customers", "products", "checkouts"
_LIVE_ORDERS = 2048


class World:
    """The script, played up to `now`. Implements `model.WorldView`; safe to read from many threads."""

    def __init__(self, script: Script, journal: Journal) -> None:
        self.script = script
        self.journal = journal
        self.memory = Memory(journal, lambda: self._now)
        self.intentions = Intentions(self.memory)
        self.merges = Merges(self.memory, script.config.seed)
        self._lock = RLock()
        self._now = script.span.start
        self._listings = {
            (platform, kind): Listing()
            for platform in (SHOPIFY, WOOCOMMERCE)
            for kind in (_ORDERS, _CUSTOMERS, _PRODUCTS, _CHECKOUTS)
        }
        self._paid_orders: dict[int, int] = {}
        # Each of an order's deliveries asks for it, all of them within some days.
        self._order_at = lru_cache(maxsize=_LIVE_ORDERS)(script.book.order)

    @property
    def now(self) -> datetime:
        """The simulated moment."""
        return aware(self._now)

    @property
    def now_seconds(self) -> int:
        """The simulated moment in seconds."""
        return self._now

    def begin(self) -> None:
        """Play what precedes the world's start and journal it: the first start ever."""
        self.journal.cut(FACTS, 0)
        self.journal.append(FACTS, describe_start(self.script))
        self._play(None, self.script.span.start)

    def load(self, last_advance: Mapping[str, object]) -> None:
        """Take up the state of a journal; facts written after its last advance are forgotten."""
        self._now = parse_rfc3339(str(last_advance["to"]))
        self.journal.cut(FACTS, int(str(last_advance["facts_size"])))
        self.memory.restore(self._now)

    def replay(self) -> None:
        """Show again, unjournaled, every fact up to now."""
        for fact in self.script.facts(None, self._now):
            if fact.kind is Kind.PLACED:
                self.intentions.drop(self.script.book.baskets.household[fact.subject], fact.at)
            self._show(fact)

    def make_facts(self, to: int) -> list[Fact]:
        """Let time pass up to `to`: the facts in (now, to], now visible and journaled."""
        with self._lock:
            return self._play(self._now, to)

    def as_of(self, moment: int) -> "World":
        """The same world, of which what exists by another moment is shown; what changes until then is not."""
        other = copy(self)
        other._now = moment
        return other

    def order(self, basket: int) -> Order | None:
        """One order that exists by now."""
        index = self.script.book.index_of(basket)
        if index is None or self.script.book.placed[index] > self._now:
            return None
        order = self._order_at(index)
        heir = self.merges.heir(order.household)
        return order if heir == order.household else replace(order, household=heir)

    def shopper(self, household: int) -> Shopper | None:
        """One person, registered or guest, who is known to the shop by now."""
        shopper = self.script.shoppers.get(household)
        if self.merges.is_gone(household):
            return None
        return shopper if shopper and shopper.registered_at <= self.now else None

    def merge(self, kept: int, merged: int, deletion: str) -> None:
        """Two customers of the Shopify shop become one, for good.

        Raises:
            ValueError: one of them is none, or they are the same.
        """
        people = (self.shopper(kept), self.shopper(merged))
        if kept == merged or any(one is None or one.platform != SHOPIFY for one in people):
            raise ValueError(f"{kept} and {merged} are not two customers of the Shopify shop")
        self.memory.remember(MERGE, {"kept": kept, "merged": merged, "deletion": deletion})

    def product(self, product_id: int) -> Product | None:
        """One product that exists by now."""
        product = self.script.products.get(product_id)
        return product if product and product.created_at <= self.now else None

    def order_ids(self, platform: str, *, updated_from: datetime | None, by_id: bool) -> Sequence[int]:
        """Ids of the orders visible now, by (last change, id) or by id; optionally from a moment on."""
        return self._ids(platform, _ORDERS, updated_from, by_id)

    def customer_ids(self, platform: str, *, updated_from: datetime | None, by_id: bool) -> Sequence[int]:
        """Ids of the registered shoppers visible now; guests are never among them."""
        listed = self._ids(platform, _CUSTOMERS, updated_from, by_id)
        if not self.memory.remembered(MERGE):
            return listed
        return [household for household in listed if not self.merges.is_gone(household)]

    def product_ids(self, platform: str, *, updated_from: datetime | None, by_id: bool) -> Sequence[int]:
        """Ids of the products visible now."""
        return self._ids(platform, _PRODUCTS, updated_from, by_id)

    def checkout(self, number: int) -> Checkout | None:
        """One checkout that was begun by now, whatever became of it."""
        begun = self.script.checkouts.get(number)
        if begun is None or begun.at > self._now:
            return None
        household = self.script.book.baskets.household[begun.order]
        return checkout_of(begun, self.script.book, self.merges.heir(household))

    def checkout_ids(self, platform: str, *, updated_from: datetime | None, by_id: bool) -> Sequence[int]:
        """The numbers of the checkouts begun by now, by (last change, number) or by number."""
        return self._ids(platform, _CHECKOUTS, updated_from, by_id)

    def customer_updated_at(self, shopper: Shopper) -> datetime:
        """When the person last changed, as of now."""
        changed = self._listings[shopper.platform, _CUSTOMERS].changed_at(shopper.household)
        return aware(changed) if changed is not None else shopper.registered_at

    def redeemed_codes(self, basket: int) -> tuple[str, ...]:
        """The voucher codes that the order carries."""
        return self.memory.redeemed_codes(basket)

    def orders_count(self, household: int) -> int:
        """How many paid, not cancelled orders the person has by now."""
        return sum(self._paid_orders.get(one, 0) for one in self.merges.merged_into(household))

    def voucher(self, platform: str, code: str) -> Voucher | None:
        """A code by its text, whatever its case."""
        return self.memory.voucher(platform, code)

    def mint(self, voucher: Voucher) -> Voucher:
        """Keep a new code; the external id is given here when it is 0.

        Raises:
            ValueError: the shop already has the code.
        """
        return self.memory.mint(voucher)

    def next_id(self, kind: str) -> int:
        """A fresh id of a kind."""
        return self.memory.next_id(kind)

    def remember(self, kind: str, value: Mapping[str, object]) -> None:
        """Keep a small fact of the APIs in the journal's state."""
        self.memory.remember(kind, value)

    def remembered(self, kind: str) -> Sequence[Mapping[str, object]]:
        """All facts of a kind, in the order they were kept; the list grows."""
        return self.memory.remembered(kind)

    def log_read(
        self, platform: str, resource: str, ids: Sequence[int], updated_from: datetime | None
    ) -> None:
        """Journal that these resources were read through the API at the simulated moment."""
        line = {
            "at": rfc3339(self._now),
            "platform": platform,
            "resource": resource,
            "ids": list(ids),
            "updated_since": rfc3339(seconds_of(updated_from)) if updated_from else None,
        }
        self.journal.append(READS, line)
        self.journal.flush(READS)

    def _ids(self, platform: str, kind: str, updated_from: datetime | None, by_id: bool) -> Sequence[int]:
        since = seconds_of(updated_from) if updated_from else None
        with self._lock:
            return self._listings[platform, kind].ids(updated_from=since, by_id=by_id)

    def _play(self, after: int | None, to: int) -> list[Fact]:
        made = []
        for fact in self.script.facts(after, to):
            if fact.kind is Kind.PLACED:
                self._place(fact)
            else:
                self.journal.append(FACTS, describe(self.script, fact))
            self._show(fact)
            made.append(fact)
        self._now = to
        # The advance is written last: whatever precedes it is forgotten if the process dies before.
        self.journal.flush(FACTS, STATE)
        self.journal.append(ADVANCES, {"to": rfc3339(to), "facts_size": self.journal.size(FACTS)})
        self.journal.flush(ADVANCES)
        return made

    def _place(self, fact: Fact) -> None:
        baskets = self.script.book.baskets
        basket, household = baskets.basket[fact.subject], baskets.household[fact.subject]
        voucher = self.intentions.use(fact.platform, household, fact.at)
        code = voucher.code if voucher else None
        self.journal.append(FACTS, describe(self.script, fact) | {"redeemed_code": code})
        if voucher:
            self.memory.redeem(voucher, basket, fact.at)
            self.journal.append(FACTS, describe_redemption(fact.platform, basket, voucher.code, fact.at))

    def _show(self, fact: Fact) -> None:
        book = self.script.book
        if fact.kind is Kind.PRODUCT:
            self._listings[fact.platform, _PRODUCTS].touch(fact.subject, fact.at)
        elif fact.kind is Kind.CHECKOUT:
            self._listings[fact.platform, _CHECKOUTS].touch(fact.subject, fact.at)
        elif Kind.PLACED <= fact.kind <= Kind.REFUNDED:
            self._finish_checkout(fact)
            self._listings[fact.platform, _ORDERS].touch(book.baskets.basket[fact.subject], fact.at)
            change = COUNTED.get(fact.kind, 0)
            if change:
                household = book.baskets.household[fact.subject]
                self._paid_orders[household] = self._paid_orders.get(household, 0) + change
        elif not self.script.shoppers[fact.subject].is_guest:
            self._listings[fact.platform, _CUSTOMERS].touch(fact.subject, fact.at)

    def _finish_checkout(self, fact: Fact) -> None:
        basket = self.script.book.baskets.basket[fact.subject]
        number = number_of(fact.platform, basket, is_completed=True)
        begun = self.script.checkouts.get(number)
        if fact.kind is Kind.PLACED and begun is not None and begun.completed:
            self._listings[fact.platform, _CHECKOUTS].touch(number, fact.at)


COUNTED = {Kind.PAID: 1, Kind.CANCELLED: -1}
"""What changes how many paid orders a person has."""


def is_of_customer(kind: Kind) -> bool:
    """Whether such a fact is one of a person, not of goods or orders."""
    return kind not in (Kind.PRODUCT, Kind.CHECKOUT) and not Kind.PLACED <= kind <= Kind.REFUNDED
