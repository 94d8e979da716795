"""Drafts and failed payments as checkouts, and the links that restore their baskets."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import CheckoutLineRecord, CheckoutRecord, Record, Resource
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.records import records
from tests.connectors.woocommerce.woo_wire import Connect, Deliveries, FakeStore

AT = datetime(2026, 11, 22, 3, tzinfo=UTC)
HOME = "http://127.0.0.1:8088"
OPENED, TYPED = "storecheckout_035_order_updated", "storecheckout_039_order_updated"
PLACED = "storecheckout_046_order_created"


def begun(found: Sequence[Record]) -> list[CheckoutRecord]:
    return [record for record in found if isinstance(record, CheckoutRecord)]


def read(body: bytes) -> list[CheckoutRecord]:
    return begun(records("order.updated", body, MetaMapping(), AT))


def line(product: int, count: float, variation: int = 0) -> dict[str, Any]:
    fields = {"id": product * 10 + 1, "name": "x", "quantity": count, "total": "1.00"}
    return {**fields, "product_id": product, "variation_id": variation}


def test_a_draft_with_an_address_is_a_checkout(delivery: Deliveries) -> None:
    (found,) = read(delivery(TYPED).body)

    assert found == CheckoutRecord(
        external_id="53",
        token="53",
        started_at=datetime(2026, 11, 22, 1, 57, 1, tzinfo=UTC),
        updated_at=found.updated_at,
        currency="EUR",
        total="8.00",
        lines=(CheckoutLineRecord("10", None, "Miscela «Crème» 250 g", 2, "8.00"),),
        email="ada2@example.test",
        phone=found.phone,
        recovery_url=f"{HOME}/checkout-link?products=10:2",
    )
    assert found.updated_at > found.started_at


def test_a_draft_that_nobody_left_an_address_in_is_none(delivery: Deliveries) -> None:
    assert read(delivery(OPENED).body) == []


def test_a_placed_order_is_none_and_names_the_draft_that_it_was(delivery: Deliveries) -> None:
    (order,) = records("order.created", delivery(PLACED).body, MetaMapping(), AT)

    assert getattr(order, "checkout_token", None) == "53"


@pytest.mark.parametrize(
    ("changes", "is_checkout"),
    [
        ({"status": "failed"}, True),
        ({"status": "failed", "created_via": "checkout"}, True),
        ({"status": "failed", "created_via": "admin"}, False),
        ({"status": "pending"}, False),
        ({"status": "on-hold"}, False),
        ({"status": "auto-draft"}, False),
        ({"status": "checkout-draft", "meta_data": [{"key": "_anonymized", "value": "yes"}]}, False),
    ],
)
def test_a_failed_payment_is_a_checkout_and_no_other_order_is(
    delivery: Deliveries, changes: dict[str, Any], is_checkout: bool
) -> None:
    assert bool(read(delivery(TYPED).payload(**changes))) is is_checkout


def test_a_failed_payment_leads_to_the_stores_own_page_for_it(delivery: Deliveries) -> None:
    (found,) = read(delivery(TYPED).payload(status="failed"))

    assert (found.recovery_url or "").startswith(f"{HOME}/checkout/order-pay/53/?pay_for_order=true&key=")


@pytest.mark.parametrize(
    ("version", "lines", "link"),
    [
        ("10.0.2", [line(10, 2), line(11, 1, 12)], f"{HOME}/checkout-link?products=10:2,12:1"),
        ("11.2.0-dev", [line(10, 0.5)], f"{HOME}/checkout-link?products=10:1"),
        ("9.9.5", [line(10, 2)], f"{HOME}/?add-to-cart=10&quantity=2"),
        ("9.9.5", [line(10, 2), line(11, 1)], None),
        ("", [line(10, 2)], f"{HOME}/?add-to-cart=10&quantity=2"),
        ("10.0.2", [line(0, 1)], None),
    ],
)
def test_the_link_restores_what_the_version_lets_it(
    delivery: Deliveries, version: str, lines: list[dict[str, Any]], link: str | None
) -> None:
    (found,) = read(delivery(TYPED).payload(version=version, line_items=lines))

    assert found.recovery_url == link


def test_a_store_that_names_no_home_gets_no_link(delivery: Deliveries) -> None:
    (found,) = read(delivery(TYPED).payload(_links={}))

    assert found.recovery_url is None


def test_drafts_are_listed_by_their_change(store: FakeStore, connect: Connect, delivery: Deliveries) -> None:
    store.rows["orders"] = [json.loads(delivery(name).body) for name in (OPENED, TYPED)]
    store.rows["orders"].append(json.loads(delivery(PLACED).payload(id=54)))

    page = connect().page(Resource.CHECKOUTS, cursor=None, updated_since=AT - timedelta(hours=2))

    assert [record.external_id for record in begun(page.records)] == ["53"]
    (query,) = store.queries("/orders")
    assert (query["status"], query["orderby"], query["modified_after"]) == (
        "checkout-draft",
        "modified",
        "2026-11-22T00:59:59",
    )


def test_one_draft_is_looked_up_as_an_order(store: FakeStore, connect: Connect, delivery: Deliveries) -> None:
    store.rows["orders"] = [json.loads(delivery(TYPED).body)]

    found = connect().fetch(Resource.CHECKOUTS, "53")

    assert isinstance(found, CheckoutRecord)
