"""Shopify's webhook bodies, held against the platform's sample payloads."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.sandbox.forms import unit_price
from connectors.sandbox.model import SHOPIFY, Line, Voucher
from connectors.sandbox.shopify_payloads import webhook
from tests.connectors.sandbox.sandbox_fake_world import PLACED, FakeWorld, order, shopper, small_world

FIXTURES = Path(__file__).parents[2] / "fixtures" / "shopify"
KEYS = json.loads((FIXTURES / "sandbox_webhook_keys.json").read_text(encoding="utf-8"))
LATER = PLACED + timedelta(days=9)


@pytest.mark.parametrize(
    ("topic", "subject_id"),
    [
        ("orders/create", 2000),
        ("customers/create", 2),
        ("customers_email_marketing_consent/update", 2),
        ("customers_marketing_consent/update", 2),
        ("fulfillments/create", 2000),
        ("fulfillment_events/create", 2000),
        ("refunds/create", 2000),
        ("products/update", 501),
    ],
)
def test_body_has_exactly_the_keys_of_the_sample(topic: str, subject_id: int) -> None:
    world = small_world()

    body = webhook(topic, world, subject_id, LATER)

    assert sorted(body) == KEYS[topic]


def test_nested_objects_have_the_keys_of_the_sample() -> None:
    world = _refunded_world()

    body = webhook("orders/create", world, 2000, LATER)
    refund = webhook("refunds/create", world, 2000, LATER)

    assert sorted(body["line_items"][0]) == KEYS["orders/create line_items"]
    assert sorted(body["customer"]) == KEYS["orders/create customer"]
    assert sorted(body["billing_address"]) == KEYS["orders/create billing_address"]
    assert sorted(refund["refund_line_items"][0]) == KEYS["refunds/create refund_line_items"]
    assert (
        sorted(webhook("products/update", world, 501, LATER)["variants"][0])
        == KEYS["products/update variants"]
    )


def test_customer_payload_carries_no_consent_tags_or_totals() -> None:
    world = small_world()

    body = webhook("customers/update", world, 2, LATER)

    gone = {"email_marketing_consent", "sms_marketing_consent", "tags", "orders_count", "total_spent"}
    assert not gone & set(body)


@pytest.mark.parametrize(
    ("after", "financial", "fulfillment", "shipment"),
    [
        (timedelta(0), "pending", None, None),
        (timedelta(minutes=1), "paid", None, None),
        (timedelta(hours=20), "paid", "fulfilled", None),
        (timedelta(days=3), "paid", "fulfilled", "delivered"),
    ],
)
def test_order_shows_its_state_as_of_the_fact(
    after: timedelta, financial: str, fulfillment: str | None, shipment: str | None
) -> None:
    world = small_world()

    body = webhook("orders/updated", world, 2000, PLACED + after)

    assert (body["financial_status"], body["fulfillment_status"]) == (financial, fulfillment)
    assert [fulfilled["shipment_status"] for fulfilled in body["fulfillments"]] == [shipment][
        : bool(fulfillment)
    ]
    assert datetime.fromisoformat(body["updated_at"]) == PLACED + after


def test_orders_from_the_consent_on_carry_the_ticked_box() -> None:
    world = small_world()
    world.shoppers[2] = shopper(2, SHOPIFY, tracking_consent_at=PLACED)
    world.add_order(order(2001, 2, SHOPIFY, placed_at=PLACED - timedelta(seconds=1)))

    before, after = (webhook("orders/updated", world, basket, LATER) for basket in (2001, 2000))

    assert before["note_attributes"] == []
    assert after["note_attributes"] == [{"name": "tracking_consent", "value": "yes"}]


def test_times_are_store_local_with_the_offset() -> None:
    world = small_world()

    body = webhook("orders/create", world, 2000, PLACED)

    assert body["created_at"] == "2026-05-04T18:30:00+02:00"


def test_line_prices_and_allocations_add_up_to_the_total() -> None:
    world = small_world()

    body = webhook("orders/create", world, 2000, PLACED)

    total = Decimal(0)
    for line in body["line_items"]:
        gross = (Decimal(line["price"]) * line["quantity"]).quantize(Decimal("0.01"))
        total += gross - sum(Decimal(part["amount"]) for part in line["discount_allocations"])
    assert (body["total_price"], body["total_discounts"], total) == ("12.00", "1.00", Decimal("12.00"))


@pytest.mark.parametrize(("gross", "quantity"), [(1000, 3), (2017, 8034), (1, 7), (199, 1), (0, 2)])
def test_unit_price_times_quantity_is_the_exact_gross(gross: int, quantity: int) -> None:
    price = Decimal(unit_price(gross, quantity))

    assert (price * quantity).quantize(Decimal("0.01")) == Decimal(gross) / 100


@pytest.mark.parametrize(
    ("gross", "quantity", "price"), [(400, 2, "2.00"), (1000, 3, "3.333"), (5, 10, "0.005")]
)
def test_unit_price_is_no_longer_than_it_must_be(gross: int, quantity: int, price: str) -> None:
    assert unit_price(gross, quantity) == price


def test_partial_refund_lowers_the_current_total_and_the_line() -> None:
    world = _refunded_world()

    body = webhook("orders/updated", world, 2000, LATER)
    refund = webhook("refunds/create", world, 2000, LATER)

    assert body["financial_status"] == "partially_refunded"
    assert (body["total_price"], body["current_total_price"]) == ("12.00", "9.00")
    assert [line["current_quantity"] for line in body["line_items"]] == [3, 0]
    assert [line["line_item_id"] for line in refund["refund_line_items"]] == [2000001]
    assert refund["transactions"][0]["amount"] == "3.00"


def test_cancelled_order_that_was_paid_is_refunded_in_full() -> None:
    world = small_world()
    cancelled_at = PLACED + timedelta(hours=1)
    changes = {"fulfilled_at": None, "delivered_at": None, "cancelled_at": cancelled_at}
    refund = {"refunded_at": cancelled_at, "refunded_lines": (2000000, 2000001), "refunded_minor": 1200}
    world.add_order(order(2000, 2, SHOPIFY, **changes, **refund))

    body = webhook("orders/cancelled", world, 2000, cancelled_at)

    assert (body["financial_status"], body["cancel_reason"]) == ("refunded", "customer")
    assert body["cancelled_at"] == "2026-05-04T19:30:00+02:00"
    assert body["current_total_price"] == "0.00"


def test_redeemed_code_stands_on_the_order_with_amount_zero() -> None:
    world = small_world()
    world.vouchers.append(Voucher(SHOPIFY, 9, "BDAY-1", "percent", "15", None, None, "Birthday"))
    world.codes[2000] = ("BDAY-1",)

    body = webhook("orders/create", world, 2000, PLACED)

    assert body["discount_codes"] == [{"code": "BDAY-1", "amount": "0.00", "type": "percentage"}]
    assert [found["type"] for found in body["discount_applications"]] == ["automatic", "discount_code"]


def test_consent_topics_write_the_state_in_lower_case() -> None:
    world = small_world()
    withdrawn_at = PLACED + timedelta(days=1)
    world.shoppers[2] = shopper(2, SHOPIFY, withdrawn_at=withdrawn_at)

    given = webhook("customers_email_marketing_consent/update", world, 2, PLACED)
    taken = webhook("customers_email_marketing_consent/update", world, 2, withdrawn_at)

    assert given["email_marketing_consent"] == {
        "state": "subscribed",
        "opt_in_level": "confirmed_opt_in",
        "consent_updated_at": "2026-04-05T18:30:00+02:00",
    }
    assert taken["email_marketing_consent"]["state"] == "unsubscribed"


def test_long_basket_is_whole() -> None:
    world = small_world()
    lines = tuple(Line(7000 + place, 501, 1, 100, 0) for place in range(40))
    world.add_order(replace(order(7, 2, SHOPIFY), lines=lines, total_minor=4000, discount_minor=0))

    body = webhook("orders/create", world, 7, PLACED)

    assert len(body["line_items"]) == 40
    assert body["discount_applications"] == []


def test_unknown_subject_is_an_error() -> None:
    with pytest.raises(KeyError):
        webhook("orders/create", FakeWorld(), 1, PLACED)


def _refunded_world() -> FakeWorld:
    world = small_world()
    refunded_at = PLACED + timedelta(days=5)
    refund = {"refunded_at": refunded_at, "refunded_lines": (2000001,), "refunded_minor": 300}
    world.add_order(order(2000, 2, SHOPIFY, **refund))
    return world
