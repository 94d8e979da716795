"""Of an order's delivery only what is asked for is decoded: that is everything that anybody asks for."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from connectors.base import JsonObject, Record, Resource, UnreadablePayload
from connectors.storefronts.woocommerce import shapes
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.payload import parse_object
from connectors.storefronts.woocommerce.records import read_resource, records
from tests.connectors.noting import Noting
from tests.connectors.woocommerce.woo_wire import Deliveries, Delivery, deliveries

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
PLAIN = MetaMapping()
ORDER = "hpos_019_order_updated"
CHANGES = ("order.created", "order.updated", "order.restored")
NUMBERS = (0, 5, "", "5", None, -1, False)
VALUES: Mapping[str, Sequence[object]] = {
    "id": (1, 0, "7", True, None, 2**63 - 1, 2**63),
    "product_id": NUMBERS,
    "variation_id": NUMBERS,
    "quantity": (0, 3, "3", 0.5, "0.5", -1, None, 10**9),
    "name": ("Caff\u00e8", "", None, 7, "\ud800", "\0", []),
    "total": ("8.97", "-1", "", None, 9, 9.5, "x", "1e3"),
}
STATUSES = ["completed", "failed", "checkout-draft"]


def _whole(body: bytes) -> list[Record] | str:
    try:
        return read_resource(Resource.ORDERS, parse_object(body), PLAIN)
    except UnreadablePayload:
        return "unreadable"


def _in_part(body: bytes) -> list[Record] | str:
    try:
        return records("order.updated", body, PLAIN, AT)
    except UnreadablePayload:
        return "unreadable"


def _changed(order: Delivery, status: str, **line: object) -> bytes:
    payload = json.loads(order.body)
    payload |= {"status": status, "created_via": "checkout"}
    payload["line_items"] = [payload["line_items"][0] | line, payload["line_items"][0]]
    return json.dumps(payload).encode()


@pytest.mark.parametrize("name", [one.name for one in deliveries() if one.topic in CHANGES])
def test_a_captured_order_says_what_the_whole_one_does(name: str, delivery: Deliveries) -> None:
    body = delivery(name).body

    assert _in_part(body) == _whole(body)


@pytest.mark.parametrize("status", STATUSES)
def test_no_key_of_an_order_is_asked_for_that_is_not_decoded(status: str, order: Delivery) -> None:
    asked: set[str] = set()
    whole: JsonObject = Noting(json.loads(_changed(order, status)), asked)

    read_resource(Resource.ORDERS, whole, PLAIN)

    assert {"currency", "line_items"} <= asked <= set(shapes.Order.__annotations__)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(("name", "value"), [(name, value) for name in VALUES for value in VALUES[name]])
def test_a_line_is_read_as_of_a_whole_body(name: str, value: object, status: str, order: Delivery) -> None:
    body = _changed(order, status, **{name: value})

    assert _in_part(body) == _whole(body)


@pytest.mark.parametrize("lines", [None, [], {}, {"3": {"id": 1, "quantity": 1}}, [7], 7])
def test_lines_of_any_form_are_read_as_of_a_whole_body(lines: object, order: Delivery) -> None:
    body = json.dumps(json.loads(order.body) | {"line_items": lines}).encode()

    assert _in_part(body) == _whole(body)


@pytest.mark.parametrize(
    "junk", [b'"x": "\xff"', b'"x": NaN', b'"x": ', b'"x": "\\u0000"', b'"x": "\xed\xa0\x80"']
)
def test_what_a_whole_body_is_refused_for_is_refused_of_which_little_is_decoded(
    junk: bytes, order: Delivery
) -> None:
    body = json.dumps(json.loads(order.body)).encode()[:-1] + b", " + junk + b"}"

    assert _in_part(body) == _whole(body) == "unreadable"


@pytest.fixture
def order(delivery: Deliveries) -> Delivery:
    """A captured order with lines."""
    return delivery(ORDER)
