"""Old deliveries that are replayed, by their key or a new one: nobody enters a flow, nothing leaves."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import Client

from app import clock, retention
from app.config import Settings
from app.db import Database
from app.flows import switch
from app.models import Consent, CustomerEvent, Enrollment, Message, Store
from app.runtime import Runtime
from app.stores import settings as shown
from app.wsgi import create_site
from jobs import flows, inbox, outbox
from jobs.kit import Kit
from tests import seeds
from tests.conftest import NOW
from tests.flows.flows_world import World
from tests.messaging.outbox_seed import Post
from tests.webhooks.webhooks_process import CLIENT_SECRET
from tests.webhooks.webhooks_shops import INSTALLED_AT, connect_shopify, shopify_body, shopify_delivery

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TOPICS = (
    "customers_email_marketing_consent/update",
    "orders/create",
    "orders/paid",
    "fulfillment_events/create",
)
TODAY = (("2026-10-02T", "2026-11-02T"), ("2026-09-21T", "2026-11-02T"))
"""The bodies' own days, and the day that they are moved to."""
KEPT = (Consent, CustomerEvent, Enrollment, Message)
THANKS: dict[str, Any] = {
    "key": "review",
    "entries": [
        {
            "id": "paid",
            "events": ["order.paid"],
            "occurrence": "{subject}",
            "steps": [
                {
                    "kind": "message",
                    "id": "M1",
                    "purpose": "service",
                    "priority": 3,
                    "ttl_hours": 9_000,
                    "content": "review/M1",
                }
            ],
        }
    ],
}
"""A flow that says thanks for an order at once, and for so long that no replay comes too late for it."""


@dataclass(frozen=True)
class Shop:
    """A shop whose flows are on, its provider, and the one way in."""

    runtime: Runtime
    store: Store
    client: Client
    post: Post

    def told(self, at: datetime, sort: str) -> None:
        """All deliveries come at a moment, and the worker does all that is due."""
        kit = Kit.build(self.runtime, self.post)
        with clock.frozen_at(at):
            for topic in TOPICS:
                body = shopify_body(topic).decode()
                for day, today in TODAY:
                    body = body.replace(day, today)
                found = shopify_delivery(
                    self.store.domain, topic, body.encode(), webhook_id=f"{sort}-{topic}"
                )
                answer = self.client.post(found.path, headers=found.headers, data=found.body)
                assert answer.status_code == 200
            inbox.run(kit, at)
            flows.run(kit, at)
            outbox.run(kit, at)

    def forget(self, now: datetime) -> None:
        """What is no longer needed by then goes, keys of deliveries after 90 days."""
        with self.runtime.database.write() as session:
            while retention.purge_once(session, self.store.id, now)[1]:
                pass

    def kept(self) -> list[Any]:
        """The consents, entries of timelines, journeys and messages."""
        return [seeds.rows_of(self.runtime.database, model, "id") for model in KEPT]


@pytest.fixture
def shop(settings: Settings, database: Database) -> Iterator[Shop]:
    """The shop."""
    told = {"shopify_client_secret": CLIENT_SECRET, "allow_private_stores": True}
    runtime = Runtime.build(Settings.model_validate(settings.model_dump() | told), database)
    store = connect_shopify(runtime)
    with database.write() as session:
        shown.write(session, session.get_one(Store, store.id), seeds.SETTINGS, vault=runtime.vault)
        switch.ensure_flows(session, store.id, INSTALLED_AT)
    World(database, store.id).publish(THANKS)
    site = create_site(runtime)
    yield Shop(runtime, store, Client(site.application), Post())
    site.close()


def test_what_is_replayed_enrolls_nobody_and_sends_nothing(shop: Shop) -> None:
    shop.told(NOW, "first")
    before, sent = shop.kept(), list(shop.post.sent_ids)

    for later in (HOUR, DAY, 31 * DAY, 100 * DAY):
        shop.forget(NOW + later)
        shop.told(NOW + later, "first")
        shop.told(NOW + later, f"replayed-{later}")

    assert [len(rows) for rows in before] == [1, 6, 1, 1]
    assert len(sent) == 1
    assert shop.kept() == before
    assert shop.post.sent_ids == sent
