"""WooCommerce's webhooks as REST resources; creating one pings its URL before the answer goes out.

Each change is remembered as the webhook's whole new state (kind ``webhook``, key ``external_id``); one
whose status is ``active`` is delivered to. Source: webhooks created, paused and deleted on WooCommerce
10.0 and 10.5 (November 2026): the ping is an unsigned form post, must be answered with exactly 200 and
is waited for 5 seconds at most.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import requests

from connectors.sandbox.forms import gmt_time, local_time, token_of
from connectors.sandbox.model import WorldView
from connectors.sandbox.woo_hookshot import is_success
from connectors.sandbox.woo_orders import links
from connectors.sandbox.woo_rest import Call, Reply, WooError, choice, paged
from connectors.sandbox.woo_traits import traits
from connectors.sandbox.written import Fact, written

PING_SECONDS = 5
MOST_FAILURES = 5
TOPIC = re.compile(
    r"(coupon|customer|order|product)\.(created|updated|deleted|restored)|action\.(woocommerce|wc)_\w+"
)
STATUSES = ("active", "paused", "disabled")
DELETED = "deleted"
HOOKS = {
    "customer.created": ["user_register", "woocommerce_created_customer", "woocommerce_new_customer"],
    "customer.updated": ["profile_update", "woocommerce_update_customer"],
    "customer.deleted": ["delete_user"],
    "order.created": ["woocommerce_new_order"],
    "order.updated": ["woocommerce_update_order", "woocommerce_order_refunded"],
    "order.deleted": ["wp_trash_post", "woocommerce_trash_order"],
    "order.restored": ["untrashed_post", "woocommerce_untrash_order"],
    "product.created": ["woocommerce_process_product_meta", "woocommerce_new_product"],
    "product.updated": [
        "woocommerce_process_product_meta",
        "woocommerce_update_product",
        "woocommerce_update_product_variation",
    ],
}


def ping(world: WorldView, url: str, external_id: int) -> bool:
    """Post the unsigned ping; True for exactly 200."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            response = session.post(
                url,
                data={"webhook_id": external_id},
                headers={"User-Agent": traits(world).hookshot},
                timeout=PING_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException:
            return False
    return response.status_code == 200


def active_webhooks(world: WorldView, topic: str) -> list[Fact]:
    """The webhooks that hear of a topic now."""
    facts = written(world, "webhook", "external_id").latest()
    return [fact for fact in facts if fact["topic"] == topic and fact["status"] == "active"]


def note_attempt(world: WorldView, number: int, status: int, *, beats: bool = False) -> None:
    """Count how a delivery went; the 7th failure in a row disables the webhook, a success forgets them.

    One whose ping was never answered with 200 pings again.

    Args:
        status: HTTP, 0 without an answer.
        beats: note the moment even if nothing else changed, as the shop does.

    Source: failing receivers of WooCommerce 10.0 and 10.5 (November 2026): the counter stops at 6, so that
        one that is made active again is disabled by its next failure.
    """
    fact = written(world, "webhook", "external_id").last_of(number)
    if fact is None or fact["status"] == DELETED:
        return
    failures = int(str(fact.get("failures", 0)))
    changed = dict(fact)
    if is_success(status):
        changed["failures"] = 0
    elif failures > MOST_FAILURES:
        changed["status"] = "disabled"
    else:
        changed["failures"] = failures + 1
    if fact.get("is_pending"):
        changed["is_pending"] = not ping(world, str(fact["url"]), number)
    if beats or changed != {"failures": 0, **fact}:
        world.remember("webhook", {**changed, "changed_at": world.now.isoformat()})


def list_webhooks(call: Call) -> Reply:
    """GET /webhooks, newest first."""
    status = choice(call.arguments, "status", ("all", *STATUSES), "all")
    found = [
        int(str(fact["external_id"]))
        for fact in reversed(written(call.world, "webhook", "external_id").latest())
        if fact["status"] != DELETED and status in ("all", fact["status"])
    ]
    return paged(call, found, lambda number: _body(call.world, _fact(call.world, number)))


def get_webhook(call: Call) -> Reply:
    """GET /webhooks/<id>."""
    return Reply(_body(call.world, _fact(call.world, call.number)))


def create_webhook(call: Call) -> Reply:
    """POST /webhooks: always active, whatever `status` says."""
    fact = _create(call.world, call.sent)
    location = links(call.world, "webhooks", int(str(fact["external_id"])))["self"][0]["href"]
    return Reply(_body(call.world, fact), 201, {"Location": location})


def change_webhook(call: Call) -> Reply:
    """PUT /webhooks/<id>: name, status, topic, URL, secret."""
    return Reply(_body(call.world, _change(call.world, call.number, call.sent)))


def delete_webhook(call: Call) -> Reply:
    """DELETE /webhooks/<id>; it must be forced."""
    if call.arguments.get("force", "").lower() not in {"true", "1"}:
        message = "Webhooks do not support trashing."
        raise WooError("woocommerce_rest_trash_not_supported", message, 501)
    return Reply(_delete(call.world, call.number))


def batch_webhooks(call: Call) -> Reply:
    """POST /webhooks/batch: create, update, delete."""
    creates, updates, deletes = (call.sent.get(name) or [] for name in ("create", "update", "delete"))
    if len(creates) + len(updates) + len(deletes) > 100:
        message = "Unable to accept more than 100 items for this request."
        raise WooError("woocommerce_rest_request_entity_too_large", message, 413)
    body: dict[str, Any] = {}
    if creates:
        body["create"] = [_body(call.world, _create(call.world, item)) for item in creates]
    if updates:
        body["update"] = [_body(call.world, _change(call.world, item["id"], item)) for item in updates]
    if deletes:
        body["delete"] = [_delete(call.world, number) for number in deletes]
    return Reply(body)


def _create(world: WorldView, sent: Mapping[str, Any]) -> Fact:
    topic, url = _checked_topic(sent.get("topic")), _checked_url(sent.get("delivery_url"))
    external_id = world.next_id("webhook")
    now = world.now.isoformat()
    fact = {
        "external_id": external_id,
        "topic": topic,
        "url": url,
        "secret": str(sent.get("secret") or token_of("secret", external_id)),
        "name": str(sent.get("name") or f"Webhook created on {world.now:%b %d, %Y}"),
        "status": "active",
        "is_pending": not ping(world, url, external_id),
        "created_at": now,
        "changed_at": now,
    }
    world.remember("webhook", fact)
    return fact


def _change(world: WorldView, number: int, sent: Mapping[str, Any]) -> Fact:
    fact = dict(_fact(world, number))
    if "status" in sent:
        fact["status"] = choice({"status": str(sent["status"])}, "status", STATUSES, "active")
    if "topic" in sent:
        fact["topic"] = _checked_topic(sent["topic"])
    if "delivery_url" in sent:
        fact["url"] = _checked_url(sent["delivery_url"])
        fact["is_pending"] = not ping(world, str(fact["url"]), number)
    for name in ("name", "secret"):
        if sent.get(name):
            fact[name] = str(sent[name])
    fact["changed_at"] = world.now.isoformat()
    world.remember("webhook", fact)
    return fact


def _delete(world: WorldView, number: int) -> dict[str, Any]:
    fact = _fact(world, number)
    world.remember("webhook", {**fact, "status": DELETED})
    return _body(world, fact)


def _fact(world: WorldView, number: int) -> Fact:
    fact = written(world, "webhook", "external_id").last_of(number)
    if fact is None or fact["status"] == DELETED:
        raise WooError("woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.", 404)
    return fact


def _body(world: WorldView, fact: Fact) -> dict[str, Any]:
    topic = str(fact["topic"])
    resource, _, event = topic.partition(".")
    created = datetime.fromisoformat(str(fact["created_at"]))
    changed = datetime.fromisoformat(str(fact["changed_at"]))
    return {
        "id": fact["external_id"],
        "name": fact["name"],
        "status": fact["status"],
        "topic": topic,
        "resource": resource,
        "event": event,
        "hooks": [event] if resource == "action" else HOOKS.get(topic, []),
        "delivery_url": fact["url"],
        "date_created": local_time(created),
        "date_created_gmt": gmt_time(created),
        "date_modified": local_time(changed),
        "date_modified_gmt": gmt_time(changed),
        "_links": links(world, "webhooks", int(str(fact["external_id"]))),
    }


def _checked_topic(topic: object) -> str:
    if not isinstance(topic, str) or not TOPIC.fullmatch(topic):
        message = "Webhook topic is required and must be valid."
        raise WooError("woocommerce_rest_shop_webhook_invalid_topic", message, 400)
    return topic


def _checked_url(url: object) -> str:
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        message = "Webhook delivery URL must be a valid URL starting with http:// or https://."
        raise WooError("woocommerce_rest_shop_webhook_invalid_delivery_url", message, 400)
    return url
