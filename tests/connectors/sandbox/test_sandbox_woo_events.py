"""The queue of the emulated WooCommerce: what waits is told once, by webhooks that are active."""

import json
from typing import Any

import pytest

from connectors.sandbox import woo_acts, woo_events
from connectors.sandbox.wire import Request
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.records import records
from connectors.storefronts.woocommerce.topics import STATEMENTS
from connectors.storefronts.woocommerce.webhook import verify
from tests.connectors.sandbox.sandbox_woo_store import Store

SECRET = "00ff"


@pytest.fixture
def store() -> Store:
    return Store()


def listen(store: Store, number: int, topic: str, status: str = "active") -> None:
    hook = {"external_id": number, "topic": topic, "url": "https://app.example.test/hook", "secret": SECRET}
    now = store.world.now.isoformat()
    store.world.remember(
        "webhook", {**hook, "name": topic, "status": status, "created_at": now, "changed_at": now}
    )


def run(store: Store, status: int = 200) -> list[Request]:
    sent: list[Request] = []

    def send(request: Request) -> int:
        sent.append(request)
        return status

    woo_events.run_queue(store.world, send)
    return sent


def test_three_changes_that_wait_become_one_delivery(store: Store) -> None:
    listen(store, 1, "order.updated")
    for _ in range(3):
        woo_acts.change(store.world, "orders", 1000)

    first, again = run(store), run(store)

    assert [json.loads(request.body)["id"] for request in first] == [1000]
    assert again == []


@pytest.mark.parametrize("status", ["paused", "disabled", "deleted"])
def test_only_active_webhooks_hear(store: Store, status: str) -> None:
    listen(store, 1, "order.updated", status)
    listen(store, 2, "order.updated")
    woo_acts.change(store.world, "orders", 1000)

    assert [request.headers["X-WC-Webhook-ID"] for request in run(store)] == ["2"]


def test_a_trashing_by_the_api_is_told_and_a_deletion_for_good_is_not(store: Store) -> None:
    listen(store, 1, "order.deleted")

    store.call("DELETE", "/orders/1000", {"force": "true"})
    store.call("DELETE", "/orders/1001")

    assert [json.loads(request.body) for request in run(store)] == [{"id": 1001}]


def test_an_action_of_our_plugin_is_delivered_as_it_is(store: Store) -> None:
    said: dict[str, Any] = {
        "email": "anna@example.com",
        "occurred_at": "2026-05-20T11:59:00Z",
        "consents": [{"channel": "email", "state": "subscribed", "wording": "Offers by e-mail."}],
    }
    listen(store, 1, STATEMENTS)
    woo_events.fire_action(store.world, "wc_ritorno_consent", said)

    [request] = run(store)

    envelope = verify(request.headers, request.body, SECRET)
    assert envelope.topic == STATEMENTS
    assert len(records(envelope.topic, request.body, MetaMapping(), None)) == 2


def test_one_that_is_made_active_again_is_disabled_by_its_next_failure(store: Store) -> None:
    listen(store, 1, "order.updated")
    for _ in range(7):
        woo_acts.change(store.world, "orders", 1000)
        run(store, 500)
    disabled = store.get("/webhooks/1")["status"]
    store.call("PUT", "/webhooks/1", sent={"status": "active"})
    woo_acts.change(store.world, "orders", 1000)
    run(store, 500)

    assert (disabled, store.get("/webhooks/1")["status"]) == ("disabled", "disabled")
