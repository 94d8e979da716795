"""Somebody to try a message on: a customer of the store, an example, or one of whom little is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.crypto import Signer
from app.db import table_of
from app.messaging import testimonials, vouchers
from app.messaging.facts import Loaded
from app.messaging.terms import store_url
from app.messaging.values import Goods
from app.models import ConsentState, Customer, Order, OrderLine, Product, Store

ORDERS, LINES, PRODUCTS = table_of(Order), table_of(OrderLine), table_of(Product)
CONSENTS, CUSTOMERS = table_of(ConsentState), table_of(Customer)
_NOBODY = 0
_MADE_UP = "example"
_FEW = 3
_GOOD_FOR = timedelta(days=10)
_EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "it": {"first_name": "Giulia", "last_name": "Rossi", "city": "Torino", "product": "Il tuo prodotto"},
    "en": {"first_name": "Julia", "last_name": "Brown", "city": "Leeds", "product": "Your product"},
}
_AGREED = dict.fromkeys(
    ("email", "sms"), SimpleNamespace(state="subscribed", basis="consent", address=None, occurred_at=None)
)
_CODES = {"it": "ESEMPIO-1234", "en": "EXAMPLE-1234"}


@dataclass(frozen=True, slots=True)
class Slot:
    """A message's place in its flow, and what it may speak of there.

    Attributes:
        step: the step's name (`W1`).
        content: the name of its content (`welcome/W1.welcome_back`).
        roots: the variables it has (`app/messaging/variables.py`).
        voucher: the terms of its code, None where it brings none.
    """

    flow: str
    step: str
    content: str
    purpose: str
    has_sms: bool
    roots: frozenset[str]
    voucher: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Specimen:
    """What a message would be written from, and the row that it would have; nothing of it is kept."""

    loaded: Loaded
    goods: Goods
    values: Mapping[str, object]
    slot: Slot
    context: Mapping[str, Any] = field(default_factory=dict)

    def row(self, channel: str) -> Any:
        """The message's row, of no id and no journey."""
        (customer_id,) = self.loaded.customers
        return SimpleNamespace(
            id=_NOBODY,
            store_id=self.loaded.store.id,
            customer_id=customer_id,
            enrollment_id=_NOBODY,
            flow_key=self.slot.flow,
            step=self.slot.step,
            channel=channel,
            purpose=self.slot.purpose,
            context=self.context,
            expires_at=self.loaded.now + timedelta(days=1),
        )


@dataclass(frozen=True, slots=True)
class Scene:
    """A message that is tried: of which shop, where in its flow, in which language, and when."""

    signer: Signer
    store: Store
    slot: Slot
    language: str
    now: datetime


def made_up(scene: Scene) -> Specimen:
    """Somebody of whom everything is known, and nothing from the shop: a text that fails here is at fault."""
    return _specimen(scene, _example(scene))


def stranger(scene: Scene) -> Specimen:
    """Somebody made up of whom nothing is known but the address."""
    return _specimen(scene, _person(scene.store))


def example(session: Session, scene: Scene) -> Specimen:
    """Somebody made up, with products of the shop."""
    return _specimen(
        scene,
        _example(scene),
        products=_products(session, scene.store, _NOBODY),
        quotes=testimonials.quotes(session, scene.store),
    )


def customer(session: Session, scene: Scene, customer_id: int) -> Specimen:
    """A customer of the store, with their last order; what the message would bring itself is an example."""
    store_id = scene.store.id
    who = select(CUSTOMERS).where(CUSTOMERS.c.store_id == store_id, CUSTOMERS.c.id == customer_id)
    order = _last_order(session, store_id, customer_id)
    return _specimen(
        scene,
        session.execute(who).one(),
        order=order,
        products=_products(session, scene.store, order.id if order is not None else _NOBODY),
        consents=_consents(session, store_id, customer_id),
        quotes=testimonials.quotes(session, scene.store),
    )


def _specimen(
    scene: Scene,
    person: Any,
    *,
    order: Any = None,
    products: Sequence[Any] = (),
    consents: Mapping[str, Any] | None = None,
    quotes: Mapping[str, str] | None = None,
) -> Specimen:
    slot, store = scene.slot, scene.store
    order = order if order is not None else _made_up_order(scene.now)
    products = products or [_made_up_product(scene)]
    agreed: Mapping[str, Any] = _AGREED if consents is None else consents
    loaded = Loaded(
        store=store,
        signer=scene.signer,
        customers={person.id: person},
        consents={(person.id, channel): said for channel, said in agreed.items()},
        suppressed={},
        enrollments={},
        orders={order.external_id: order},
        baskets={_MADE_UP: _made_up_basket(store, products)},
        states={},
        siblings={},
        vouchers=_vouchers(scene, person),
        departures={},
        answered=frozenset(),
        unhappy=frozenset(),
        open_cases=frozenset(),
        wishes={},
        active_flows=frozenset(),
        allows_soft_opt_in=False,
        now=scene.now,
    )
    values = {"review": {"url": store_url(store)}} if "review" in slot.roots else {}
    goods = Goods(
        products={product.external_id: product for product in products},
        quotes=quotes or {},
    )
    return Specimen(loaded, goods, values, slot, _context(slot, order, products))


def _context(slot: Slot, order: Any, products: Sequence[Any]) -> dict[str, Any]:
    """What the message's row would carry, had its flow made it."""
    context: dict[str, Any] = {"content": slot.content}
    if "order" in slot.roots:
        context["order"] = order.external_id
    if "basket" in slot.roots:
        context["checkout"] = _MADE_UP
    elif "products" in slot.roots:
        context["products"] = [{"external_id": product.external_id} for product in products]
    if slot.voucher is not None:
        context["voucher"] = slot.voucher
    return context


def _example(scene: Scene) -> Any:
    told = _EXAMPLES[scene.language]
    names = {name: told[name] for name in ("first_name", "last_name", "city")}
    return _person(scene.store, **names)


def _person(store: Store, **names: str) -> Any:
    known = dict.fromkeys(("first_name", "last_name", "city", "region", "phone", "last_paid_at")) | names
    counts = dict.fromkeys(("orders_count", "earlier_orders", "discounted_count"), 0)
    where = {"country": store.country, "locale": store.locale, "email": "example@example.com"}
    return SimpleNamespace(id=_NOBODY, **known, **counts, **where)


def _consents(session: Session, store_id: int, customer_id: int) -> dict[str, Any]:
    """What the person agreed to, by channel."""
    statement = select(CONSENTS).where(CONSENTS.c.store_id == store_id, CONSENTS.c.customer_id == customer_id)
    return {row.channel: row for row in session.execute(statement)}


def _last_order(session: Session, store_id: int, customer_id: int) -> Any:
    statement = (
        select(ORDERS)
        .where(ORDERS.c.store_id == store_id, ORDERS.c.customer_id == customer_id)
        .order_by(ORDERS.c.placed_at.desc(), ORDERS.c.id.desc())
        .limit(1)
    )
    return session.execute(statement).one_or_none()


def _products(session: Session, store: Store, order_id: int) -> list[Any]:
    """What the order held, else what the store offers."""
    bought = select(LINES.c.product_external_id).where(
        LINES.c.store_id == store.id, LINES.c.order_id == order_id
    )
    offered = select(PRODUCTS).where(PRODUCTS.c.store_id == store.id, PRODUCTS.c.deleted_at.is_(None))
    held = session.execute(offered.where(PRODUCTS.c.external_id.in_(bought)).limit(_FEW)).all()
    newest = offered.where(PRODUCTS.c.is_available).order_by(PRODUCTS.c.id.desc())
    return list(held or session.execute(newest.limit(_FEW)).all())


def _made_up_order(now: datetime) -> Any:
    placed_at = now - timedelta(days=7)
    return SimpleNamespace(id=_NOBODY, external_id=_MADE_UP, number="1042", placed_at=placed_at)


def _made_up_basket(store: Store, products: Sequence[Any]) -> Any:
    lines = [
        {
            "product_external_id": product.external_id,
            "title": product.title,
            "quantity": 1,
            "total_minor": product.price_minor or 0,
        }
        for product in products
    ]
    total = sum(line["total_minor"] for line in lines)
    return SimpleNamespace(
        lines=lines, currency=store.currency, total_minor=total, recovery_url=store_url(store)
    )


def _made_up_product(scene: Scene) -> Any:
    return SimpleNamespace(
        external_id=_MADE_UP,
        title=_EXAMPLES[scene.language]["product"],
        url=store_url(scene.store),
        image_url=None,
        price_minor=1990,
        currency=scene.store.currency,
    )


def _vouchers(scene: Scene, person: Any) -> dict[tuple[int, str], Any]:
    terms = scene.slot.voucher
    if terms is None:
        return {}
    kind, value = vouchers.worth(scene.store, terms, person, scene.now)
    code = SimpleNamespace(
        code=_CODES[scene.language],
        kind=kind,
        value=value,
        minted_at=scene.now,
        redeemed_at=None,
        expires_at=scene.now + _GOOD_FOR,
    )
    return {(_NOBODY, terms["name"]): code}
