"""Deliveries: what verifies, what a ping is, and when two deliveries are the same fact."""

import base64
import hashlib
import hmac

import pytest

from connectors.base import InvalidSignature
from connectors.storefronts.woocommerce.webhook import verify
from tests.connectors.woocommerce.woo_wire import Deliveries, Delivery

SECRET = "a1b2c3"


def signed(body: bytes, **headers: str) -> dict[str, str]:
    made = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    named = {f"X-WC-Webhook-{name.title()}": value for name, value in headers.items()}
    return {"X-WC-Webhook-Signature": made, "X-WC-Webhook-Topic": "order.updated", **named}


def test_every_captured_delivery_verifies_with_its_secret(each_delivery: Delivery) -> None:
    envelope = verify(each_delivery.headers, each_delivery.body, each_delivery.secret)

    assert envelope.source == "woocommerce"
    assert envelope.topic == each_delivery.topic
    assert envelope.shop == "http://127.0.0.1:8088"
    assert not envelope.is_ping


def test_every_captured_delivery_fails_with_one_byte_changed(each_delivery: Delivery) -> None:
    forged = each_delivery.body[:-1] + b" }"

    with pytest.raises(InvalidSignature):
        verify(each_delivery.headers, forged, each_delivery.secret)


def test_every_captured_ping_is_one_without_any_secret(each_ping: Delivery) -> None:
    envelope = verify(each_ping.headers, each_ping.body, "")

    assert envelope.is_ping


def test_a_ping_with_a_woocommerce_header_must_be_signed() -> None:
    with pytest.raises(InvalidSignature):
        verify({"x-wc-webhook-topic": "order.updated"}, b"webhook_id=5", SECRET)


@pytest.mark.parametrize("body", [b"", b"webhook_id=", b"webhook_id=5\n", b'{"webhook_id":5}', b"id=5"])
def test_an_unsigned_body_that_is_no_ping_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidSignature):
        verify({}, body, SECRET)


def test_the_envelope_names_subject_and_moment(delivery: Deliveries) -> None:
    paid = delivery("hpos_014_order_updated")

    envelope = verify(paid.headers, paid.body, paid.secret)

    assert envelope.subject_external_id == "43"
    assert envelope.triggered_at is not None
    assert envelope.triggered_at.isoformat() == "2026-11-22T01:55:38+00:00"
    assert envelope.event_id is None


def test_header_names_are_read_in_any_case(delivery: Deliveries) -> None:
    paid = delivery("hpos_014_order_updated")
    shouted = {name.upper(): value for name, value in paid.headers.items()}

    assert verify(shouted, paid.body, paid.secret).topic == "order.updated"


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"{", b"[]", b'{"id":' + b"9" * 5000 + b"}", b"[" * 99999]
)
def test_an_unreadable_body_verifies_all_the_same(body: bytes) -> None:
    envelope = verify(signed(body), body, SECRET)

    assert envelope.topic == "order.updated"
    assert envelope.subject_external_id is None


@pytest.mark.parametrize("signature", ["é", "\udcff", "", "=", "a" * 100_000])
def test_a_strange_signature_is_refused_and_never_an_error_of_ours(signature: str) -> None:
    with pytest.raises(InvalidSignature):
        verify({"X-WC-Webhook-Signature": signature}, b"{}", SECRET)


def test_an_empty_secret_is_a_closed_door() -> None:
    made = base64.b64encode(hmac.new(b"", b"{}", hashlib.sha256).digest()).decode()

    with pytest.raises(InvalidSignature):
        verify({"X-WC-Webhook-Signature": made}, b"{}", "")


@pytest.mark.parametrize("topic", ["", "órder.updated", "a" * 500, "order updated", "order\n.updated"])
def test_a_strange_topic_is_unknown(topic: str) -> None:
    assert verify(signed(b"{}", topic=topic), b"{}", SECRET).topic == "unknown"


def test_the_signed_body_outranks_the_header_about_the_shop(delivery: Deliveries) -> None:
    paid = delivery("hpos_014_order_updated")
    headers = {**paid.headers, "X-WC-Webhook-Source": "https://another.example/"}

    assert verify(headers, paid.body, paid.secret).shop == "http://127.0.0.1:8088"


@pytest.mark.parametrize("source", ["", "no address", "http://[", "https://é.example/", "x" * 9999])
def test_a_strange_source_names_no_shop(source: str) -> None:
    assert verify(signed(b"{}", source=source), b"{}", SECRET).shop == ""


def test_the_same_delivery_twice_has_one_dedupe_key() -> None:
    body = b'{"id":5,"date_modified_gmt":"2026-11-22T01:55:38"}'

    first = verify(signed(body, **{"delivery-id": "one"}), body, SECRET)
    second = verify(signed(body, **{"delivery-id": "two"}), body, SECRET)

    assert first.dedupe_key == second.dedupe_key
    assert len(first.dedupe_key) <= 128


def test_topic_and_body_make_the_dedupe_key() -> None:
    keys = {
        verify(signed(body, topic=topic), body, SECRET).dedupe_key
        for body in (b'{"id":5}', b'{"id":6}', b'{"id":5,"x":1}')
        for topic in ("order.created", "order.updated")
    }

    assert len(keys) == 6
