"""Of the longest bodies only what is asked for is decoded: that is everything that anybody asks for."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from connectors.base import OrderRecord, UnreadablePayload
from connectors.storefronts.shopify import fields, shapes
from connectors.storefronts.shopify.records import records
from connectors.storefronts.shopify.topics import READERS
from tests.connectors.noting import Noting

TRIGGERED_AT = datetime(2026, 10, 2, 7, 31, 5, tzinfo=UTC)
TOPICS = [topic for topic in READERS if topic.partition("/")[0] in shapes.BY_FAMILY]
BodyOf = Callable[[str], bytes]
PayloadOf = Callable[[str], dict[str, Any]]


def _named(shape: type) -> set[str]:
    return set(shape.__annotations__)


def _bare(source: Mapping[str, Any]) -> dict[str, Any]:
    """An object as an older version wrote it: plain amounts, nothing that another key stands for as well."""
    passing = ("customer", "processed_at", "billing_address", "email", "title", "shipment_status", "name")
    return {key: value for key, value in source.items() if not key.endswith("_set") and key not in passing}


@pytest.mark.parametrize("topic", TOPICS)
def test_a_body_of_which_little_is_decoded_says_what_the_whole_one_does(topic: str, body_of: BodyOf) -> None:
    body = body_of(topic)

    assert records(topic, body, TRIGGERED_AT) == READERS[topic](fields.parse(body), TRIGGERED_AT)


@pytest.mark.parametrize("strip", [dict, _bare])
@pytest.mark.parametrize("topic", ["orders/paid", "orders/fulfilled", "orders/partially_fulfilled"])
def test_no_key_of_an_order_is_asked_for_that_is_not_decoded(
    topic: str, strip: Callable[[Any], dict[str, Any]], payload_of: PayloadOf
) -> None:
    asked: dict[str, set[str]] = {"order": set(), "parcel": set()}
    payload = payload_of(topic)
    whole = {
        **strip(payload),
        "fulfillments": [Noting(strip(one), asked["parcel"]) for one in payload["fulfillments"]],
    }

    READERS[topic](Noting(whole, asked["order"]), TRIGGERED_AT)

    assert {"currency", "line_items"} <= asked["order"] <= _named(shapes.Order)
    assert asked["parcel"] <= _named(shapes.Parcel)


_PAIR = {"shop_money": {"amount": "1.50", "currency_code": "EUR"}}


@pytest.mark.parametrize("text", ["\u00e8", "", None, 7, "\0", "\ud800"])
@pytest.mark.parametrize("name", ["title", "name"])
def test_a_line_s_text_is_read_as_of_a_whole_body(name: str, text: object, payload_of: PayloadOf) -> None:
    _assert_read_alike(payload_of, {"title": None, name: text})


@pytest.mark.parametrize(
    "number", [1, 0, -1, True, None, 2**63 - 1, 2**63, 2**64, "12", "x", "gid://shopify/X/5"]
)
@pytest.mark.parametrize("name", ["id", "product_id", "variant_id", "quantity", "current_quantity"])
def test_a_line_s_number_is_read_as_of_a_whole_body(name: str, number: object, payload_of: PayloadOf) -> None:
    _assert_read_alike(payload_of, {name: number})


@pytest.mark.parametrize("amount", ["2.345", "-1", "1e3", "", "x", "\0", 3, 2.5, None])
@pytest.mark.parametrize("name", ["price", "total_discount"])
def test_a_line_s_amount_is_read_as_of_a_whole_body(name: str, amount: object, payload_of: PayloadOf) -> None:
    _assert_read_alike(
        payload_of, {f"{name}_set": {"shop_money": {"amount": amount, "currency_code": "EUR"}}}
    )
    _assert_read_alike(payload_of, {f"{name}_set": {"shop_money": {"amount": amount}}})
    _assert_read_alike(payload_of, {f"{name}_set": None, name: amount})


@pytest.mark.parametrize(
    "parts", [None, [], {}, [{"amount_set": _PAIR}] * 2, [{"amount": "0.25"}], [{"amount_set": None}], [7]]
)
def test_a_line_s_discounts_are_read_as_of_a_whole_body(parts: object, payload_of: PayloadOf) -> None:
    _assert_read_alike(payload_of, {"discount_allocations": parts})


def _assert_read_alike(payload_of: PayloadOf, change: dict[str, object]) -> None:
    """A line with this change gives the same record by either way, or is refused by both."""
    payload = payload_of("orders/create")
    payload["line_items"][0] |= change
    body = json.dumps(payload).encode()
    try:
        whole = READERS["orders/create"](fields.parse(body), TRIGGERED_AT)
    except UnreadablePayload:
        with pytest.raises(UnreadablePayload):
            records("orders/create", body, TRIGGERED_AT)
        return
    assert records("orders/create", body, TRIGGERED_AT) == whole


@pytest.mark.parametrize("topic", ["fulfillments/create", "fulfillments/update"])
def test_no_key_of_a_parcel_is_asked_for_that_is_not_decoded(topic: str, payload_of: PayloadOf) -> None:
    asked: set[str] = set()

    READERS[topic](Noting(payload_of(topic), asked), TRIGGERED_AT)

    assert {"order_id"} <= asked <= _named(shapes.Parcel)


@pytest.mark.parametrize(
    "junk", [b'"note": "\xff"', b'"note": NaN', b'"note": ', b'"line_items": [1]', b'"refunds": 7']
)
def test_what_a_whole_body_is_refused_for_is_refused_of_which_little_is_decoded(
    junk: bytes, payload_of: PayloadOf
) -> None:
    payload = payload_of("orders/create")
    del payload["note"], payload["line_items"], payload["refunds"]
    body = json.dumps(payload).encode()[:-1] + b", " + junk + b"}"

    with pytest.raises(UnreadablePayload):
        records("orders/create", body, TRIGGERED_AT)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_a_body_is_read_in_every_encoding_of_json(encoding: str, payload_of: PayloadOf) -> None:
    payload = payload_of("orders/create")
    body = json.dumps(payload, ensure_ascii=False).encode(encoding)

    read = cast(OrderRecord, records("orders/create", body, TRIGGERED_AT)[0])

    assert read.external_id == str(payload["id"])
