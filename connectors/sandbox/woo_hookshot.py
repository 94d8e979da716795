"""One delivery of a WooCommerce webhook: the headers, the signature, the id that is none.

Source: deliveries captured from WooCommerce 10.0 and 10.5 (November 2026).
"""

from base64 import b64encode
from hashlib import md5
from hmac import digest

from connectors.sandbox.wire import Request, Target
from connectors.sandbox.woo_traits import Traits


def write_delivery(store: Traits, target: Target, topic: str, *, second: int, body: bytes) -> Request:
    """The signed request; its delivery id is the same for all that a webhook sends within a second."""
    resource, event = topic.split(".")
    delivery_id = md5(f"{target.webhook_id}{second}".encode(), usedforsecurity=False).hexdigest()
    signature = b64encode(digest(target.secret.encode(), body, "sha256")).decode()
    headers = {
        "User-Agent": store.hookshot,
        "Accept": "*/*",
        "Accept-Encoding": "deflate, gzip, br, zstd",
        "Content-Type": "application/json",
        "X-WC-Webhook-Source": f"{store.home}/",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Resource": resource,
        "X-WC-Webhook-Event": event,
        "X-WC-Webhook-Signature": signature,
        "X-WC-Webhook-ID": str(target.webhook_id),
        "X-WC-Webhook-Delivery-ID": delivery_id,
    }
    return Request("POST", target.url, headers, body)


def is_success(status: int) -> bool:
    """Whether WooCommerce is content: 200 to 302, although it follows no redirect."""
    return 200 <= status <= 302
