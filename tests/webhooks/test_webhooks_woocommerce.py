"""Every delivery that two real stores sent, over TCP into a serving process, and then through the worker."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import select

from app.models import Customer, Order, Product, Store
from app.runtime import Runtime
from tests.webhooks.webhooks_inbox import Inbox
from tests.webhooks.webhooks_process import Serving
from tests.webhooks.webhooks_shops import connect_woocommerce, woo_delivery, woo_fixture, woo_fixtures

NAME = "X-WC-Webhook-Delivery-ID"
CAPTURED = ("hpos", "storecheckout", "storecheckoutacct")


class Shop(BaseHTTPRequestHandler):
    """What the store's API answers about deletions: 49 was restored, the rest is gone."""

    def do_GET(self) -> None:
        is_there = self.path.partition("?")[0].endswith("/orders/49")
        restored = next(one for one in woo_fixtures("hpos") if one["topic"] == "order.restored")
        gone = {"code": "woocommerce_rest_shop_order_invalid_id", "message": "", "data": {"status": 404}}
        body = restored["request"]["body"].encode() if is_there else json.dumps(gone).encode()
        self.send_response(200 if is_there else 404)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class names it)
        pass


@pytest.fixture
def store(runtime: Runtime) -> Iterator[Store]:
    """A connected store whose API answers on the loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield connect_woocommerce(runtime, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


def _said(captured: dict[str, Any]) -> tuple[str, str]:
    return captured["topic"], captured["request"]["body"]


def _send_all(served: Serving, runtime: Runtime, store: Store) -> list[int]:
    deliveries = [woo_fixture(runtime, store, captured) for captured in woo_fixtures(*CAPTURED)]
    return [served.post(one.path, one.headers, one.body).status for one in deliveries]


def test_every_captured_delivery_is_answered_200_and_kept_once(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    captured = woo_fixtures(*CAPTURED)

    statuses = _send_all(served, runtime, store) + _send_all(served, runtime, store)

    different = {_said(one) for one in captured}
    rows = Inbox(runtime, store).rows()
    assert set(statuses) == {200}
    assert {(row.topic, row.body.decode()) for row in rows} == different
    assert len(rows) == len(different)
    # WooCommerce names a delivery by its second: of the captured ones some share a name.
    named = {(dict(one["request"]["headers"]).get(NAME), *_said(one)) for one in captured}
    assert max(Counter(name for name, *_ in named if name).values()) > 1


def test_pings_are_answered_200_and_nothing_comes_of_them(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    pings = [one for one in woo_fixtures(*CAPTURED) if one["topic"] == "ping"]

    deliveries = [woo_fixture(runtime, store, ping) for ping in pings]
    statuses = [served.post(one.path, one.headers, one.body).status for one in deliveries]

    assert len(pings) == 13
    assert set(statuses) == {200}
    kept = [(row.topic, row.status) for row in Inbox(runtime, store).rows()]
    assert kept == [("ping", "ignored")] * len({one.body for one in deliveries})


def test_captured_deliveries_become_the_orders_that_the_shop_has(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    _send_all(served, runtime, store)

    Inbox(runtime, store).work()

    with runtime.database.read() as session:
        orders = session.scalars(select(Order).where(Order.store_id == store.id)).all()
    seen = {one.external_id: (one.financial_status, one.total_minor, one.refunded_minor) for one in orders}
    assert seen == {
        "43": ("partially_refunded", 3603, 500),
        "44": ("paid", 4900, 0),
        "46": ("pending", 1350, 0),
        "47": ("pending", 1350, 0),
        "49": ("pending", 1350, 0),
        "53": ("paid", 800, 0),
        "54": ("pending", 400, 0),
    }
    assert {one.external_id for one in orders if one.fulfillment_status == "fulfilled"} == {"43"}
    assert [one.external_id for one in orders if one.deleted_at] == ["46"]


def test_captured_deliveries_become_the_shops_customers(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    _send_all(served, runtime, store)

    Inbox(runtime, store).work()

    with runtime.database.read() as session:
        people = session.scalars(select(Customer).where(Customer.store_id == store.id)).all()
    accounts = {one.external_id: one.email for one in people if one.external_id}
    guests = {one.email for one in people if not one.external_id}
    paid = {one.email: (one.orders_count, one.total_spent_minor) for one in people if one.orders_count}
    assert accounts == {
        "8": "lucia.hpos@example.test",
        "9": "marco.hpos@example.test",
        "12": "ada2@example.test",
        "13": "bea2@example.test",
    }
    assert guests == {"gino.h@example.test", "del@example.test", "del2@example.test", "u@example.test"}
    assert paid["lucia.hpos@example.test"] == (1, 3103)


def test_captured_deliveries_become_the_shops_products(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    _send_all(served, runtime, store)

    Inbox(runtime, store).work()

    with runtime.database.read() as session:
        products = session.scalars(select(Product).where(Product.store_id == store.id)).all()
    assert {"10", "38", "39", "40"} <= {one.external_id for one in products}
    assert [one.external_id for one in products if one.deleted_at] == ["39"]


def test_every_captured_delivery_is_read_to_its_end(served: Serving, runtime: Runtime, store: Store) -> None:
    inbox = Inbox(runtime, store)
    _send_all(served, runtime, store)

    inbox.work()

    pings = sum(row.topic == "ping" for row in inbox.rows())
    assert Counter(inbox.states()) == {"done": len(inbox.rows()) - pings, "ignored": pings}


def test_an_open_checkout_is_no_order(served: Serving, runtime: Runtime, store: Store) -> None:
    drafts = [one for one in woo_fixtures("storecheckout") if '"checkout-draft"' in one["request"]["body"]]
    deliveries = [woo_fixture(runtime, store, draft) for draft in drafts]
    statuses = [served.post(one.path, one.headers, one.body).status for one in deliveries]

    Inbox(runtime, store).work()

    with runtime.database.read() as session:
        orders = session.scalars(select(Order).where(Order.store_id == store.id)).all()
        people = session.scalars(select(Customer).where(Customer.store_id == store.id)).all()
    assert statuses == [200] * 4
    assert orders == []
    assert people == []


@pytest.mark.parametrize(
    ("status", "state"), [(404, "done"), (403, "dead"), (401, "dead"), (500, "dead")], ids=str
)
def test_a_signed_error_in_place_of_the_resource_is_told_apart(
    served: Serving, runtime: Runtime, store: Store, status: int, state: str
) -> None:
    inbox = Inbox(runtime, store)
    code = {"code": "woocommerce_rest_cannot_view", "message": "no", "data": {"status": status}}
    delivery = woo_delivery(runtime, store, "order.updated", json.dumps(code).encode())

    answer = served.post(delivery.path, delivery.headers, delivery.body)
    inbox.work()

    assert answer.status == 200
    assert inbox.states() == [state]


def test_a_refusal_that_the_store_signs_counts_like_one_of_a_call(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    code = {"code": "woocommerce_rest_cannot_view", "message": "no", "data": {"status": 403}}
    delivery = woo_delivery(runtime, store, "order.updated", json.dumps(code).encode())
    served.post(delivery.path, delivery.headers, delivery.body)

    Inbox(runtime, store).work()

    with runtime.database.read() as session:
        found = session.get_one(Store, store.id)
        assert (found.state, found.refusals, found.refusal) == ("connected", 1, "owner")
