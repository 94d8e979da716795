"""WooCommerce's queue of webhooks: one delivery per webhook and thing, built when it goes out, sent once.

What waits is remembered (kind ``woo_event``) until a run of the queue (kind ``woo_run``) has tried it.

Source: deliveries of WooCommerce 10.0 and 10.5 (November 2026): a failed one is never tried again; the body
is the REST answer of the moment of delivery for the webhook's owner, even where that is an error.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import requests

from connectors.sandbox import woo_removals, woo_webhooks
from connectors.sandbox.model import WorldView
from connectors.sandbox.wire import Request, Target
from connectors.sandbox.woo_coupons import coupon_body
from connectors.sandbox.woo_hookshot import write_delivery
from connectors.sandbox.woo_payloads import encode, webhook
from connectors.sandbox.woo_rest import WooError
from connectors.sandbox.woo_traits import SUBSCRIBER, traits
from connectors.sandbox.written import Fact, written

EVENT, RUN = "woo_event", "woo_run"
TIMEOUT_SECONDS = 60
Send = Callable[[Request], int]
_INVALID_IDS = {
    "customer": ("wc_user_invalid_id", "Invalid user ID."),
    "order": ("woocommerce_rest_shop_order_invalid_id", "Invalid ID."),
    "product": ("woocommerce_rest_product_invalid_id", "Invalid ID."),
}


def fire(world: WorldView, topic: str, number: int) -> None:
    """Queue what a topic's webhooks hear of a thing; what waits already will show the newest state."""
    _queue(world, topic, {"number": number})


def fire_action(world: WorldView, hook: str, argument: Mapping[str, object]) -> None:
    """Queue what the webhooks of a WordPress action hear: its name, and its first argument as it is now."""
    _queue(world, f"action.{hook}", {"argument": argument})


def post(request: Request) -> int:
    """Send a delivery without following a redirect; the status, 0 without an answer."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.post(
                request.url,
                data=request.body,
                headers=dict(request.headers),
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException:
            return 0
    return answer.status_code


def run_queue(world: WorldView, send: Send = post) -> int:
    """Try everything that waits, once; how many deliveries went out."""
    waiting = _waiting(world)
    if not waiting:
        return 0
    world.remember(RUN, {"done": len(world.remembered(EVENT))})
    return sum(_deliver(world, event, send) for event in waiting)


def _queue(world: WorldView, topic: str, about: Fact) -> None:
    waiting = _waiting(world)
    for hook in woo_webhooks.active_webhooks(world, topic):
        event = {"webhook": hook["external_id"], "topic": topic, **about}
        if event not in waiting:
            world.remember(EVENT, event)


def _waiting(world: WorldView) -> Sequence[Fact]:
    runs = world.remembered(RUN)
    done = int(str(runs[-1]["done"])) if runs else 0
    return list(world.remembered(EVENT)[done:])


def _deliver(world: WorldView, event: Fact, send: Send) -> bool:
    hook = written(world, "webhook", "external_id").last_of(event["webhook"])
    if hook is None or hook["status"] != "active":
        return False
    topic, webhook_id = str(event["topic"]), int(str(hook["external_id"]))
    target = Target(str(hook["url"]), str(hook["secret"]), webhook_id)
    if "argument" in event:
        body = encode({"action": topic.partition(".")[2], "arg": event["argument"]})
    else:
        body = encode(_body(world, topic, int(str(event["number"]))))
    second = int(world.now.timestamp())
    status = send(write_delivery(traits(world), target, topic, second=second, body=body))
    woo_webhooks.note_attempt(world, webhook_id, status, beats=True)
    return True


def _body(world: WorldView, topic: str, number: int) -> dict[str, Any]:
    resource, _, event = topic.partition(".")
    if event == "deleted":
        return {"id": number}
    if traits(world).role == SUBSCRIBER:
        message = "Sorry, you cannot view this resource."
        return WooError("woocommerce_rest_cannot_view", message, 403).body()
    try:
        if resource == "coupon":
            return coupon_body(world, number)
        return _shown(world, topic, number)
    except WooError as error:
        return error.body()


def _shown(world: WorldView, topic: str, number: int) -> dict[str, Any]:
    resource, now = topic.partition(".")[0], world.now
    if not woo_removals.is_removed(world, f"{resource}s", number, woo_removals.GONE):
        try:
            body = webhook(topic, world, number, now)
        except KeyError:
            pass
        else:
            return woo_removals.as_it_lies(world, f"{resource}s", number, body)
    raise WooError(*_INVALID_IDS[resource], 404)
