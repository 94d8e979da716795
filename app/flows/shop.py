"""What choosers and waits ask of a shop as they go: from its tables now, or as of a day by the dry run."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import tee
from typing import Any, Protocol, TypeVar

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from app.db import Among, table_of
from app.flows.asks import asks_of, named_in
from app.flows.facts import median_transit
from app.flows.foreseen import Foreseen, K
from app.flows.goods import MOST_ASKED, OrderProduct, order_products
from app.messaging.conditions import LEFT_STATES
from app.messaging.reviewed import products_reviewed
from app.models import Order, OrderLine, Product, ProductCount, ProductPair
from app.models.product import is_supported
from app.named import named
from app.segments import product_rhythms

LINES, ORDERS, PRODUCTS = table_of(OrderLine), table_of(Order), table_of(Product)
PAIRS, COUNTS = table_of(ProductPair), table_of(ProductCount)
ASKED_STATES = LEFT_STATES | {"queued", "preparing", "held"}


T = TypeVar("T")
_Read = Callable[[Session, int, Sequence[K]], Mapping[K, T]]
"""What finds something for many keys at once, and nothing for some."""
Fit = tuple[float, str, int, int]
"""How well a product goes with another: the share of that one's orders that held both, that one, how many
orders held both and how many that one. A plain tuple: a replay makes some fifty for each message."""


class Shop(Protocol):
    """Products are named by their external ids."""

    def bought(self, order_id: int) -> Sequence[OrderProduct]:
        """The products of an order, dearest first."""

    def reviewed(self, customer_id: int) -> frozenset[str]:
        """What the customer wrote a review of."""

    def asked(self, customer_id: int, products: Sequence[str]) -> frozenset[str]:
        """Which of these earlier asks named, unless they never left and never will."""

    def owned(self, customer_id: int) -> Mapping[str, str]:
        """Everything that the customer ever bought in an order that was not cancelled, with its title."""

    def merchants_choice(self, products: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The cross-sell products that the merchant set, by product."""

    def fits(self, owned: Collection[str]) -> Mapping[str, Sequence[Fit]]:
        """What can be bought and stood in orders with something of theirs often enough (`SUPPORT`)."""

    def available(self, products: Sequence[str]) -> list[str]:
        """Those that can be bought, in the order given."""

    def newest(self, most: int) -> Sequence[Mapping[str, str]]:
        """The latest products that can be bought, `external_id` and `title` each.

        Both platforms number what they make, so the higher id is the later product.
        """

    def median_transit(self) -> timedelta | None:
        """The usual time from dispatch to delivery, where enough parcels tell it."""

    def delays(self, products: Sequence[str]) -> Mapping[str, int]:
        """Days until a review is asked, of those whose buyers came back often enough to tell."""

    def types(self, products: Sequence[str]) -> Mapping[str, str]:
        """What kind of product these are, of those that are known."""


class LiveShop:
    """The shop as its tables are now, for one batch.

    Args:
        people: whom the batch is likely to ask for a review; what was asked of them and reviewed is read for
            all at once.
        orders: whose products it is likely to look at; they are read at once, too.
        waiting: those whose dearest products tell how long to wait.
    """

    def __init__(
        self,
        session: Session,
        store_id: int,
        *,
        people: Iterable[int] = (),
        orders: Iterable[int] = (),
        waiting: Iterable[int] = (),
    ) -> None:
        self.session, self.store_id = session, store_id
        people = tuple(people)
        self._bought = self._once(order_products, orders)
        self._reviewed = self._once(products_reviewed, people)
        self._asks = self._once(asks_of, people)
        named = (item.external_id for order in waiting for item in self.bought(order)[:MOST_ASKED])
        # Gone through by both that are made of it, the second time when the first one is known.
        known, unknown = tee(named)
        self._days: Foreseen[str, int] = self._once(product_rhythms.delays, known)
        self._types: Foreseen[str, str] = Foreseen(
            self._types_of, (name for name in unknown if self._days.get(name) is None)
        )
        self._transit: list[timedelta | None] = []
        self._most, self._newest = 0, list[Mapping[str, str]]()

    def _once(self, read: _Read[K, T], likely: Iterable[K]) -> Foreseen[K, T]:
        return Foreseen(partial(read, self.session, self.store_id), likely)

    def bought(self, order_id: int) -> Sequence[OrderProduct]:
        """By the lines of the mirrored orders."""
        return self._bought.get(order_id) or ()

    def reviewed(self, customer_id: int) -> frozenset[str]:
        """By the mirrored reviews."""
        return self._reviewed.get(customer_id) or frozenset()

    def asked(self, customer_id: int, products: Sequence[str]) -> frozenset[str]:
        """By the outbox."""
        return named_in(self._asks.get(customer_id) or "", products)

    def owned(self, customer_id: int) -> Mapping[str, str]:
        """By the mirrored orders; of several titles the one that comes last as text."""
        asked = {"store": self.store_id, "customer": customer_id}
        found: Sequence[Any] = self.session.execute(_OWNED, asked).all()
        return dict(found)

    def merchants_choice(self, products: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """By the catalogue."""
        return {row.external_id: row.cross_sell_ids or () for row in self._about(_CHOICES, products)}

    def fits(self, owned: Collection[str]) -> Mapping[str, Sequence[Fit]]:
        """By the counts of the nightly slot."""
        pairs = self._about(_TOGETHER, sorted(owned))
        available = set(self.available(sorted({other for _, other, _ in pairs}.difference(owned))))
        pairs = [pair for pair in pairs if pair[1] in available]
        alone = self._about(_ALONE, sorted({mine for mine, _, _ in pairs})) if pairs else ()
        counts = dict(alone)
        found: dict[str, list[Fit]] = {}
        for mine, other, both in pairs:
            found.setdefault(other, []).append((both / counts[mine], mine, both, counts[mine]))
        return found

    def available(self, products: Sequence[str]) -> list[str]:
        """By the catalogue."""
        found = {row.external_id for row in self._about(_AVAILABLE, products)} if products else ()
        return [external_id for external_id in products if external_id in found]

    def _about(self, statement: Select[Any], products: Sequence[str]) -> list[Any]:
        return named(self.session.execute(statement, {"store": self.store_id, "products": products}))

    def newest(self, most: int) -> Sequence[Mapping[str, str]]:
        """By the catalogue, which is gone through for it: so twice as many are kept as were asked for."""
        if most > self._most:
            self._most = 2 * most
            found = self.session.execute(_NEWEST, {"store": self.store_id, "most": self._most}).all()
            self._newest = [{"external_id": row.external_id, "title": row.title} for row in found]
        return self._newest[:most]

    def median_transit(self) -> timedelta | None:
        """By the latest deliveries; asked for once a batch."""
        if not self._transit:
            self._transit.append(median_transit(self.session, self.store_id))
        return self._transit[0]

    def delays(self, products: Sequence[str]) -> Mapping[str, int]:
        """By what the shop's orders taught."""
        found = ((name, self._days.get(name)) for name in products)
        return {name: days for name, days in found if days is not None}

    def types(self, products: Sequence[str]) -> Mapping[str, str]:
        """By the catalogue."""
        found = ((name, self._types.get(name)) for name in products)
        return {name: kind for name, kind in found if kind is not None}

    def _types_of(self, products: Sequence[str]) -> Mapping[str, str]:
        return {row.external_id: row.product_type for row in self._about(_TYPES, products)}


# Somebody may own hundreds of products: statements that are written once, whatever the number.
_OWNED = (
    select(LINES.c.product_external_id.label("external_id"), func.max(LINES.c.title).label("title"))
    .join(ORDERS, (ORDERS.c.id == LINES.c.order_id) & (ORDERS.c.store_id == LINES.c.store_id))
    .where(
        ORDERS.c.store_id == bindparam("store"),
        ORDERS.c.customer_id == bindparam("customer"),
        ORDERS.c.cancelled_at.is_(None),
        LINES.c.product_external_id.is_not(None),
    )
    .group_by(LINES.c.product_external_id)
)
_CHOICES = select(PRODUCTS.c.external_id, PRODUCTS.c.cross_sell_ids).where(
    PRODUCTS.c.store_id == bindparam("store"), Among(PRODUCTS.c.external_id, "products")
)
_AVAILABLE = select(PRODUCTS.c.external_id).where(
    PRODUCTS.c.store_id == bindparam("store"),
    Among(PRODUCTS.c.external_id, "products"),
    PRODUCTS.c.is_available,
    PRODUCTS.c.deleted_at.is_(None),
)
_NEWEST = (
    select(PRODUCTS.c.external_id, PRODUCTS.c.title)
    .where(
        PRODUCTS.c.store_id == bindparam("store"), PRODUCTS.c.is_available, PRODUCTS.c.deleted_at.is_(None)
    )
    .order_by(func.length(PRODUCTS.c.external_id).desc(), PRODUCTS.c.external_id.desc())
    .limit(bindparam("most"))
)
_TYPES = select(PRODUCTS.c.external_id, PRODUCTS.c.product_type).where(
    PRODUCTS.c.store_id == bindparam("store"), Among(PRODUCTS.c.external_id, "products")
)
_TOGETHER = select(PAIRS.c.product_external_id, PAIRS.c.other_external_id, PAIRS.c.orders_count).where(
    PAIRS.c.store_id == bindparam("store"),
    Among(PAIRS.c.product_external_id, "products"),
    is_supported(PAIRS.c.orders_count),
)
_ALONE = select(COUNTS.c.product_external_id, COUNTS.c.orders_count).where(
    COUNTS.c.store_id == bindparam("store"), Among(COUNTS.c.product_external_id, "products")
)
