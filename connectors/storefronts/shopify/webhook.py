"""A delivery of Shopify: is it signed, and what does it say of itself?

The signature covers the body's bytes alone. Topic, shop, ids and times stand in headers that
anybody who holds a signed body can change, so they are taken as claims and checked where they can be.
Source: shopify.dev, verify deliveries; shopify-app-js lib/webhooks (facts of November 2026, section 2a).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from connectors.base import Envelope, InvalidSignature, UnreadablePayload
from connectors.storefronts.shopify import fields
from connectors.storefronts.shopify.auth import InvalidShop, normalize_shop

SOURCE = "shopify"


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Envelope:
    """What a signed delivery says of itself. A body that is not JSON is an Envelope all the same.

    Args:
        headers: in any case; webhooks (`X-Shopify-…`) and Events (`shopify-…`) alike.
        body: the raw bytes.
        secrets: our client secret, then the previous one while it is rotated.
        now: a claimed moment later than this is cut to it.

    Raises:
        InvalidSignature: not signed by us and Shopify, signed for something else, or a header
            contradicts the body.
    """
    claims = _claims(headers)
    signature = claims.get("hmac-sha256", "")
    if not body or not _is_signed(body, secrets, signature):
        raise InvalidSignature("the delivery is not signed by Shopify")
    if _is_signed_as_other(body):
        raise InvalidSignature("the signature belongs to a query or a session token")
    topic = claims.get("topic", "")
    if not _TOPIC.fullmatch(topic):
        raise InvalidSignature("the delivery names no topic")
    shop = _shop(claims.get("shop-domain", ""))
    if not _is_body_of(shop, body):
        raise InvalidSignature("the delivery names another shop than its body")
    return Envelope(
        source=SOURCE,
        topic=topic,
        shop=shop,
        dedupe_key=_dedupe_key(claims.get("webhook-id", ""), topic, body),
        event_id=_plain(claims.get("event-id", "")),
        subject_external_id=_subject(body),
        signature=int.from_bytes(base64.b64decode(signature)[:8], signed=True),
        triggered_at=_triggered_at(claims.get("triggered-at", ""), now),
    )


def shop_number_in(body: bytes) -> str:
    r"""The number of the shop that a signed body names: `"shop_id": "gid://shopify/Shop/77"`; "" without one.

    Text that somebody wrote cannot pass for the key: JSON writes its quotes as `\"`.
    Source: shopify.dev, webhook payloads of 2026-10.
    """
    found = _SHOP_NUMBER.search(body)
    return found.group(1).decode() if found else ""


_WEBHOOK_PREFIX = "x-shopify-"
_EVENT_PREFIX = "shopify-"
_TOPIC = re.compile(r"[A-Za-z0-9_./-]{1,100}")
_PLAIN_ID = re.compile(r"[\x21-\x7e]{1,100}")
# Bodies of the REST shape begin with their id, a product's with its GID; reading it here spares parsing the
# whole body.
_LEADING_ID = re.compile(
    rb'\s*\{\s*"(?:(?:id|customer_id)"\s*:\s*|admin_graphql_api_id"\s*:\s*"gid:\\?/\\?/shopify\\?/[A-Za-z]+\\?/)'
    rb'([1-9][0-9]{0,18})"?\s*[,}]'
)
_TOKEN = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_SHOP_KEYS = ("shop_domain", "myshopify_domain")
_SHOP_NUMBER = re.compile(rb'"shop_id"\s*:\s*"gid:\\?/\\?/shopify\\?/Shop\\?/([0-9]{1,19})"')


def _claims(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of one family without its prefix; if both are there, the delivery is an Event."""
    told: dict[str, str] = {}
    events: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        if lower.startswith(_WEBHOOK_PREFIX):
            told[lower.removeprefix(_WEBHOOK_PREFIX)] = value
        elif lower.startswith(_EVENT_PREFIX):
            events[lower.removeprefix(_EVENT_PREFIX)] = value
    return events if "topic" in events else told


def _is_signed(body: bytes, secrets: Sequence[str], given: str) -> bool:
    sent = given.encode("utf-8", "surrogatepass")
    expected = [
        base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
        for secret in secrets
        if secret
    ]
    # Each secret is compared, so that time does not tell which one fits.
    fits = [hmac.compare_digest(one, sent) for one in expected]
    return any(fits)


def _is_signed_as_other(body: bytes) -> bool:
    """Whether it is what else Shopify signs with the same secret, and hands to whoever opens the app.

    OAuth queries and proxy calls always carry a timestamp; of a session token the first two parts are signed.
    """
    if body.lstrip().startswith(b"{"):
        return False
    return b"timestamp=" in body or _TOKEN.fullmatch(body.strip()) is not None


def _shop(claimed: str) -> str:
    try:
        return normalize_shop(claimed)
    except InvalidShop:
        raise InvalidSignature("the delivery names no shop") from None


def _is_body_of(shop: str, body: bytes) -> bool:
    if not any(key.encode() in body for key in _SHOP_KEYS):
        return True
    try:
        parsed = fields.parse(body)
    except UnreadablePayload:
        return True
    named = [value for key in _SHOP_KEYS if isinstance(value := parsed.get(key), str)]
    return all(value.strip().lower() == shop for value in named)


def _dedupe_key(webhook_id: str, topic: str, body: bytes) -> str:
    """The webhook's id, the same on every retry; else what was said under which topic."""
    return _plain(webhook_id) or f"sha256:{hashlib.sha256(topic.encode() + bytes(1) + body).hexdigest()}"


def _plain(value: str) -> str | None:
    return value if _PLAIN_ID.fullmatch(value) else None


def _subject(body: bytes) -> str | None:
    match = _LEADING_ID.match(body)
    return match.group(1).decode() if match else None


def _triggered_at(claimed: str, now: datetime) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(claimed)
        return min(parsed.astimezone(UTC), now) if parsed.tzinfo else None
    except (ValueError, OverflowError):
        return None
