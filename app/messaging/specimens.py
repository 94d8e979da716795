"""Somebody to try a message on: a customer of the store, an example, or one of whom little is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.crypto import Signer
from app.db import table_of
from app.messaging import vouchers
from app.messaging.facts import Loaded
from app.messaging.letters import Goods
from app.models import ConsentState, Customer, Order, OrderLine, Product, Store

ORDERS, LINES, PRODUCTS = table_of(Order), table_of(OrderLine), table_of(Product)
CONSENTS, CUSTOMERS = table_of(ConsentState), table_of(Customer)
_NOBODY = 0
_FEW = 3
_GOOD_FOR = timedelta(days=10)
_EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "it": {"first_name": "Giulia", "last_name": "Rossi", "city": "Torino", "product": "Il tuo prodotto"},
    "en": {"first_name": "Julia", "last_name": "Brown", "city": "Leeds", "product": "Your product"},
}
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


def example(
    session: Session, signer: Signer, store: Store, *, slot: Slot, language: str, now: datetime
) -> Specimen:
    """Somebody made up, of whom everything is known."""
    told = _EXAMPLES[language]
    person = _person(store, first_name=told["first_name"], last_name=told["last_name"], city=told["city"])
    return _specimen(session, signer, store, person=person, slot=slot, language=language, now=now)


def stranger(
    session: Session, signer: Signer, store: Store, *, slot: Slot, language: str, now: datetime
) -> Specimen:
    """Somebody of whom nothing is known but the address."""
    return _specimen(session, signer, store, person=_person(store), slot=slot, language=language, now=now)


def customer(
    session: Session, signer: Signer, store: Store, *, known: Any, slot: Slot, language: str, now: datetime
) -> Specimen:
    """A customer of the store, with their last order; what the message would bring itself is an example."""
    row = session.execute(
        select(CUSTOMERS).where(CUSTOMERS.c.store_id == store.id, CUSTOMERS.c.id == known)
    ).one()
    return _specimen(session, signer, store, person=row, slot=slot, language=language, now=now)


def _specimen(
    session: Session, signer: Signer, store: Store, *, person: Any, slot: Slot, language: str, now: datetime
) -> Specimen:
    order = _last_order(session, store.id, person.id) or _made_up_order(now)
    products = _products(session, store, order, language)
    context: dict[str, Any] = {"content": slot.content}
    if "order" in slot.roots:
        context["order"] = order.external_id
    if "products" in slot.roots:
        context["products"] = [{"external_id": product.external_id} for product in products]
    if slot.voucher is not None:
        context["voucher"] = slot.voucher
    loaded = Loaded(
        store=store,
        signer=signer,
        customers={person.id: person},
        consents=_consents(session, store.id, person.id),
        suppressed={},
        enrollments={},
        orders={order.external_id: order},
        siblings={},
        vouchers=_vouchers(store, slot, person=person, language=language, now=now),
        departures={},
        answered=frozenset(),
        wishes={},
        active_flows=frozenset(),
        allows_soft_opt_in=False,
        now=now,
    )
    values = {"review": {"url": store.url}} if "review" in slot.roots else {}
    goods = Goods({product.external_id: product for product in products})
    return Specimen(loaded, goods, values, slot, context)


def _person(store: Store, **names: str) -> Any:
    known = dict.fromkeys(("first_name", "last_name", "city", "region", "phone", "last_paid_at")) | names
    counts = dict.fromkeys(("orders_count", "earlier_orders", "discounted_count"), 0)
    where = {"country": store.country, "locale": store.locale, "email": "example@example.com"}
    return SimpleNamespace(id=_NOBODY, **known, **counts, **where)


def _consents(session: Session, store_id: int, customer_id: int) -> dict[tuple[int, str], Any]:
    """What the person agreed to; who is made up agreed to mails and texts, and not to be measured."""
    if customer_id == _NOBODY:
        agreed = SimpleNamespace(state="subscribed", basis="consent")
        return {(_NOBODY, channel): agreed for channel in ("email", "sms")}
    statement = select(CONSENTS).where(CONSENTS.c.store_id == store_id, CONSENTS.c.customer_id == customer_id)
    return {(customer_id, row.channel): row for row in session.execute(statement)}


def _last_order(session: Session, store_id: int, customer_id: int) -> Any:
    statement = (
        select(ORDERS)
        .where(ORDERS.c.store_id == store_id, ORDERS.c.customer_id == customer_id)
        .order_by(ORDERS.c.placed_at.desc(), ORDERS.c.id.desc())
        .limit(1)
    )
    return session.execute(statement).one_or_none()


def _made_up_order(now: datetime) -> Any:
    return SimpleNamespace(
        id=_NOBODY, external_id="example", number="1042", placed_at=now - timedelta(days=7)
    )


def _products(session: Session, store: Store, order: Any, language: str) -> list[Any]:
    """What the order held, else what the store offers, else a product that is made up."""
    bought = select(LINES.c.product_external_id).where(
        LINES.c.store_id == store.id, LINES.c.order_id == order.id
    )
    offered = select(PRODUCTS).where(PRODUCTS.c.store_id == store.id, PRODUCTS.c.deleted_at.is_(None))
    for statement in (
        offered.where(PRODUCTS.c.external_id.in_(bought)),
        offered.where(PRODUCTS.c.is_available).order_by(PRODUCTS.c.id.desc()),
    ):
        found = list(session.execute(statement.limit(_FEW)).all())
        if found:
            return found
    title = _EXAMPLES[language]["product"]
    price = {"price_minor": 1990, "currency": store.currency}
    return [SimpleNamespace(external_id="example", title=title, url=store.url, image_url=None, **price)]


def _vouchers(
    store: Store, slot: Slot, *, person: Any, language: str, now: datetime
) -> dict[tuple[int, str], Any]:
    if slot.voucher is None:
        return {}
    kind, value = vouchers.worth(store, slot.voucher, person, now)
    code = SimpleNamespace(
        code=_CODES[language], kind=kind, value=value, minted_at=now, expires_at=now + _GOOD_FOR
    )
    return {(_NOBODY, slot.voucher["name"]): code}
