"""Everything of ours that reads what a stranger may have written, each as one function of bytes.

`test_attacks_parsers.py` runs them over the corpus and over harmed fixtures, `fuzz_parsers.py` (`make fuzz`)
over what atheris makes up. Nothing may leave a parser but its answer or its own refusal.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from connectors import exact_json
from connectors.base import InvalidSignature, UnreadablePayload
from connectors.channels.sendgrid import events as sendgrid
from connectors.channels.sendgrid.signature import SIGNATURE, TIMESTAMP
from connectors.channels.twilio import events as twilio
from connectors.storefronts.shopify import records as shopify
from connectors.storefronts.shopify import session_token
from connectors.storefronts.shopify import webhook as shopify_webhook
from connectors.storefronts.shopify.auth import InvalidShop, normalize_shop, verify_query
from connectors.storefronts.woocommerce import records as woocommerce
from connectors.storefronts.woocommerce import webhook as woo_webhook
from connectors.storefronts.woocommerce.meta import MetaMapping
from tests.webhooks.webhooks_providers import public_key, signing_key
from tests.webhooks.webhooks_shops import signature

FIXTURES = Path(__file__).parents[1] / "fixtures"
CORPUS = Path(__file__).parent / "corpus.txt"
"""What atheris found its way with, short ones alone: base64, a line each."""
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
SECRET = "the secret of the app"
KEY = signing_key(4711)
_MAPPING = MetaMapping(email_consent_key="newsletter", birthday_key="_billing_birthdate", currency="EUR")
_OF_A_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")
_FORM = {
    "MessageSid": "SM1",
    "MessageStatus": "delivered",
    "From": "+393331234567",
    "Body": "STOP",
}


@dataclass(frozen=True)
class Parser:
    """A function of bytes, what it may be refused with, and bytes that it takes."""

    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]

    def survives(self, given: bytes) -> bool:
        """True if it answers or refuses; whatever else it raises goes on."""
        try:
            self.read(given)
        except self.refusals:
            return True
        return True


def parsers() -> dict[str, Parser]:
    """All of them by name."""
    return dict(_all())


def _all() -> Iterable[tuple[str, Parser]]:
    for path in sorted((FIXTURES / "shopify").glob("*/*.json")):
        topic = f"{path.parent.name}/{path.stem}"
        read = partial(_shopify, topic)
        yield f"shopify {topic}", Parser(read, (UnreadablePayload,), (path.read_bytes(),))
    for topic, bodies in _woo_bodies().items():
        yield f"woocommerce {topic}", Parser(partial(_woo, topic), (UnreadablePayload,), bodies)
    told = json.loads((FIXTURES / "sendgrid" / "events.json").read_text())["events"]
    posts = tuple(json.dumps([event]).encode() for event in told)
    yield "sendgrid events", Parser(_sendgrid, (UnreadablePayload,), posts)
    form = (urlencode(_FORM).encode(),)
    yield "twilio status", Parser(_twilio_status, (UnreadablePayload,), form)
    yield "twilio reply", Parser(_twilio_reply, (UnreadablePayload,), form)
    yield "json", Parser(exact_json.read, (ValueError,), (b'{"a": [1.50, "\\ud800"]}',))
    yield "shopify signature", Parser(_shopify_signed, (InvalidSignature,), (b"c2ln",))
    yield (
        "shopify headers",
        Parser(_shopify_headers, (InvalidSignature,), (b"orders/create\nx.myshopify.com\n1",)),
    )
    yield "shopify query", Parser(_query, (InvalidSignature,), (b"shop=x.myshopify.com&hmac=00",))
    yield "shopify domain", Parser(_domain, (InvalidShop,), (b"x.myshopify.com",))
    yield "session token", Parser(_token, (InvalidSignature,), (b"eyJhbGciOiJIUzI1NiJ9.e30.c2ln",))
    yield "woocommerce signature", Parser(_woo_signed, (InvalidSignature,), (b"c2ln", b"webhook_id=1"))
    yield "woocommerce home", Parser(woo_webhook.home_in, (), (b'"_links":{"self":[{"href":"https:\\/\\/a',))
    yield "sendgrid signature", Parser(_sendgrid_signed, (InvalidSignature,), (b"1700000000 c2ln",))
    yield "twilio signature", Parser(_twilio_signed, (InvalidSignature,), (b"c2ln",))


def _woo_bodies() -> dict[str, tuple[bytes, ...]]:
    found: dict[str, tuple[bytes, ...]] = {}
    for path in sorted((FIXTURES / "woocommerce").glob("hpos_*.json")):
        captured = json.loads(path.read_text())
        body = captured["request"]["body"].encode()
        found[captured["topic"]] = (*found.get(captured["topic"], ()), body)
    return {topic: bodies[:2] for topic, bodies in found.items()}


def _text(given: bytes) -> str:
    """As a WSGI server gives a header."""
    return given.decode("latin-1")


def _shopify(topic: str, body: bytes) -> object:
    return shopify.records(topic, body, NOW)


def _woo(topic: str, body: bytes) -> object:
    return woocommerce.records(topic, body, _MAPPING, NOW)


def _sendgrid(body: bytes) -> object:
    return sendgrid.read(body, received_at=NOW)


def _twilio_status(body: bytes) -> object:
    return twilio.read_status(body, "7", received_at=NOW)


def _twilio_reply(body: bytes) -> object:
    return twilio.read_inbound(body, received_at=NOW)


def _shopify_signed(given: bytes) -> object:
    headers = {"X-Shopify-Hmac-Sha256": _text(given), "X-Shopify-Topic": "orders/create"}
    return shopify_webhook.verify(headers, b"{}", [SECRET], NOW)


def _shopify_headers(given: bytes) -> object:
    """Signed rightly, so that what follows the signature is reached."""
    topic, _, rest = given.partition(b"\n")
    shop, _, moment = rest.partition(b"\n")
    headers = {
        "X-Shopify-Hmac-Sha256": signature(SECRET, given),
        "X-Shopify-Topic": _text(topic),
        "X-Shopify-Shop-Domain": _text(shop),
        "X-Shopify-Triggered-At": _text(moment),
    }
    return shopify_webhook.verify(headers, given, [SECRET], NOW)


def _query(given: bytes) -> object:
    return verify_query(parse_qsl(_text(given), keep_blank_values=True), [SECRET], NOW)


def _domain(given: bytes) -> object:
    shop = normalize_shop(given.decode("utf-8", "replace"))
    assert shop.endswith(".myshopify.com")
    assert shop.isascii()
    assert set(shop) <= _OF_A_HOST
    return shop


def _token(given: bytes) -> object:
    return session_token.verify(_text(given), "client", [SECRET], NOW)


def _woo_signed(given: bytes) -> object:
    if woo_webhook.verify({}, given, SECRET).is_ping:
        return None
    return woo_webhook.verify({"X-WC-Webhook-Signature": _text(given)}, given, SECRET)


def _sendgrid_signed(given: bytes) -> None:
    moment, _, claimed = _text(given).partition(" ")
    headers = {SIGNATURE: claimed, TIMESTAMP: moment}
    sendgrid.verify(headers, given, [claimed, public_key(KEY)], now=NOW)


def _twilio_signed(given: bytes) -> None:
    url = "https://app.example/webhooks/twilio?bodySHA256=" + _text(given)
    twilio.verify(url, {"X-Twilio-Signature": _text(given)}, given, [SECRET])
