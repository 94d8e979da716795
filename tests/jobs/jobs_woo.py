"""A WooCommerce store on a socket of the loopback, and a worker that looks after its webhooks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, Response, request

from app.config import Settings
from app.db import Database
from app.models import Chore, Order, Product, Store
from app.runtime import Runtime
from app.stores import verification
from app.stores.install import Arrival
from connectors.base import StoreIdentity
from connectors.sandbox import woo_api, woo_removals, woo_store
from connectors.sandbox.model import WOO_HOME
from jobs import pulls, webhook_checks
from jobs.kit import Kit
from tests import seeds
from tests.connectors.sandbox.sandbox_fake_world import FakeWorld
from tests.connectors.sandbox.sandbox_woo_store import KEY
from tests.jobs.jobs_seed import kit_of
from tests.jobs.jobs_shopify import listening
from tests.stores.stores_seed import arrive
from tests.stores.stores_wire import FakePlatforms


@dataclass
class Watched:
    """A store whose webhooks were registered at NOW."""

    platforms: FakePlatforms
    runtime: Runtime
    kit: Kit
    store_id: int

    def check(self, at: datetime) -> int:
        """What is due of the checks at a moment; how many stores were checked."""
        return webhook_checks.run(self.kit, at)["webhooks checked"]

    def store(self) -> Store:
        """The store's row as it is now."""
        with self.runtime.database.read() as session:
            return session.get_one(Store, self.store_id)

    def hook(self, topic: str) -> dict[str, Any]:
        """The one webhook of a topic at the shop."""
        [found] = [hook for hook in self.platforms.webhooks if hook["topic"] == topic]
        return found

    def chore(self) -> Chore:
        """The row of the checks."""
        with self.runtime.database.read() as session:
            return session.get_one(Chore, (self.store_id, "webhooks"))

    def remade(self) -> list[tuple[str, str]]:
        """What the merchant is told, the newest first."""
        return [(one["topic"], one["reason"]) for one in self.chore().notes.get("remade", [])]

    def accepted(self, topic: str) -> list[str]:
        """The secrets that a delivery of the topic may be signed with."""
        return verification.woocommerce_secrets(self.runtime, self.store(), topic)


@dataclass
class Bottega:
    """The emulated store, connected, and the worker that mirrors it; its time is its own."""

    world: FakeWorld
    kit: Kit
    store_id: int
    server: Flask
    asked: list[str]
    refuse: Callable[[str], int | None] = lambda _path: None
    """A status that is answered instead, by the path."""
    instead: Callable[[str], Response | None] = lambda _path: None
    """An answer that is given instead, by the path."""

    @property
    def database(self) -> Database:
        """The worker's."""
        return self.kit.runtime.database

    def mirror(self, now: datetime) -> None:
        """Read the whole history."""
        while pulls.run_backfills(self.kit, now)["backfilled"]:
            pass

    def remove(self, resource: str, *numbers: int, is_forced: bool) -> None:
        """The merchant deletes without a webhook."""
        for number in numbers:
            woo_removals.remove(self.world, resource, number, is_forced=is_forced)

    def chore(self, name: str) -> Chore:
        """A chore's row as it is now."""
        with self.database.read() as session:
            return session.get_one(Chore, (self.store_id, name))

    def deleted(self, model: type[Order] | type[Product]) -> set[str]:
        """The external ids that the mirror marks as deleted."""
        return {
            number for number, at in seeds.rows_of(self.database, model, "external_id", "deleted_at") if at
        }


@contextmanager
def running_bottega(settings: Settings, database: Database, world: FakeWorld) -> Iterator[Bottega]:
    """The store of a world, serving, and connected at the world's moment."""
    server = Flask("woocommerce-under-test")
    server.register_blueprint(woo_api.blueprint(world))
    world.remember("woo_key", KEY)
    runtime = Runtime.build(settings.model_copy(update={"allow_private_stores": True}), database)
    with listening(server) as url:
        store = arrive(runtime, _arrival(f"{url}/woo"), world.now)
        found = Bottega(world, kit_of(runtime), store.id, server, [])

        @server.before_request
        def note() -> Any:
            found.asked.append(request.path)
            status = found.refuse(request.path)
            return found.instead(request.path) if status is None else ("<html>", status)

        yield found


def _arrival(url: str) -> Arrival:
    access = {
        "key": KEY["consumer_key"],
        "secret": KEY["consumer_secret"],
        "mode": "oauth-home",
        "signing_url": WOO_HOME,
    }
    identity = StoreIdentity(
        domain=WOO_HOME.partition("://")[2],
        name="Bottega",
        timezone="Europe/Rome",
        currency="USD",
        country="IT",
        locale="it",
        home_url=WOO_HOME,
        store_uid=str(woo_store.ENVIRONMENT["store_id"]),
    )
    return Arrival("woocommerce", url, identity, access)
