"""Products: the dearest of an order, how long they take to be judged, and what goes with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from math import fsum

from tests.oracle.model import StoreSettings
from tests.oracle.recipes import ASKED_PRODUCTS, PAIR_NEEDS, PAIRED_PRODUCTS
from tests.oracle.state import Order, Person, StoreMirror

STANDARD_DAYS = 14
# The departments of the data set that mean something; what is not named takes the standard time.
_DAYS_BY_WORD = {
    7: "grocery produce meat seafood deli pastry salad restaurant frozen fuel spirits drug cosmetics"
    " nutrition floral",
    10: "apparel clothing clothes shoes",
    30: "furniture electronics elect appliances automotive housewares garden photo video plumbing tools",
}
_WORDS = {word: days for days, words in _DAYS_BY_WORD.items() for word in words.split()}


def dearest(order: Order) -> list[str]:
    """The order's different products, the dearest first by the sum of their lines; ties by id as text."""
    totals: Counter[str] = Counter()
    for product, minor in order.fact.goods:
        totals[product] += minor
    return sorted(totals, key=lambda product: (-totals[product], product))


def asked_products(order: Order) -> list[str]:
    """The products that a review request may be about."""
    return dearest(order)[:ASKED_PRODUCTS]


def delay_days(order: Order, store: StoreMirror) -> int:
    """How long after delivery the products can be judged: the slowest of the three dearest."""
    return max((_days_of(product, store) for product in asked_products(order)), default=STANDARD_DAYS)


def _days_of(product: str, store: StoreMirror) -> int:
    if product in store.learned_days:
        return store.learned_days[product]
    fact = store.products.get(product)
    return STANDARD_DAYS if fact is None else days_of_type(fact.kind, store.settings)


def days_of_type(kind: str, settings: StoreSettings) -> int:
    """The days of a product type: the first of its words that means something, else the standard."""
    if kind in settings.delays:
        return settings.delays[kind]
    words = "".join(letter if letter.isalnum() else " " for letter in kind.lower()).split()
    return next((_WORDS[word] for word in words if word in _WORDS), STANDARD_DAYS)


class Pairs:
    """How often products were bought together in one store."""

    def __init__(self, store: StoreMirror) -> None:
        self._store = store
        self._orders_of: Counter[str] = Counter()
        self._together: dict[str, Counter[str]] = {}
        self._often: dict[str, set[str]] = {}

    def add_new(self) -> None:
        """The daily slot: every counted order that was not added yet."""
        for basket, order in list(self._store.unpaired.items()):
            if order.is_counted:
                del self._store.unpaired[basket]
                order.is_paired = True
                self._add(dearest(order)[:PAIRED_PRODUCTS])

    def complement(self, order: Order, person: Person) -> str | None:
        """What to offer after an order, or None."""
        owned = {
            product for held in person.orders if held.cancelled_at is None for product, _ in held.fact.goods
        }
        bought = dearest(order)
        chosen = (product for mine in bought for product in self._store.complements.get(mine, ()))
        return next(self._offered(chosen, owned), None) or self._best_match(owned)

    def _add(self, products: list[str]) -> None:
        self._orders_of.update(products)
        for mine in products:
            together = self._together.setdefault(mine, Counter())
            for other in products:
                together[other] += 1
                if together[other] == PAIR_NEEDS and other != mine:
                    self._often.setdefault(mine, set()).add(other)

    def _best_match(self, owned: set[str]) -> str | None:
        parts: dict[str, list[float]] = {}
        for mine in owned:
            for other in self._often.get(mine, ()):
                parts.setdefault(other, []).append(self._together[mine][other] / self._orders_of[mine])
        shares = {other: fsum(of_other) for other, of_other in parts.items()}
        return next(self._offered(sorted(shares, key=lambda other: (-shares[other], other)), owned), None)

    def _offered(self, products: Iterable[str], owned: set[str]) -> Iterator[str]:
        """Never what was bought before, never what the shop does not have."""
        return (product for product in products if product not in owned and product in self._store.products)
