"""Bodies that are errors, nonsense or hostile: nothing, or UnreadablePayload, and never another error."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.base import Deletion, OrderRecord, Resource, UnreadablePayload
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.records import OwnerDemoted, records
from tests.connectors.woocommerce.woo_wire import Deliveries, only

PLAIN = MetaMapping()
AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize("topic", ["coupon.updated", "coupon.deleted", "action.wc_anything", "unknown", ""])
def test_topics_without_use_make_nothing_of_any_body(topic: str) -> None:
    assert records(topic, b"not json", PLAIN, AT) == []


def error_body(status: object, code: object = "wc_user_invalid_id") -> bytes:
    return json.dumps({"code": code, "message": "x", "data": {"status": status}}).encode()


@pytest.mark.parametrize("status", [404, 410])
def test_a_signed_not_found_makes_nothing(status: int) -> None:
    assert records("customer.updated", error_body(status), PLAIN, AT) == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_signed_refusal_means_that_the_owner_was_demoted(status: int) -> None:
    with pytest.raises(OwnerDemoted):
        records("order.updated", error_body(status, "woocommerce_rest_cannot_view"), PLAIN, AT)


@pytest.mark.parametrize("body", [error_body(500), error_body("404"), b'{"code":"x"}', error_body(404, 5)])
def test_other_signed_errors_are_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        records("order.updated", body, PLAIN, AT)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"\xff\xfe\xfa",
        b'{"id":NaN}',
        b'{"id":' + b"9" * 5000 + b"}",
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    ],
)
@pytest.mark.parametrize("topic", ["order.updated", "customer.created", "product.updated", "order.deleted"])
def test_a_body_that_is_no_object_is_unreadable(topic: str, body: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        records(topic, body, PLAIN, AT)


WRONG_IDS = [0, -1, 2**63, "x", "١", None, 1.5, True, [], {}]


@pytest.mark.parametrize("wrong", WRONG_IDS, ids=repr)
@pytest.mark.parametrize(
    "name", ["hpos_014_order_updated", "hpos_006_customer_created", "hpos_001_product_created"]
)
def test_a_wrong_id_is_unreadable(delivery: Deliveries, name: str, wrong: object) -> None:
    captured = delivery(name)

    with pytest.raises(UnreadablePayload):
        records(captured.topic, captured.payload(id=wrong), PLAIN, AT)


@pytest.mark.parametrize(
    "changes",
    [
        {"total": "12,50"},
        {"total": "1e9"},
        {"total": True},
        {"total": "9" * 40},
        {"billing": "x"},
        {"billing": {"email": ["a@example.test"]}},
        {"line_items": "x"},
        {"line_items": [1]},
        {"line_items": [{"id": 1, "product_id": 2**64}]},
        {"refunds": [{"id": 1, "total": "-"}]},
        {"meta_data": "x"},
        {"customer_id": -5},
        {"date_modified_gmt": "yesterday"},
        {"date_modified_gmt": None, "date_created_gmt": None},
        {"date_modified_gmt": 99999999999999999999},
        {"number": "4\x003"},
        {"status": "\ud800"},
    ],
    ids=repr,
)
def test_an_order_with_a_wrong_type_in_it_is_unreadable(
    delivery: Deliveries, changes: dict[str, Any]
) -> None:
    paid = delivery("hpos_014_order_updated")

    with pytest.raises(UnreadablePayload):
        records("order.updated", paid.payload(**changes), PLAIN, AT)


@pytest.mark.parametrize(
    "changes", [{"images": "x"}, {"cross_sell_ids": "x"}, {"manage_stock": "often"}, {"price": []}]
)
def test_a_product_with_a_wrong_type_in_it_is_unreadable(
    delivery: Deliveries, changes: dict[str, Any]
) -> None:
    created = delivery("hpos_001_product_created")

    with pytest.raises(UnreadablePayload):
        records("product.created", created.payload(**changes), PLAIN, AT)


@pytest.mark.parametrize(
    "body",
    [
        rb'{"id":5,"note":"a\u0000b"}',
        rb'{"id":5,"note":"\ud83d"}',
        rb'{"id":5,"note":"\uDE00\uD83D"}',
        rb'{"id":5,"billing":{"city":["\udfff"]}}',
        rb'{"id":5,"meta_data":[{"\udc00":1}]}',
        b'{"id":5,"note":"\xed\xa0\x80"}',
        b'{"id":5,"note":"\xed\xbf\xbf"}',
        '{"id":5,"note":"\\u0000"}'.encode("utf-16"),
        '{"id":5,"note":"\ud800"}'.encode("utf-16", "surrogatepass"),
        '{"id":5,"note":"\ud800"}'.encode("utf-32", "surrogatepass"),
    ],
    ids=repr,
)
def test_text_that_no_database_keeps_is_unreadable_wherever_it_stands(body: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        records("order.deleted", body, PLAIN, AT)


@pytest.mark.parametrize(
    "body",
    [
        rb'{"id":5,"note":"\ud83d\ude00"}',
        rb'{"id":5,"note":"\\u0000 \\ud800"}',
        '{"id":5,"note":"한글 ☕😀 \ue000"}'.encode(),
        '{"id":5,"note":"☕"}'.encode("utf-16"),
    ],
    ids=repr,
)
def test_text_that_only_looks_like_it_is_readable(body: bytes) -> None:
    assert records("order.deleted", body, PLAIN, AT) == [Deletion(Resource.ORDERS, "5", AT)]


def test_emoji_are_text_like_any_other(delivery: Deliveries) -> None:
    paid = delivery("hpos_014_order_updated")

    order = only(records("order.updated", paid.payload(number="☕😀"), PLAIN, AT), OrderRecord)

    assert order.number == "☕😀"


def test_half_a_kilo_is_one_thing_bought(delivery: Deliveries) -> None:
    paid = delivery("hpos_014_order_updated")
    line = {"id": 1, "product_id": 38, "variation_id": 0, "name": "Coffee", "quantity": 0.5, "total": "4.00"}

    order = only(records("order.updated", paid.payload(line_items=[line]), PLAIN, AT), OrderRecord)

    assert order.lines is not None
    assert order.lines[0].quantity == 1
