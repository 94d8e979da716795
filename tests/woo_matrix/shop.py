"""One emulated shop of the matrix, and the connector that is pointed at it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from flask import Flask

from connectors.base import Record
from connectors.sandbox import woo_api, woo_events
from connectors.sandbox.model import WorldView
from connectors.sandbox.woo_traits import Traits, change_traits
from connectors.sandbox.written import written
from connectors.storefronts.woocommerce.api import WooSettings, WooStorefront
from connectors.storefronts.woocommerce.auth import StoreKeys, normalise_store_url
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.probe import ProbeResult, probe
from connectors.storefronts.woocommerce.records import records
from connectors.storefronts.woocommerce.webhook import verify
from connectors.transport import StoreTransport
from tests.connectors.sandbox.sandbox_fake_world import FakeWorld, order, product, shopper, small_world
from tests.woo_matrix.stores import ROLES, WIRES, Kind
from tests.woo_matrix.wire import HOOKS, Got, Line

KEY, SECRET = "ck_" + "a" * 40, "cs_" + "b" * 40
SIGNING = "00ff"
MAPPING = MetaMapping(birthday_key="_billing_birthdate")
TOPICS = (
    "order.created",
    "order.updated",
    "order.deleted",
    "product.updated",
    "product.deleted",
    "coupon.deleted",
    "customer.updated",
    "customer.deleted",
)


@dataclass
class Shop:
    """A shop that was connected, and what it sends."""

    world: FakeWorld
    line: Line
    traits: Traits
    url: str
    found: ProbeResult
    storefront: WooStorefront

    @property
    def hooks(self) -> str:
        """Where webhooks deliver to: the app's own address, which every shop reaches without TLS here."""
        return f"http://{self.line.here}{HOOKS}/7"

    def subscribe(self, *topics: str) -> None:
        """Make the webhooks that are missing."""
        self.storefront.subscribe({topic: f"{self.hooks}/{topic}" for topic in topics}, SIGNING)

    def deliver(self) -> list[Got]:
        """Let WooCommerce work off its queue; what arrived, pings apart."""
        woo_events.run_queue(self.world)
        return [got for got in self.line.receiver.take() if "X-Wc-Webhook-Topic" in got.headers]

    def read(self, got: Got) -> list[Record]:
        """What a delivery tells, once its signature was found right."""
        envelope = verify(got.headers, got.body, SIGNING)
        return records(envelope.topic, got.body, MAPPING, envelope.triggered_at)

    def is_hook_active(self, topic: str) -> bool:
        """Whether the store still sends a topic."""
        [state] = {one.state for one in self.storefront.subscriptions() if one.topic == topic}
        return state == "active"

    def failures(self, topic: str) -> object:
        """How many deliveries of a topic failed in a row, as the store counts."""
        facts = written(self.world, "webhook", "external_id").latest()
        return next(fact.get("failures", 0) for fact in reversed(facts) if fact["topic"] == topic)

    def become(self, **changes: str) -> None:
        """Change the store while it serves."""
        change_traits(self.world, changes)


@contextmanager
def opened(kind: Kind, line: Line) -> Iterator[Shop]:
    """Emulate a kind of store and connect it as a merchant would.

    Raises:
        ConnectorError: it cannot be connected; the words are the merchant's.
    """
    world = _world()
    traits = kind.traits(line.here, line.other)
    change_traits(world, asdict(traits))
    revive_key(world, ROLES[kind.role].permissions)
    line.shop = _served(world, traits)
    line.receiver.status, line.receiver.known = 200, lambda: _hook_ids(world)
    line.receiver.take()
    transport = StoreTransport(allow_private=True)
    if WIRES[kind.wire].is_trusted:
        transport._session.verify = str(line.certificate)
    try:
        yield _connect(kind, line, world, transport)
    finally:
        transport.close()


def _connect(kind: Kind, line: Line, world: FakeWorld, transport: StoreTransport) -> Shop:
    url = normalise_store_url(kind.typed(line.here))
    found = probe(url, KEY, SECRET, transport=transport, now=datetime.now(UTC))
    keys = StoreKeys(url, found.home_url, KEY, SECRET, found.auth_mode)
    settings = WooSettings(keys, MAPPING, "Europe/Rome", f"http://{line.here}{HOOKS}")
    storefront = WooStorefront(settings, transport)
    return Shop(world, line, kind.traits(line.here, line.other), url, found, storefront)


def revive_key(world: WorldView, permissions: str = "read_write", *, is_revoked: bool = False) -> None:
    """Give the store our key, or revoke it."""
    key = {"key_id": 1, "consumer_key": KEY, "consumer_secret": SECRET, "permissions": permissions}
    world.remember("woo_key", {**key, "is_revoked": is_revoked})


def _world() -> FakeWorld:
    world = small_world()
    world.shoppers[7] = shopper(7, "woocommerce", is_guest=True)
    for number in range(1003, 1007):
        world.add_order(order(number, 7 if number == 1005 else 1, "woocommerce"))
    for number in (603, 604):
        world.products[number] = product(number, "woocommerce")
    return world


def _served(world: FakeWorld, traits: Traits) -> Flask:
    folder = traits.home.split("/", 3)[3:]
    server = Flask("woocommerce-of-the-matrix", static_folder=None)
    server.register_blueprint(woo_api.blueprint(world, prefix=f"/{folder[0]}" if folder else ""))
    return server


def _hook_ids(world: FakeWorld) -> frozenset[int]:
    return frozenset(int(str(fact["external_id"])) for fact in world.remembered("webhook"))
