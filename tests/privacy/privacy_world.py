"""A shop on Shopify seen from outside: signed deliveries, ticks, a provider, a browser, and one person."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Row, delete, select
from werkzeug.test import Client, TestResponse

from app import consent
from app.consent import NewConsent
from app.db import Database, table_of
from app.doors import Site
from app.models import Customer, Message, StoreWrite
from app.runtime import Runtime
from connectors.channels.local import LocalChannel
from jobs.kit import Kit
from jobs.tick import tick
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post
from tests.sites import site_over

FIXTURES = Path(__file__).parents[1] / "fixtures" / "shopify"
DOMAIN = "ritorno-test.myshopify.com"
SECRET = "hush-hush"
CUSTOMER, ORDER = "7064055069300084", "6820982911946154508"
EMAIL, PHONE = "zq.kanarie+7@vogelhaus.example", "+393479998877"
FIRST, LAST, STREET = "Kanarivögli", "Zwitschermann", "Käfiggässchen 77"
CANARIES = (EMAIL, PHONE, FIRST, LAST, STREET)
_WORDS = {
    "zoe@example.com": EMAIL,
    "ada@example.com": EMAIL,
    "+12025550143": PHONE,
    "Zoë": FIRST,
    "Conti": LAST,
    "Via Roma 1": STREET,
    "191167": CUSTOMER,
    "299938": ORDER,
    "ritorno-test.myshopify.com": DOMAIN,
}
CUSTOMERS, MESSAGES = table_of(Customer), table_of(Message)
BROWSER = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0 Safari/537.36"}


def payload(topic: str, **changes: Any) -> dict[str, Any]:
    """Shopify's own body of a topic, about our person, with some fields changed."""
    text = (FIXTURES / f"{topic}.json").read_text()
    for word, ours in _WORDS.items():
        text = text.replace(word, ours)
    body: dict[str, Any] = json.loads(text)
    return body | changes


@dataclass
class World:
    """A connected shop with the welcome flow on since two months."""

    runtime: Runtime
    site: Site
    store_id: int
    post: Post = field(default_factory=Post)
    domain: str = DOMAIN
    _count: int = 0

    @property
    def database(self) -> Database:
        """Where its rows are."""
        return self.runtime.database

    @property
    def client(self) -> Client:
        """A program at the front door."""
        return Client(self.site.application, TestResponse)

    def hear(self, topic: str, **changes: Any) -> None:
        """A delivery as Shopify makes it: signed, and kept when it is answered."""
        body = json.dumps(payload(topic, **changes), ensure_ascii=False).encode()
        self.receive(topic, body)

    def receive(self, topic: str, body: bytes) -> None:
        """The same with any body."""
        self._count += 1
        mac = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
        headers = {
            "X-Shopify-Topic": topic,
            "X-Shopify-Shop-Domain": self.domain,
            "X-Shopify-Hmac-Sha256": mac,
            "X-Shopify-Webhook-Id": f"delivery-{self._count}",
            "X-Shopify-Triggered-At": NOW.isoformat(),
        }
        assert self.client.post("/webhooks/shopify", data=body, headers=headers).status_code == 200

    def tick(self, later: timedelta = timedelta(0)) -> None:
        """Do what is due, until nothing is."""
        tick(Kit.build(self.runtime, self.post), NOW + later, until_idle=True)

    def subscribe(self, at: datetime = NOW) -> None:
        """The person becomes known and agrees to mails."""
        self.hear("customers/create")
        consent = payload("customers_email_marketing_consent/update")["email_marketing_consent"]
        said = {"email_marketing_consent": consent | {"consent_updated_at": at.isoformat()}}
        self.hear("customers_email_marketing_consent/update", **said)

    def say(self, channel: str, state: str, address: str | None = None) -> None:
        """The person speaks of a channel, now."""
        said = NewConsent(
            self.store_id, self.customer().id, channel, state, None, NOW, "test", address=address
        )
        with self.database.write() as session:
            consent.record(session, [said], NOW)

    def write(self, **values: Any) -> int:
        """A mail to the person that is due now; its id."""
        with self.database.write() as session:
            return seeds.add_message(session, self.store_id, self.customer().id, **values).id

    def customer(self) -> Row[Any]:
        """The one customer of the shop."""
        with self.database.read() as session:
            mine = select(CUSTOMERS).where(CUSTOMERS.c.store_id == self.store_id)
            return session.execute(mine).one()

    def messages(self, *names: str) -> list[tuple[Any, ...]]:
        """Columns of the shop's messages."""
        return seeds.rows_of(self.database, Message, *names)


@contextmanager
def world(runtime: Runtime, domain: str = DOMAIN, **settings: str) -> Iterator[World]:
    """Open the shop; its door is closed afterwards."""
    store_id = seeds.new_store(
        runtime.database,
        domain.partition(".")[0],
        platform="shopify",
        domain=domain,
        url=f"https://{domain}",
        subscriptions=[{"topic": "orders/paid"}],
        settings=settings,
    )
    with runtime.database.write() as session:
        # The first mail wants a code of the shop, which nobody plays here.
        seeds.publish(session, store_id, "welcome", without_step="W1")
    seeds.switch_on(runtime.database, store_id, "welcome", "review", since=NOW - timedelta(days=60))
    with runtime.database.write() as session:
        # Nor does anybody here hear of flows that are switched on.
        session.execute(delete(StoreWrite).where(StoreWrite.store_id == store_id))
    site = site_over(runtime)
    try:
        yield World(runtime, site, store_id, domain=domain)
    finally:
        site.close()


def quiet_kit(runtime: Runtime) -> Kit:
    """A worker whose messages go nowhere."""
    return Kit.build(runtime, LocalChannel(None))
