"""Shops as they stand after their handshake, and deliveries signed for them."""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from app.models import Store
from app.runtime import Runtime
from app.stores import install, verification
from app.stores.install import Arrival
from connectors.base import StoreIdentity
from tests.webhooks.webhooks_process import CLIENT_SECRET, Headers

FIXTURES = Path(__file__).parents[1] / "fixtures"
# Before the oldest delivery of the fixtures, so that none of them is older than the shop.
INSTALLED_AT = datetime(2026, 11, 1, tzinfo=UTC)
NUMBER_IN_FIXTURES = "548380009"
"""Of the shop that Shopify's orders and checkouts name."""
_numbers = count(1)


@dataclass(frozen=True)
class Delivery:
    """A request as the platform would send it."""

    path: str
    headers: Headers
    body: bytes


def connect_woocommerce(runtime: Runtime, url: str = "http://127.0.0.1:9") -> Store:
    """A fresh WooCommerce shop; nobody listens at its address unless one is given."""
    access = {"key": "ck_1", "secret": "cs_2", "mode": "oauth-home", "signing_url": url}
    return _arrive(
        runtime, Arrival("woocommerce", url, _identity(f"bottega{next(_numbers)}.example"), access)
    )


def connect_shopify(runtime: Runtime, number: str = NUMBER_IN_FIXTURES) -> Store:
    """A fresh Shopify shop of the operator's app, by default the one whose bodies the fixtures are."""
    domain = f"aurora-{next(_numbers)}.myshopify.com"
    access = {"access_token": "shpat_1", "is_lasting": True}
    return _arrive(runtime, Arrival("shopify", f"https://{domain}", _identity(domain, number), access))


def woo_delivery(
    runtime: Runtime, store: Store, topic: str, body: bytes, *, secret: str | None = None, **more: str
) -> Delivery:
    """A delivery of WooCommerce, signed with the topic's own secret if no other is given."""
    key = secret if secret is not None else verification.woocommerce_secret(runtime, store, topic)
    headers = {
        "Content-Type": "application/json",
        "X-WC-Webhook-Source": "http://127.0.0.1:8088/",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Signature": signature(key, body),
        "X-WC-Webhook-ID": "98",
        "X-WC-Webhook-Delivery-ID": "e980b439e566ed4934bdf75c62707a5f",
        **more,
    }
    return Delivery(woo_path(store), list(headers.items()), body)


def shopify_delivery(
    domain: str, topic: str, body: bytes, *, webhook_id: str, secret: str = CLIENT_SECRET
) -> Delivery:
    """A delivery of Shopify, signed by the app's secret."""
    headers = {
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": signature(secret, body),
        "X-Shopify-Shop-Domain": domain,
        "X-Shopify-API-Version": "2026-10",
        "X-Shopify-Webhook-Id": webhook_id,
        "X-Shopify-Triggered-At": "2026-11-02T08:59:01.154Z",
    }
    return Delivery("/webhooks/shopify", list(headers.items()), body)


def woo_fixture(runtime: Runtime, store: Store, captured: Mapping[str, Any]) -> Delivery:
    """A captured delivery, byte for byte, sent to this store.

    Only the signature is made anew: a store's webhooks get secrets of ours, one for each topic.
    """
    request = captured["request"]
    body: bytes = request["body"].encode()
    own = {"host", "connection", "content-length", "x-wc-webhook-signature"}
    headers = [(name, value) for name, value in request["headers"] if name.lower() not in own]
    topics = [value for name, value in headers if name.lower() == "x-wc-webhook-topic"]
    if topics:
        secret = verification.woocommerce_secret(runtime, store, topics[0])
        headers.append(("X-WC-Webhook-Signature", signature(secret, body)))
    return Delivery(woo_path(store), headers, body)


def woo_fixtures(*prefixes: str) -> list[dict[str, Any]]:
    """The captured deliveries of these series, in the order of their arrival."""
    names = (
        name for prefix in prefixes for name in sorted((FIXTURES / "woocommerce").glob(f"{prefix}_*.json"))
    )
    return [json.loads(name.read_text()) for name in names]


def shopify_body(topic: str) -> bytes:
    """A whole body of Shopify's."""
    return (FIXTURES / "shopify" / f"{topic}.json").read_bytes()


def woo_path(store: Store) -> str:
    """Where a WooCommerce store delivers."""
    return f"/webhooks/woocommerce/{store.id}/{store.webhook_path}"


def signature(secret: str, body: bytes) -> str:
    """What both platforms put into their header."""
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def _arrive(runtime: Runtime, arrival: Arrival) -> Store:
    with runtime.database.write() as session:
        return install.complete(session, runtime.vault, arrival, INSTALLED_AT)


def _identity(domain: str, number: str = "") -> StoreIdentity:
    return StoreIdentity(
        domain=domain,
        name="The shop",
        timezone="Europe/Rome",
        currency="EUR",
        country="IT",
        locale="it",
        home_url=f"https://{domain}",
        store_uid=number,
    )


def new_order_of(store: Store, webhook_id: str) -> Delivery:
    """What Shopify sends of a new order."""
    body = shopify_body("orders/create")
    return shopify_delivery(store.domain, "orders/create", body, webhook_id=webhook_id)
