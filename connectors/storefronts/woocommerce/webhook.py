"""A WooCommerce delivery: its signature is checked over the raw bytes, then it says what it is."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from connectors.base import Envelope, InvalidSignature, JsonObject, UnreadablePayload
from connectors.storefronts.woocommerce.payload import (
    entries,
    moment,
    optional_identifier,
    parse_envelope,
    section,
    text,
)

SOURCE = "woocommerce"

_PREFIX = "x-wc-webhook-"
_PING = re.compile(rb"webhook_id=[0-9]{1,20}(&[\x20-\x7e]{0,500})?")
_TOPIC = re.compile(r"[A-Za-z0-9_./\-]{1,120}")
_LONGEST_SHOP = 255
_OWN_LINK = re.compile(rb'"_links":\{"self":\[\{"href":"(http[^"]{1,250}?)\\?/wp-json\\?/')


def verify(headers: Mapping[str, str], body: bytes, *secrets: str) -> Envelope:
    """What a delivery says of itself, once its signature is found right.

    The ping of a new webhook carries no signature and no X-WC header; it is told by `is_ping`, must be
    answered exactly 200. An unreadable body is verified all the same. The
    Delivery-ID is ignored: two deliveries of one second share it.

    Args:
        headers: in any letter case; WooCommerce signs none of them.
        body: the bytes as they arrived.
        secrets: the webhook's, and those that were its own until a moment ago, the likeliest first; an empty
            one verifies nothing.

    Raises:
        InvalidSignature: missing, wrong, or not even ASCII.

    Source: facts of two measured stores, facts 1 and 5 and section 3.
    """
    named = {name.lower(): value for name, value in headers.items()}
    if _is_ping(named, body):
        return Envelope(SOURCE, "ping", "", hashlib.sha256(body).hexdigest(), is_ping=True)
    _check_signature(named.get(_PREFIX + "signature", ""), body, secrets)
    return _envelope(named, body)


def home_in(body: bytes) -> str:
    """The home URL that a body names in its own link, found without reading it as a whole; "" without one.

    Source: facts of two measured stores, section 3: the body is ASCII JSON with escaped slashes.
    """
    found = _OWN_LINK.search(body, max(0, body.rfind(b'"_links"')))
    return found.group(1).replace(b"\\/", b"/").decode("ascii", "replace").lower() if found else ""


def _is_ping(named: Mapping[str, str], body: bytes) -> bool:
    return not any(name.startswith(_PREFIX) for name in named) and _PING.fullmatch(body) is not None


def _check_signature(signature: str, body: bytes, secrets: Sequence[str]) -> None:
    if not any(secrets):
        raise InvalidSignature("no secret is known for this webhook")
    # Compared as bytes: compare_digest refuses text that is not ASCII with a TypeError.
    given = signature.strip().encode("utf-8", "replace")
    if not any(hmac.compare_digest(_signature(secret, body), given) for secret in secrets if secret):
        raise InvalidSignature("the signature does not fit the body")


def _signature(secret: str, body: bytes) -> bytes:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())


def _envelope(named: Mapping[str, str], body: bytes) -> Envelope:
    topic = named.get(_PREFIX + "topic", "")
    topic = topic if _TOPIC.fullmatch(topic) else "unknown"
    shop = named.get(_PREFIX + "source", "")
    try:
        payload = parse_envelope(body)
        subject, modified_at = optional_identifier(payload, "id"), moment(payload, "date_modified_gmt")
        shop = _home_in_body(payload) or shop
    except UnreadablePayload:
        subject, modified_at = None, None
    moment_text = modified_at.isoformat() if modified_at else ""
    return Envelope(
        source=SOURCE,
        topic=topic,
        shop=_as_shop(shop),
        dedupe_key=_dedupe_key(topic, subject or "", moment_text, body),
        subject_external_id=subject,
        triggered_at=modified_at,
    )


def _home_in_body(payload: JsonObject) -> str:
    """The home URL that the signed body names in its own link, which outranks the unsigned header."""
    links = entries(section(payload, "_links"), "self")
    home, found, _ = text(links[0], "href").partition("/wp-json/") if links else ("", "", "")
    return home if found else ""


def _as_shop(url: str) -> str:
    address = url.strip().lower().rstrip("/")
    try:
        has_host = bool(urlsplit(address).hostname)
    except ValueError:
        has_host = False
    return address if has_host and address.isascii() and len(address) <= _LONGEST_SHOP else ""


def _dedupe_key(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()
