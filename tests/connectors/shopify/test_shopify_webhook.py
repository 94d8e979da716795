"""Deliveries: signed bytes, unsigned headers."""

import base64
import hashlib
import hmac
import json
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from connectors.base import InvalidSignature
from connectors.storefronts.shopify.webhook import shop_number_in, verify

VECTORS = json.loads((Path(__file__).parents[2] / "fixtures" / "shopify" / "vectors.json").read_text())
NOW = datetime(2026, 10, 10, tzinfo=UTC)
SECRET = "whsec-1"
_LONG_SECRET = "whsec-of-a-length-that-session-tokens-ask-for"
SHOP = "ritorno-test.myshopify.com"


def _sign(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def _headers(body: bytes, **changes: str) -> dict[str, str]:
    headers = {
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Hmac-Sha256": _sign(body),
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-API-Version": "2026-10",
        "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "X-Shopify-Triggered-At": "2026-10-02T07:30:01.5Z",
        "X-Shopify-Event-Id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
    }
    return {**headers, **{f"X-Shopify-{name.replace('_', '-')}": value for name, value in changes.items()}}


@pytest.mark.parametrize("case", VECTORS["webhook_hmac"], ids=lambda case: case["id"])
def test_webhook_vectors(case: dict[str, Any]) -> None:
    body = case["body_utf8"].encode()
    headers = {"X-Shopify-Topic": "orders/create", "X-Shopify-Shop-Domain": SHOP}
    if case["header_value"] is not None:
        headers["X-Shopify-Hmac-Sha256"] = case["header_value"]

    try:
        verify(headers, body, [case["secret"]], NOW)
        valid = True
    except InvalidSignature:
        valid = False

    assert valid is case["valid"]


def test_a_delivery_says_what_it_is(body_of: Callable[[str], bytes]) -> None:
    body = body_of("orders/create")

    envelope = verify(_headers(body), body, [SECRET], NOW)

    assert envelope.source == "shopify"
    assert envelope.topic == "orders/create"
    assert envelope.shop == SHOP
    assert envelope.dedupe_key == "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"
    assert envelope.event_id == "98880550-7158-44d4-b7cd-2c97c8a091b5"
    assert envelope.subject_external_id == "6820982911946154508"
    assert envelope.triggered_at == datetime(2026, 10, 2, 7, 30, 1, 500000, tzinfo=UTC)
    assert not envelope.is_ping


@pytest.mark.parametrize("change_case", [str.lower, str.upper])
def test_header_names_are_read_in_any_case(change_case: Callable[[str], str]) -> None:
    body = b'{"id": 1}'
    headers = {change_case(name): value for name, value in _headers(body).items()}

    assert verify(headers, body, [SECRET], NOW).topic == "orders/create"


def test_an_event_is_read_by_its_own_headers_even_beside_the_others() -> None:
    body = b'{"id": 1}'
    headers = {
        **_headers(body, Hmac_Sha256="wrong", Topic="other/topic"),
        "shopify-topic": "Product",
        "shopify-hmac-sha256": _sign(body),
        "shopify-shop-domain": SHOP,
        "shopify-webhook-id": "event-1",
        "shopify-event-id": "e",
    }

    envelope = verify(headers, body, [SECRET], NOW)

    assert (envelope.topic, envelope.dedupe_key, envelope.event_id) == ("Product", "event-1", "e")


def test_the_previous_secret_counts_while_it_is_configured() -> None:
    body = b'{"id": 1}'
    headers = _headers(body, Hmac_Sha256=_sign(body, "old"))

    assert verify(headers, body, ["new", "old"], NOW).shop == SHOP
    with pytest.raises(InvalidSignature):
        verify(headers, body, ["new"], NOW)


@pytest.mark.parametrize("secrets", [[], [""]])
def test_without_a_secret_the_door_is_closed(secrets: list[str]) -> None:
    body = b'{"id": 1}'

    with pytest.raises(InvalidSignature):
        verify(_headers(body, Hmac_Sha256=_sign(body, "")), body, secrets, NOW)


@pytest.mark.parametrize("given", ["", "é", "\udcff", "====", "d41d8cd98f00b204e9800998ecf8427e", " "])
def test_a_signature_of_any_other_form_is_refused(given: str) -> None:
    body = b'{"id": 1}'

    with pytest.raises(InvalidSignature):
        verify(_headers(body, Hmac_Sha256=given), body, [SECRET], NOW)


@pytest.mark.parametrize(
    "body",
    [b"not json", b"[" * 100_000, b'{"id": "\\u0000"}', b'{"a": "\xff"}', b"{", b"null", b'{"id":NaN}'],
)
def test_a_signed_body_that_nobody_can_read_is_kept_all_the_same(body: bytes) -> None:
    envelope = verify(_headers(body), body, [SECRET], NOW)

    assert envelope.subject_external_id is None


@pytest.mark.parametrize(
    "body",
    [
        b"code=0907a61c0c8d55e99db179b68161bc00&shop=some-shop.myshopify.com&timestamp=1337178173",
        b"extra=1,2path_prefix=/apps/xshop=shop-name.myshopify.comtimestamp=1317327555",
        b'["=1&shop=some-shop.myshopify.com&timestamp=1337178173&z="]',
    ],
)
def test_a_signed_query_is_no_delivery(body: bytes) -> None:
    with pytest.raises(InvalidSignature, match="query"):
        verify(_headers(body), body, [SECRET], NOW)


def test_a_session_token_is_no_delivery() -> None:
    """Whoever opens the app in a shop's admin holds one; it is signed by the same secret in the same way."""
    claims = {"dest": "https://some-shop.myshopify.com"}
    token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(_LONG_SECRET))
    signed, _, signature = token.rpartition(".")
    given = base64.b64encode(base64.urlsafe_b64decode(signature + "=")).decode()
    body = signed.encode()
    assert given == _sign(body, _LONG_SECRET)

    with pytest.raises(InvalidSignature, match="session token"):
        verify(_headers(body, Hmac_Sha256=given), body, [_LONG_SECRET], NOW)


@pytest.mark.parametrize(
    "topic", ["app/uninstalled", "shop/update", "shop/redact", "customers/redact", "customers/data_request"]
)
def test_a_body_that_names_another_shop_than_its_header_is_refused(
    topic: str, body_of: Callable[[str], bytes]
) -> None:
    body = body_of(topic)

    assert verify(_headers(body, Topic=topic), body, [SECRET], NOW).shop == SHOP
    with pytest.raises(InvalidSignature, match="another shop"):
        verify(_headers(body, Topic=topic, Shop_Domain="victim.myshopify.com"), body, [SECRET], NOW)


@pytest.mark.parametrize("shop", ["", "evil.example", "a.myshopify.com.evil.example", "é.myshopify.com"])
def test_a_delivery_for_no_shop_is_refused(shop: str) -> None:
    body = b'{"id": 1}'

    with pytest.raises(InvalidSignature):
        verify(_headers(body, Shop_Domain=shop), body, [SECRET], NOW)


@pytest.mark.parametrize("topic", ["", "orders/create\n", "é", "x" * 101, "a b"])
def test_a_delivery_without_a_usable_topic_is_refused(topic: str) -> None:
    body = b'{"id": 1}'

    with pytest.raises(InvalidSignature):
        verify(_headers(body, Topic=topic), body, [SECRET], NOW)


@pytest.mark.parametrize("webhook_id", ["", "é", "x" * 200, "a b"])
def test_without_a_usable_webhook_id_the_body_under_its_topic_is_the_key(webhook_id: str) -> None:
    body = b'{"id": 1}'

    def key(topic: str, raw: bytes) -> str:
        return verify(_headers(raw, Webhook_Id=webhook_id, Topic=topic), raw, [SECRET], NOW).dedupe_key

    assert key("orders/create", body) == key("orders/create", body)
    assert key("orders/create", body) != key("orders/paid", body)
    assert key("orders/create", body) != key("orders/create", b'{"id": 2}')
    assert len(key("orders/create", body)) <= 128
    assert key("orders/create", body).isascii()


@pytest.mark.parametrize(
    ("claimed", "triggered_at"),
    [
        ("2026-10-11T00:00:00Z", NOW),
        ("2026-10-02T09:30:00+02:00", datetime(2026, 10, 2, 7, 30, tzinfo=UTC)),
        ("2026-10-02T09:30:00", None),
        ("soon", None),
        ("", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_a_claimed_moment_is_never_in_the_future(claimed: str, triggered_at: datetime | None) -> None:
    body = b'{"id": 1}'

    assert verify(_headers(body, Triggered_At=claimed), body, [SECRET], NOW).triggered_at == triggered_at


@pytest.mark.parametrize(
    ("body", "subject"),
    [
        (b'{"customer_id": 7, "x": 1}', "7"),
        (b' {\n "id" : 706405506930370084}', "706405506930370084"),
        (b'{"admin_graphql_api_id":"gid:\\/\\/shopify\\/Product\\/788","id":3}', "788"),
        (b'{"admin_graphql_api_id":"gid://shopify/Product/788"}', "788"),
        (b'{"token": "abc", "id": 3}', None),
        (b'{"id": 1.5}', None),
        (b'{"id": 99999999999999999999}', None),
    ],
)
def test_the_subject_is_the_leading_id(body: bytes, subject: str | None) -> None:
    assert verify(_headers(body), body, [SECRET], NOW).subject_external_id == subject


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (b'{"shop_id":"gid://shopify/Shop/77","current":[]}', "77"),
        (b'{"shop_id" : "gid:\\/\\/shopify\\/Shop\\/77"}', "77"),
        (b'{"note":"\\"shop_id\\":\\"gid://shopify/Shop/78\\""}', ""),
        (b'{"shop_id":78}', ""),
        (b'{"id":77}', ""),
        (b"", ""),
    ],
)
def test_a_body_names_its_shop_by_its_number(body: bytes, number: str) -> None:
    assert shop_number_in(body) == number


def test_no_merchants_browser_may_subscribe_to_what_is_signed_for_us() -> None:
    """With direct access to the Admin API a merchant could have deliveries sent to an address of theirs."""
    declared = tomllib.loads((Path(__file__).parents[3] / "shopify.app.toml").read_text())

    assert "access" not in declared
