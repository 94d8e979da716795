"""A shop on the emulated Shopify, on a socket of the loopback, and a worker that reads its history."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import waitress
from flask import Flask, request
from sqlalchemy import Row, RowMapping, Table, select
from sqlalchemy.orm import Session

from app.cli.running import running
from app.config import Settings
from app.db import Database, table_of
from app.models import (
    Backfill,
    Consent,
    Customer,
    CustomerEvent,
    Fulfillment,
    Order,
    OrderLine,
    Product,
    ProductVariant,
    Refund,
)
from app.runtime import Runtime
from app.stores import install
from app.stores.install import Arrival
from connectors.base import StoreIdentity
from connectors.channels.local import LocalChannel
from connectors.sandbox.model import SHOPIFY, SHOPIFY_SHOP, Line
from connectors.sandbox.shopify_api import AppRegistration, blueprint
from connectors.storefronts.shopify.admin import Admin
from connectors.transport import StoreTransport
from jobs import lookups, pulls
from jobs.kit import Kit
from tests.connectors.sandbox.sandbox_fake_world import PLACED, FakeWorld, order, product, shopper

BACKFILLS = table_of(Backfill)
MIRRORED = (Customer, Consent, Order, OrderLine, Refund, Fulfillment, Product, ProductVariant, CustomerEvent)
SHOP_PATH = f"/shopify/{SHOPIFY_SHOP}"
INSTALLED_AT = datetime(2026, 5, 20, 12, tzinfo=UTC)


def grown_world(orders: int = 40, *, first_id: int = 6_000_000_000_000_000_000) -> FakeWorld:
    """Ten customers with ids of nineteen digits, two products, orders of many lines, some given back."""
    world = FakeWorld()
    for number in range(10):
        email = f"lucia.rossi{number}@example.com"
        world.shoppers[first_id + number] = replace(
            shopper(number, SHOPIFY), household=first_id + number, email=email
        )
    for product_id in (501, 502):
        world.products[product_id] = product(product_id, SHOPIFY)
    for number in range(orders):
        basket = first_id // 10 + number
        lines = tuple(
            Line(basket * 10 + place, 501 + place % 2, 1, 100, 0) for place in range(1 + number % 15)
        )
        placed = PLACED + timedelta(hours=number % 300)
        refunded = (
            {"refunded_at": placed + timedelta(hours=2), "refunded_minor": 100} if number % 4 == 0 else {}
        )
        world.add_order(
            replace(
                order(basket, first_id + number % 10, SHOPIFY, placed_at=placed, **refunded),
                lines=lines,
                total_minor=100 * len(lines),
                refunded_lines=(lines[0].line_id,) if refunded else (),
            )
        )
    return world


@dataclass
class Shop:
    """The emulated shop: its world, how its API goes, and what it was asked for."""

    world: FakeWorld
    app: AppRegistration
    url: str
    server: Flask
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Path, and the range of a file or the name of an operation."""
    on_call: Callable[[str], Any] = lambda _name: None
    """What happens before an operation, by its name: an answer instead of its own, or None."""

    def calls(self) -> list[str]:
        """The operations that were asked for, in order."""
        return [name for path, name in self.asked if path.endswith("/graphql.json")]

    def files_asked_for(self) -> list[str]:
        """The ranges with which files were fetched, in order; "" for a whole one."""
        return [range_ for path, range_ in self.asked if "/storage/" in path]

    def pages_asked_for(self) -> int:
        """How many pages of orders were asked for."""
        return [name for _, name in self.asked].count("Orders")

    def token(self) -> str:
        """A lasting token, as a merchant's own app has it."""
        client = self.server.test_client()
        query = {"client_id": "app-id", "redirect_uri": "http://app.test/back", "state": "s"}
        location = client.get(f"{SHOP_PATH}/admin/oauth/authorize", query_string=query).headers["Location"]
        sent = {"client_id": "app-id", "client_secret": "app-secret"}
        code = parse_qs(urlsplit(location).query)["code"][0]
        answer: Any = client.post(f"{SHOP_PATH}/admin/oauth/access_token", json={**sent, "code": code}).json
        return str(answer["access_token"])

    def admin(self) -> Admin:
        """Its Admin API, as the connector calls it."""
        return Admin(self.url + SHOP_PATH, self.token(), StoreTransport(allow_private=True))


@contextmanager
def running_shop(world: FakeWorld, **values: Any) -> Iterator[Shop]:
    """The shop of a world, serving."""
    app = AppRegistration("app-id", "app-secret", "http://app.test", **values)
    server = Flask("shopify-under-test")
    server.register_blueprint(blueprint(world, app))
    shop = Shop(world, app, "", server)

    @server.before_request
    def note() -> Any:
        named = re.search(r"(?:query|mutation) (\w+)", request.get_data(as_text=True))
        shop.asked.append((request.path, named.group(1) if named else request.headers.get("Range", "")))
        return shop.on_call(named.group(1)) if named else None

    with listening(server) as shop.url:
        yield shop


@contextmanager
def listening(server: Flask) -> Iterator[str]:
    """An app on a socket of the loopback: its address."""
    listening = waitress.create_server(server, host="127.0.0.1", port=0, threads=4)
    with running(listening):
        yield f"http://127.0.0.1:{listening.effective_port}"


@dataclass
class Reader:
    """A worker over one database with the shop connected; its time is its own."""

    kit: Kit
    store_id: int
    now: datetime = INSTALLED_AT

    @property
    def database(self) -> Database:
        """The worker's."""
        return self.kit.runtime.database

    def step(self) -> int:
        """One round of whatever backfill is due; how many records came."""
        return pulls.run_backfills(self.kit, self.now)["backfilled"]

    def finish(self, most_rounds: int = 200) -> None:
        """Go on until all of the history is there; waiting takes no real time."""
        for _ in range(most_rounds):
            self.step()
            waiting = [row.next_at for row in self.rows().values() if row.finished_at is None]
            if not waiting:
                lookups.run(self.kit, self.now)
                return
            self.now = max(self.now, min(waiting))
        raise AssertionError({name: (row.cursor, row.error) for name, row in self.rows().items()})

    def rows(self) -> dict[str, Row[Any]]:
        """The backfills as they stand."""
        with self.database.read() as session:
            found = session.execute(select(BACKFILLS).where(BACKFILLS.c.store_id == self.store_id))
            return {row.resource: row for row in found}

    def mirror(self) -> Mapping[str, list[tuple[str, ...]]]:
        """What was mirrored, without our own ids, sorted."""
        return {model.__tablename__: _content(self.database, table_of(model)) for model in MIRRORED}


def connect(settings: Settings, database: Database, shop: Shop) -> Reader:
    """Install the shop in an empty database."""
    values = {"shopify_admin_url": f"{shop.url}/shopify/{{shop}}", "allow_private_stores": True}
    runtime = Runtime.build(settings.model_copy(update=values), database)
    identity = StoreIdentity(
        SHOPIFY_SHOP, "Aurora", "Europe/Rome", "USD", "IT", "it", "https://aurora.example"
    )
    access = {"access_token": shop.token(), "is_lasting": True}
    arrival = Arrival("shopify", shop.url, identity, access, scopes=tuple(shop.app.scopes.split(",")))
    with database.write() as session:
        store = install.complete(session, runtime.vault, arrival, INSTALLED_AT)
        return Reader(Kit.build(runtime, LocalChannel(None)), store.id)


def _content(database: Database, table: Table) -> list[tuple[str, ...]]:
    """A table's rows as texts, our own ids replaced by what they stand for."""
    with database.read() as session:
        names = {
            "customer_id": _named(session, table_of(Customer), "identity"),
            "order_id": _named(session, table_of(Order), "external_id"),
            "product_id": _named(session, table_of(Product), "external_id"),
        }
        return sorted(_texts(row._mapping, names) for row in session.execute(select(table)))


def _named(session: Session, table: Table, name: str) -> dict[int, str]:
    return {row[0]: row[1] for row in session.execute(select(table.c.id, table.c[name]))}


def _texts(row: RowMapping, names: Mapping[str, Mapping[int, str]]) -> tuple[str, ...]:
    return tuple(
        str(names[column].get(value)) if column in names else _text(row, column)
        for column, value in row.items()
        if column not in _OURS
    )


def _text(row: RowMapping, column: str) -> str:
    value = str(row[column])
    if column in {"subject", "source_key"} and "type" in row and not row["type"].startswith("order."):
        return value.replace(f":{row['customer_id']}", ":customer", 1)
    return value


# Ids of our own and the moments at which something came here, which differ from run to run.
_OURS = {"id", "recorded_at", "created_at", "platform_orders_at", "details"}
