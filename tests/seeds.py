"""Rows of a shop that the tests of the core start from; every value can be given, the rest is ordinary."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Base, Database, table_of
from app.flows import switch
from app.inbox import BODIES, EVENTS, OF_EVENT
from app.models import (
    Checkout,
    Customer,
    Enrollment,
    Flow,
    FlowVersion,
    Message,
    Order,
    Product,
    Store,
    Timer,
)
from jobs.equipment import EQUIPMENT
from tests.conftest import NOW

SETTINGS = {
    "sender.email": "ciao@bottega.example",
    "sender.name": "Bottega Aurora",
    "sender.postal_address": "via Garibaldi 12, 10122 Torino",
    "rails.holdout_percent": "0",
}
"""A sender that may send, and nobody held out."""

_numbers = count(1)


def add_store(session: Session, word: str = "bottega", **values: Any) -> Store:
    """A connected shop in Rome, installed 90 days ago, every flow there and off, no chore planned."""
    settings: Mapping[str, str] = values.pop("settings", {})
    fields: dict[str, Any] = {
        "platform": "woocommerce",
        "domain": f"{word}.example",
        "url": f"https://{word}.example",
        "name": f"{word} shop",
        "state": "connected",
        "timezone": "Europe/Rome",
        "currency": "EUR",
        "country": "IT",
        "locale": "it",
        "credentials": "",
        "installed_at": NOW - timedelta(days=90),
        "settings": {**SETTINGS, **settings},
        "equipped_with": EQUIPMENT,
    }
    store = Store(**(fields | values))
    session.add(store)
    session.flush()
    switch.ensure_flows(session, store.id, NOW - timedelta(days=90))
    return store


def new_store(database: Database, word: str = "bottega", **values: Any) -> int:
    """The same in a transaction of its own; its id."""
    with database.write() as session:
        return add_store(session, word, **values).id


def switch_on(database: Database, store_id: int, *keys: str, since: datetime) -> None:
    """Switch flows on as of a moment."""
    with database.write() as session:
        for key in keys:
            switch.activate(session, store_id, key, since)


def add_customer(session: Session, store_id: int, name: str = "", **values: Any) -> Customer:
    """A registered customer in Italy, known for 60 days; `name` is the external id."""
    name = name or f"c{next(_numbers)}"
    fields: dict[str, Any] = {
        "identity": f"id:{name}",
        "external_id": name,
        "email": f"{name}@example.com",
        "country": "IT",
        "tags": [],
        "created_at": NOW - timedelta(days=60),
    }
    customer = Customer(store_id=store_id, **(fields | values))
    session.add(customer)
    session.flush()
    return customer


def add_order(
    session: Session, store_id: int, customer_id: int | None, name: str = "", **values: Any
) -> Order:
    """A paid order of 100 euros, placed now."""
    name = name or str(next(_numbers))
    placed_at = values.get("placed_at", NOW)
    fields: dict[str, Any] = {
        "external_id": name,
        "number": f"#{name}",
        "customer_id": customer_id,
        "status": "open",
        "financial_status": "paid",
        "fulfillment_status": "unfulfilled",
        "currency": "EUR",
        "total_minor": 10_000,
        "is_counted": True,
        "placed_at": placed_at,
        "paid_at": placed_at,
        "source_updated_at": placed_at,
    }
    order = Order(store_id=store_id, **(fields | values))
    session.add(order)
    session.flush()
    return order


def add_checkout(
    session: Session, store_id: int, customer_id: int | None, name: str = "", **values: Any
) -> Checkout:
    """Two mokas for 25 euros, taken to the till two hours ago and left there an hour later."""
    name = name or str(next(_numbers))
    fields: dict[str, Any] = {
        "external_id": name,
        "token": f"token-{name}",
        "customer_id": customer_id,
        "currency": "EUR",
        "total_minor": 2500,
        "lines": [
            {
                "product_external_id": "P1",
                "variant_external_id": "V1",
                "title": "Moka",
                "quantity": 2,
                "total_minor": 2500,
            }
        ],
        "recovery_url": f"https://bottega.example/recover/{name}",
        "started_at": NOW - timedelta(hours=2),
        "source_updated_at": NOW - timedelta(hours=1),
    }
    checkout = Checkout(store_id=store_id, **(fields | values))
    session.add(checkout)
    session.flush()
    return checkout


def add_product(session: Session, store_id: int, external_id: str, **values: Any) -> Product:
    """A product that can be bought."""
    fields: dict[str, Any] = {
        "external_id": external_id,
        "title": f"Product {external_id}",
        "handle": external_id,
        "product_type": "",
        "vendor": "",
        "status": "active",
        "is_available": True,
        "url": f"https://bottega.example/p/{external_id}",
        "price_minor": 1000,
        "currency": "EUR",
        "source_updated_at": NOW,
    }
    product = Product(store_id=store_id, **(fields | values))
    session.add(product)
    session.flush()
    return product


def add_enrollment(session: Session, store_id: int, customer_id: int, **values: Any) -> Enrollment:
    """A running welcome journey, entered now, standing at its first wait."""
    flow_key = values.get("flow_key", "welcome")
    flow = session.execute(select(Flow).where(Flow.store_id == store_id, Flow.key == flow_key)).scalar_one()
    fields: dict[str, Any] = {
        "flow_key": flow_key,
        "version_id": flow.version_id,
        "occurrence": "consent",
        "subject": "consent:email",
        "state": "active",
        "step": "to-W2",
        "entered_at": NOW,
        "context": {"entry": "consent", "anchors": {}},
    }
    enrollment = Enrollment(store_id=store_id, customer_id=customer_id, **(fields | values))
    session.add(enrollment)
    session.flush()
    return enrollment


def add_message(session: Session, store_id: int, customer_id: int, **values: Any) -> Message:
    """A queued marketing mail (W2 of the welcome flow), due now and worth sending for two days."""
    due_at = values.get("due_at", NOW)
    fields: dict[str, Any] = {
        "key": f"welcome:W2:{customer_id}:{next(_numbers)}",
        "flow_key": "welcome",
        "step": "W2",
        "channel": "email",
        "purpose": "marketing",
        "priority": 3,
        "status": "queued",
        "due_at": due_at,
        "expires_at": due_at + timedelta(hours=48),
        "next_at": due_at,
        "created_at": due_at,
        "context": {"content": "welcome/W2", "only_if": []},
    }
    message = Message(store_id=store_id, customer_id=customer_id, **(fields | values))
    session.add(message)
    session.flush()
    return message


def rows_of(database: Database, model: type[Base], *names: str) -> list[tuple[Any, ...]]:
    """The rows of a table as tuples of the columns named (all if none), in the order of their keys."""
    table = table_of(model)
    columns = [table.c[name] for name in names] or list(table.c)
    with database.read() as session:
        found = session.execute(select(*columns).order_by(*table.primary_key.columns))
        return [tuple(row) for row in found]


def bodies_of(database: Database, *names: str) -> list[tuple[Any, ...]]:
    """The deliveries in their order: the columns named, then the body, or None where it is kept no more."""
    columns = [EVENTS.c[name] for name in names]
    statement = select(*columns, BODIES.c.body).outerjoin_from(EVENTS, BODIES, OF_EVENT).order_by(EVENTS.c.id)
    with database.read() as session:
        return [tuple(row) for row in session.execute(statement)]


def values_of(database: Database, model: type[Base], name: str) -> list[Any]:
    """One column of a table, in the order of its keys."""
    return [value for (value,) in rows_of(database, model, name)]


def waits_of(database: Database, *names: str) -> list[tuple[Any, ...]]:
    """What waits for a moment, as tuples of the timers' columns, but for the states, which any news touch."""
    named = names or ("kind", "subject_id", "due_at")
    return [row[1:] for row in rows_of(database, Timer, "kind", *named) if row[0] != "state"]


def only(rows: Sequence[Any]) -> Any:
    """The one item of a sequence that has exactly one."""
    (item,) = rows
    return item


def publish(session: Session, store_id: int, key: str, *, without_step: str) -> int:
    """Publish the next version of a flow, with one step taken out; the version's id."""
    flow = session.execute(select(Flow).where(Flow.store_id == store_id, Flow.key == key)).scalar_one()
    current = session.get_one(FlowVersion, flow.version_id)
    definition = deepcopy(current.definition)
    for entry in definition["entries"]:
        entry["steps"] = [step for step in entry["steps"] if step["id"] != without_step]
    version = FlowVersion(
        store_id=store_id, flow_key=key, number=current.number + 1, definition=definition, created_at=NOW
    )
    session.add(version)
    session.flush()
    flow.version_id = version.id
    session.flush()
    return version.id
