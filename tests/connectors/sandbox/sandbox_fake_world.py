"""A small world of literals that satisfies `WorldView`, for the tests of the emulated APIs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from connectors.sandbox.model import (
    SHOPIFY,
    WOOCOMMERCE,
    Birth,
    Checkout,
    Line,
    Order,
    Product,
    Shopper,
    Voucher,
)

NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
PLACED = datetime(2026, 5, 4, 16, 30, tzinfo=UTC)


def shopper(household: int, platform: str, **changes: object) -> Shopper:
    """Lucia, who consented when she registered and has a birthday with its year."""
    lucia = Shopper(
        household=household,
        platform=platform,
        email=f"lucia.rossi{household}@example.com",
        phone="+393470000001",
        first_name="Lucia",
        last_name="Rossi",
        locale="it",
        country="IT",
        region="TO",
        city="Torino",
        postcode="10121",
        address="Via Roma 1",
        birth=Birth(11, 22, 1988),
        registered_at=PLACED - timedelta(days=30, hours=household),
        is_preregistered=False,
        is_guest=False,
        email_consent_at=PLACED - timedelta(days=29),
        email_consent_level="confirmed",
        consent_at_checkout=False,
        sms_consent_at=None,
        withdrawn_at=None,
        tracking_consent_at=None,
    )
    return replace(lucia, **changes)  # type: ignore[arg-type]


def product(product_id: int, platform: str, **changes: object) -> Product:
    """A product of 4.00."""
    plain = Product(
        product_id=product_id,
        platform=platform,
        title=f"Espresso blend {product_id}",
        department="Grocery",
        category="COFFEE",
        brand="National",
        price_minor=400,
        created_at=PLACED - timedelta(days=100),
        cross_sell_ids=(),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def order(basket: int, household: int, platform: str, **changes: object) -> Order:
    """Two lines, 12.00 after a coupon of 1.00; paid, fulfilled, delivered; nothing given back."""
    placed = changes.pop("placed_at", PLACED)
    assert isinstance(placed, datetime)
    plain = Order(
        basket=basket,
        household=household,
        platform=platform,
        placed_at=placed,
        paid_at=placed + timedelta(minutes=1),
        fulfilled_at=placed + timedelta(hours=20),
        delivered_at=placed + timedelta(days=3) if platform == SHOPIFY else None,
        cancelled_at=None,
        refunded_at=None,
        refunded_lines=(),
        refunded_minor=0,
        total_minor=1200,
        discount_minor=100,
        lines=(
            Line(basket * 1000, 501, 3, 900, 100),
            Line(basket * 1000 + 1, 502, 1, 300, 0),
        ),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def checkout(number: int, household: int, platform: str, **changes: object) -> Checkout:
    """Three of one product for 9.00, taken to the till a day ago and left there."""
    plain = Checkout(
        number=number,
        basket=household * 1000,
        household=household,
        platform=platform,
        token=f"token{number}",
        started_at=NOW - timedelta(hours=23),
        completed_at=None,
        total_minor=900,
        lines=(Line(number * 1000, 501, 3, 900, 0),),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@dataclass(eq=False)
class FakeWorld:
    """Everything in dicts; listings are sorted at each call."""

    now: datetime = NOW
    orders: dict[int, Order] = field(default_factory=dict)
    shoppers: dict[int, Shopper] = field(default_factory=dict)
    products: dict[int, Product] = field(default_factory=dict)
    checkouts: dict[int, Checkout] = field(default_factory=dict)
    vouchers: list[Voucher] = field(default_factory=list)
    codes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    kept: dict[str, list[Mapping[str, object]]] = field(default_factory=dict)
    reads: list[tuple[str, str, tuple[int, ...], datetime | None]] = field(default_factory=list)
    last_id: int = 100

    def add_order(self, added: Order) -> None:
        """Put an order into the world."""
        self.orders[added.basket] = added

    def merge(self, kept: int, merged: int) -> None:
        """One customer becomes part of another: the orders are the kept one's, the other is gone."""
        for found in list(self.orders.values()):
            if found.household == merged:
                self.orders[found.basket] = replace(found, household=kept)
        del self.shoppers[merged]
        self.remember("merge", {"kept": kept, "merged": merged, "deletion": "never"})

    def order(self, basket: int) -> Order | None:
        """One order that exists by now."""
        found = self.orders.get(basket)
        return found if found and found.placed_at <= self.now else None

    def shopper(self, household: int) -> Shopper | None:
        """One person."""
        found = self.shoppers.get(household)
        return found if found and found.registered_at <= self.now else None

    def product(self, product_id: int) -> Product | None:
        """One product."""
        return self.products.get(product_id)

    def order_ids(self, platform: str, *, updated_from: datetime | None, by_id: bool) -> Sequence[int]:
        """Ids of the orders visible now."""
        changed = {
            found.basket: found.updated_at(self.now)
            for found in self.orders.values()
            if found.platform == platform and found.placed_at <= self.now
        }
        return _listed(changed, updated_from, by_id)

    def customer_ids(self, platform: str, *, updated_from: datetime | None, by_id: bool) -> Sequence[int]:
        """Ids of the registered shoppers visible now."""
        changed = {
            found.household: self.customer_updated_at(found)
            for found in self.shoppers.values()
            if found.platform == platform and not found.is_guest and found.registered_at <= self.now
        }
        return _listed(changed, updated_from, by_id)

    def product_ids(self, platform: str, *, updated_from: datetime | None, by_id: bool) -> Sequence[int]:
        """Ids of the products visible now."""
        changed = {
            found.product_id: found.created_at
            for found in self.products.values()
            if found.platform == platform
        }
        return _listed(changed, updated_from, by_id)

    def checkout(self, number: int) -> Checkout | None:
        """One checkout that was begun by now."""
        found = self.checkouts.get(number)
        return found if found and found.started_at <= self.now else None

    def checkout_ids(self, platform: str, *, updated_from: datetime | None, by_id: bool) -> Sequence[int]:
        """The numbers of the checkouts begun by now."""
        changed = {
            found.number: found.updated_at(self.now)
            for found in self.checkouts.values()
            if found.platform == platform and found.started_at <= self.now
        }
        return _listed(changed, updated_from, by_id)

    def customer_updated_at(self, shopper: Shopper) -> datetime:
        """When the person last changed."""
        moments = (shopper.registered_at, shopper.email_consent_at, shopper.withdrawn_at)
        return max(moment for moment in moments if moment is not None and moment <= self.now)

    def redeemed_codes(self, basket: int) -> tuple[str, ...]:
        """The voucher codes that the order carries."""
        return self.codes.get(basket, ())

    def orders_count(self, household: int) -> int:
        """How many orders the person has."""
        return sum(found.household == household for found in self.orders.values())

    def voucher(self, platform: str, code: str) -> Voucher | None:
        """A code by its text."""
        for voucher in self.vouchers:
            if voucher.platform == platform and voucher.code.lower() == code.lower():
                return voucher
        return None

    def mint(self, voucher: Voucher) -> Voucher:
        """Keep a new code."""
        minted = replace(voucher, external_id=voucher.external_id or self.next_id("voucher"))
        self.vouchers.append(minted)
        return minted

    def next_id(self, kind: str) -> int:
        """A fresh id."""
        self.last_id += 1
        return self.last_id

    def remember(self, kind: str, value: Mapping[str, object]) -> None:
        """Keep a fact."""
        self.kept.setdefault(kind, []).append(value)

    def remembered(self, kind: str) -> Sequence[Mapping[str, object]]:
        """The facts of a kind."""
        return self.kept.get(kind, [])

    def log_read(
        self, platform: str, resource: str, ids: Sequence[int], updated_from: datetime | None
    ) -> None:
        """Note a read."""
        self.reads.append((platform, resource, tuple(ids), updated_from))


def small_world() -> FakeWorld:
    """Three customers and a guest in each shop's numbering, two products, three orders each."""
    world = FakeWorld()
    for platform, first in ((SHOPIFY, 2), (WOOCOMMERCE, 1)):
        for household in (first, first + 2, first + 4):
            world.shoppers[household] = shopper(household, platform)
        for number in range(3):
            placed = PLACED + timedelta(days=number)
            world.add_order(order(first * 1000 + number, first + 2 * number, platform, placed_at=placed))
    for product_id in (501, 502):
        world.products[product_id] = product(product_id, SHOPIFY)
    world.products[601] = product(601, WOOCOMMERCE, cross_sell_ids=(602,))
    world.products[602] = product(602, WOOCOMMERCE)
    return world


def _listed(changed: Mapping[int, datetime], updated_from: datetime | None, by_id: bool) -> list[int]:
    ids = [number for number, moment in changed.items() if updated_from is None or moment >= updated_from]
    return sorted(ids) if by_id else sorted(ids, key=lambda number: (changed[number], number))
