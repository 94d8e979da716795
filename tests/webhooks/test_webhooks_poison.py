"""Signed nonsense: kept as the bytes that came, at rest with a reason, and the next delivery goes through."""

import base64
import json
import os
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import select

from app.models import Order, Store
from app.runtime import Runtime
from tests.engines import SQLITE
from tests.webhooks.webhooks_inbox import Inbox
from tests.webhooks.webhooks_process import ROOT, SETTINGS, Serving
from tests.webhooks.webhooks_shops import (
    Delivery,
    connect_shopify,
    connect_woocommerce,
    shopify_body,
    shopify_delivery,
    woo_delivery,
    woo_fixtures,
)

WOO_ORDER: dict[str, Any] = json.loads(
    next(one for one in woo_fixtures("hpos") if one["topic"] == "order.created")["request"]["body"]
)
SHOPIFY_ORDER: dict[str, Any] = json.loads(shopify_body("orders/create"))

NO_JSON = {
    "empty-object-cut": b'{"id":',
    "no-json": b"hello",
    "html": b"<!DOCTYPE html><html></html>",
    "deep-nesting": b"[" * 100_000,
    "deep-objects": b'{"a":' * 100_000,
    "invalid-utf-8": b'{"id":1,"name":"\xff\xfe"}',
    "utf-16": '{"id":1}'.encode("utf-16"),
    "a-list": b"[1,2,3]",
    "a-number": b"42",
    "null": b"null",
    "nan": b"NaN",
    "long-integer": b'{"id":' + b"9" * 5000 + b"}",
    "a-nul-byte": b'{"id":1\x00}',
    "binary": bytes(range(256)),
}
"""Bodies that say nothing to anybody, whatever their topic."""

ODD_IDS: dict[str, Any] = {
    "huge": 2**63,
    "huger": 2**200,
    "negative": -1,
    "a-fraction": 1.5,
    "a-list": [1],
    "an-object": {"id": 1},
    "none": None,
    "true": True,
    "a-text": "one",
}
"""Ids that no order has."""

ODD_FIELDS: dict[str, tuple[str, Any]] = {
    "total-is-text": ("total", "a lot"),
    "total-is-nan": ("total", "NaN"),
    "total-is-infinite": ("total", "1e999"),
    "total-is-an-object": ("total", {"amount": "1"}),
    "lines-are-text": ("line_items", "many"),
    "lines-hold-numbers": ("line_items", [1, 2]),
    "currency-is-a-number": ("currency", 978),
    "date-is-a-number": ("date_modified_gmt", 5),
    "date-is-nonsense": ("date_modified_gmt", "yesterday"),
    "billing-is-text": ("billing", "at home"),
}
"""Orders of WooCommerce with one field of another kind."""

NUL_TEXTS = {"nul": "a\x00b", "lone-surrogate": "a\ud800b"}
"""Text that PostgreSQL or UTF-8 cannot hold, in an order that is good otherwise."""


@pytest.fixture(params=["shopify", "woocommerce"])
def store(request: pytest.FixtureRequest, runtime: Runtime) -> Store:
    """A shop of either platform."""
    return connect_shopify(runtime) if request.param == "shopify" else connect_woocommerce(runtime)


def _delivery(runtime: Runtime, store: Store, body: bytes, name: str) -> Delivery:
    if store.platform == "shopify":
        return shopify_delivery(store.domain, "orders/create", body, webhook_id=f"{store.id}-{name}")
    return woo_delivery(runtime, store, "order.created", body)


def _good(runtime: Runtime, store: Store) -> Delivery:
    order = SHOPIFY_ORDER if store.platform == "shopify" else WOO_ORDER
    return _delivery(runtime, store, json.dumps(order).encode(), "good")


def _changed(store: Store, **fields: Any) -> bytes:
    order = SHOPIFY_ORDER if store.platform == "shopify" else WOO_ORDER
    return json.dumps({**order, **fields}).encode()


def _send_then_good(served: Serving, runtime: Runtime, store: Store, body: bytes) -> list[int]:
    bad = _delivery(runtime, store, body, "bad")
    good = _good(runtime, store)
    statuses = [served.post(one.path, one.headers, one.body).status for one in (bad, good)]
    Inbox(runtime, store).read()
    return statuses


def _orders(runtime: Runtime, store: Store) -> list[str]:
    with runtime.database.read() as session:
        return list(session.scalars(select(Order.external_id).where(Order.store_id == store.id)))


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
def test_what_cannot_be_read_rests_as_the_bytes_that_came(
    served: Serving, runtime: Runtime, store: Store, body: bytes
) -> None:
    statuses = _send_then_good(served, runtime, store, body)

    bad, good = Inbox(runtime, store).rows()
    assert statuses == [200, 200]
    assert (bad.body, bad.status) == (body, "dead")
    assert bad.error
    assert good.status == "done"


@pytest.mark.parametrize("value", ODD_IDS.values(), ids=ODD_IDS)
def test_an_order_with_an_impossible_id_rests_with_a_reason(
    served: Serving, runtime: Runtime, store: Store, value: Any
) -> None:
    good_id = str((SHOPIFY_ORDER if store.platform == "shopify" else WOO_ORDER)["id"])

    statuses = _send_then_good(served, runtime, store, _changed(store, id=value))

    bad, good = Inbox(runtime, store).rows()
    assert statuses == [200, 200]
    assert bad.status == "dead"
    assert bad.error
    assert good.status == "done"
    assert _orders(runtime, store) == [good_id]


@pytest.mark.parametrize("field", ODD_FIELDS.values(), ids=ODD_FIELDS)
def test_an_order_with_a_field_of_another_kind_stops_only_itself(
    served: Serving, runtime: Runtime, field: tuple[str, Any]
) -> None:
    store = connect_woocommerce(runtime)
    name, value = field

    statuses = _send_then_good(served, runtime, store, _changed(store, id=77, **{name: value}))

    bad, good = Inbox(runtime, store).rows()
    assert statuses == [200, 200]
    assert bad.status in {"dead", "done"}
    assert bool(bad.error) == (bad.status == "dead")
    assert good.status == "done"
    assert str(WOO_ORDER["id"]) in _orders(runtime, store)


@pytest.mark.parametrize("text", NUL_TEXTS.values(), ids=NUL_TEXTS)
def test_text_that_no_database_can_hold_does_not_cost_the_order(
    served: Serving, runtime: Runtime, store: Store, text: str
) -> None:
    statuses = _send_then_good(served, runtime, store, _changed(store, id=77, note=text, customer_note=text))

    bad, good = Inbox(runtime, store).rows()
    assert statuses == [200, 200]
    assert bad.status in {"dead", "done"}
    assert good.status == "done"


def test_names_that_no_database_can_hold_stop_only_themselves(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    name = {"first_name": "A\x00da", "last_name": "\ud800", "email": "ada\x00@example.test"}
    key = "customer" if store.platform == "shopify" else "billing"
    order = SHOPIFY_ORDER if store.platform == "shopify" else WOO_ORDER

    statuses = _send_then_good(served, runtime, store, _changed(store, id=77, **{key: order[key] | name}))

    bad, good = Inbox(runtime, store).rows()
    assert statuses == [200, 200]
    assert bad.status in {"dead", "done"}
    assert good.status == "done"


def test_a_delivery_at_rest_is_read_again_by_replay(served: Serving, runtime: Runtime) -> None:
    store = connect_woocommerce(runtime)
    inbox = Inbox(runtime, store)
    bad = woo_delivery(runtime, store, "order.created", b"hello")
    served.post(bad.path, bad.headers, bad.body)
    inbox.read()
    (resting,) = inbox.rows()

    told = _ritorno(served, "inbound", "replay", str(resting.id), "--json")
    (waiting,) = inbox.rows()
    inbox.read()
    (again,) = inbox.rows()

    assert json.loads(told.stdout) == {"replayed": 1}
    assert (waiting.status, waiting.attempts) == ("waiting", 0)
    assert (again.status, again.body) == ("dead", b"hello")


@pytest.mark.parametrize("engine", [SQLITE])
def test_replay_of_what_does_not_rest_fails_with_one_clear_line(served: Serving) -> None:
    told = _ritorno(served, "inbound", "replay", "999999999", "--json")

    assert told.returncode == 1
    assert told.stdout == ""
    assert told.stderr.startswith("ritorno: none of these deliveries rests as dead")


def test_odd_headers_of_a_signed_delivery_are_kept_in_a_storable_form(
    served: Serving, runtime: Runtime
) -> None:
    store = connect_shopify(runtime)
    body = shopify_body("orders/create")
    delivery = shopify_delivery(store.domain, "orders/create", body, webhook_id="x" * 4000)
    odd = [
        ("X-Shopify-Event-Id", "\u00ff\u00fe"),
        ("X-Shopify-Triggered-At", "9999-99-99"),
        ("X-Shopify-API-Version", base64.b64encode(os.urandom(300)).decode()),
    ]
    headers = [pair for pair in delivery.headers if pair[0] not in dict(odd)]

    answer = served.post(delivery.path, [*headers, *odd], body)

    (row,) = Inbox(runtime, store).rows()
    assert answer.status == 200
    assert (row.event_id, row.triggered_at) == (None, None)
    assert row.dedupe_key.startswith("sha256:")


def _ritorno(served: Serving, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "app.cli.entry", *arguments],
        env=os.environ | SETTINGS | {"PYTHONPATH": str(ROOT), "DATABASE_URL": served.database_url},
        capture_output=True,
        text=True,
        check=False,
    )
