"""A planned delivery as the signed requests that the platform would send."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from hmac import digest as hmac_digest
from typing import Any, Protocol

import msgspec

from connectors.sandbox import woo_hookshot
from connectors.sandbox.model import SHOPIFY, SHOPIFY_SHOP, WOOCOMMERCE, WorldView
from connectors.sandbox.moments import aware, rfc3339
from connectors.sandbox.plan import Planned
from connectors.sandbox.shopify_oauth import TOKEN
from connectors.sandbox.wire import Request, Target
from connectors.sandbox.woo_hookshot import write_delivery
from connectors.sandbox.woo_traits import traits
from connectors.sandbox.world import World

API_VERSION = "2026-10"
WEBHOOK = "webhook"
_SHOPIFY_AGENT = "Shopify-Captain-Hook"
_STOLEN_SECRET = "not-the-secret"
_FORGED_ID_OFFSET = 10**15
_FORGED_TOTAL = "4999.00"
_TOTAL_KEYS = ("total", "total_price", "current_total_price", "subtotal_price")
_encode_ascii = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

Builder = Callable[[str, WorldView, int, datetime], Mapping[str, Any]]


class App(Protocol):
    """What Shopify knows of the app."""

    client_id: str
    client_secret: str
    ritorno_url: str


class Subscriptions:
    """Who listens. A subscription hears only of facts later than itself."""

    def __init__(self, world: World, app: App) -> None:
        self._world = world
        self._app = app
        self._seen = 0
        self._by_topic: dict[str, list[tuple[int, Target]]] = {}

    def targets(self, planned: Planned) -> list[Target]:
        """The targets of a delivery: one while installed at Shopify, one per live webhook at WooCommerce."""
        if planned.platform == SHOPIFY:
            if self._is_installed(planned.at):
                return [Target(f"{self._app.ritorno_url}/webhooks/shopify", self._app.client_secret, 0)]
            return []
        return [target for since, target in self._webhooks(planned.topic) if since < planned.at]

    def _is_installed(self, at: int) -> bool:
        # Not the page at which installing ended: an app that died before it was shown has its token.
        given = self._world.memory.remembered_at(TOKEN)
        return any(since < at for since, _ in given[:1])

    def _webhooks(self, topic: str) -> list[tuple[int, Target]]:
        kept = self._world.memory.remembered_at(WEBHOOK)
        if len(kept) != self._seen:
            self._by_topic = _live_by_topic(kept)
            self._seen = len(kept)
        return self._by_topic.get(topic, [])


def write_requests(
    planned: Planned, targets: list[Target], world: WorldView, builders: Mapping[str, Builder]
) -> list[Request]:
    """All requests of one delivery: one per target, twice when it is planned as a duplicate."""
    payload = builders[planned.platform](planned.topic, world, planned.subject_id, aware(planned.built_at))
    if planned.is_forged:
        payload = _tempt(payload)
    body = _BODIES[planned.platform](payload)
    write = _WRITERS[planned.platform]
    requests = [write(planned, target, body, world) for target in targets]
    return requests * 2 if planned.is_duplicate else requests


def is_success(platform: str, status: int) -> bool:
    """Whether the platform takes the status for a success.

    Source: Shopify, "only 2xx counts".
    """
    return 200 <= status < 300 if platform == SHOPIFY else woo_hookshot.is_success(status)


def _live_by_topic(kept: Sequence[tuple[int, Mapping[str, object]]]) -> dict[str, list[tuple[int, Target]]]:
    """The webhooks by topic, each as its newest fact shows it and since its oldest one."""
    latest: dict[object, tuple[int, Mapping[str, object]]] = {}
    for at, value in kept:
        since = latest[value["external_id"]][0] if value["external_id"] in latest else at
        latest[value["external_id"]] = (since, value)
    by_topic: dict[str, list[tuple[int, Target]]] = {}
    for since, value in latest.values():
        if value.get("status", "active") == "active":
            target = Target(str(value["url"]), str(value["secret"]), int(str(value["external_id"])))
            by_topic.setdefault(str(value["topic"]), []).append((since, target))
    return by_topic


def _tempt(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload as a forger would send it: a large order that does not exist."""
    tempting = dict(payload)
    tempting["id"] = int(payload["id"]) + _FORGED_ID_OFFSET
    return tempting | {key: _FORGED_TOTAL for key in _TOTAL_KEYS if key in payload}


def _shopify_body(payload: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(payload)


def _woo_body(payload: Mapping[str, Any]) -> bytes:
    """PHP's json_encode: ASCII, with escaped slashes."""
    body = msgspec.json.encode(payload)
    if not body.isascii():
        body = _encode_ascii(payload).encode()
    return body.replace(b"/", b"\\/")


def _shopify_request(planned: Planned, target: Target, body: bytes, _world: WorldView) -> Request:
    key = planned.key
    event = sha256(f"event:{planned.subject_id}:{planned.at}".encode()).hexdigest()
    headers = {
        "User-Agent": _SHOPIFY_AGENT,
        "Content-Type": "application/json",
        "X-Shopify-Topic": planned.topic,
        "X-Shopify-Hmac-Sha256": _sign(planned, target, body),
        "X-Shopify-Shop-Domain": SHOPIFY_SHOP,
        "X-Shopify-API-Version": API_VERSION,
        "X-Shopify-Webhook-Id": _uuid(key),
        "X-Shopify-Event-Id": _uuid(event),
        "X-Shopify-Triggered-At": f"{rfc3339(planned.at)[:-1]}.000000000Z",
    }
    return Request("POST", target.url, headers, body)


def _woo_request(planned: Planned, target: Target, body: bytes, world: WorldView) -> Request:
    signing = target._replace(secret=_STOLEN_SECRET) if planned.is_forged else target
    return write_delivery(traits(world), signing, planned.topic, second=planned.due, body=body)


def _sign(planned: Planned, target: Target, body: bytes) -> str:
    secret = _STOLEN_SECRET if planned.is_forged else target.secret
    return b64encode(hmac_digest(secret.encode(), body, "sha256")).decode()


def _uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"


_BODIES: Mapping[str, Callable[[Mapping[str, Any]], bytes]] = {SHOPIFY: _shopify_body, WOOCOMMERCE: _woo_body}
_WRITERS: Mapping[str, Callable[[Planned, Target, bytes, WorldView], Request]] = {
    SHOPIFY: _shopify_request,
    WOOCOMMERCE: _woo_request,
}
