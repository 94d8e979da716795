"""WooCommerce's bodies, held against the key sets of captured ones."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.model import WOOCOMMERCE, Birth, Voucher
from connectors.sandbox.woo_payloads import encode, webhook
from tests.connectors.sandbox.sandbox_fake_world import PLACED, FakeWorld, order, shopper, small_world

FIXTURES = Path(__file__).parents[2] / "fixtures" / "woocommerce"
KEYS = json.loads((FIXTURES / "sandbox_body_keys.json").read_text(encoding="utf-8"))
LATER = PLACED + timedelta(days=9)


@pytest.mark.parametrize(
    ("topic", "subject_id"), [("order.updated", 1000), ("customer.updated", 1), ("product.created", 601)]
)
def test_body_has_exactly_the_keys_of_the_capture(topic: str, subject_id: int) -> None:
    body = webhook(topic, small_world(), subject_id, LATER)

    assert sorted(body) == KEYS[topic.partition(".")[0]]


def test_nested_objects_have_the_keys_of_the_capture() -> None:
    world = small_world()
    world.vouchers.append(Voucher(WOOCOMMERCE, 9, "bday-1", "percent", "15", None, None, ""))
    world.codes[1000] = ("bday-1",)
    refund = {"refunded_at": LATER, "refunded_lines": (1000001,), "refunded_minor": 300}
    world.add_order(order(1000, 1, WOOCOMMERCE, **refund))

    body = webhook("order.updated", world, 1000, LATER)
    customer = webhook("customer.updated", world, 1, LATER)

    for name, part in {
        "order_billing": body["billing"],
        "order_shipping": body["shipping"],
        "order_line": body["line_items"][0],
        "order_coupon_line": body["coupon_lines"][0],
        "order_refund": body["refunds"][0],
        "customer_billing": customer["billing"],
        "customer_shipping": customer["shipping"],
    }.items():
        assert sorted(part) == KEYS[name], name


@pytest.mark.parametrize(
    ("after", "status", "paid", "completed"),
    [
        (timedelta(0), "pending", None, None),
        (timedelta(minutes=1), "processing", "2026-05-04T16:31:00", None),
        (timedelta(hours=20), "completed", "2026-05-04T16:31:00", "2026-05-05T12:30:00"),
    ],
)
def test_order_shows_its_state_as_of_the_delivery(
    after: timedelta, status: str, paid: str | None, completed: str | None
) -> None:
    body = webhook("order.created", small_world(), 1000, PLACED + after)

    assert (body["status"], body["date_paid_gmt"], body["date_completed_gmt"]) == (status, paid, completed)


def test_dates_are_store_local_beside_their_gmt_twins() -> None:
    body = webhook("order.created", small_world(), 1000, PLACED)

    assert (body["date_created"], body["date_created_gmt"]) == ("2026-05-04T18:30:00", "2026-05-04T16:30:00")


def test_amounts_are_texts_and_the_unit_price_is_a_number() -> None:
    body = webhook("order.created", small_world(), 1000, PLACED)

    assert (body["total"], body["discount_total"]) == ("12.00", "1.00")
    lines = [(line["subtotal"], line["total"], line["price"]) for line in body["line_items"]]
    assert lines == [("10.00", "9.00", 3), ("3.00", "3.00", 3)]


def test_full_refund_and_cancellation_change_the_status_and_a_partial_refund_does_not() -> None:
    world = small_world()
    full = {"refunded_at": LATER, "refunded_lines": (1000000, 1000001), "refunded_minor": 1200}
    part = {"refunded_at": LATER, "refunded_lines": (1001001,), "refunded_minor": 300}
    world.add_order(order(1000, 1, WOOCOMMERCE, **full))
    world.add_order(order(1001, 3, WOOCOMMERCE, **part))
    world.add_order(order(1002, 5, WOOCOMMERCE, fulfilled_at=None, cancelled_at=LATER, **full))

    bodies = [webhook("order.updated", world, basket, LATER) for basket in (1000, 1001, 1002)]

    assert [body["status"] for body in bodies] == ["refunded", "completed", "cancelled"]
    assert [body["refunds"][0]["total"] for body in bodies] == ["-12.00", "-3.00", "-12.00"]


def test_consent_and_birthday_are_meta_of_order_and_customer() -> None:
    world = small_world()
    world.shoppers[1] = shopper(1, WOOCOMMERCE, birth=Birth(2, 29, None), sms_consent_at=PLACED)

    on_order = _meta(webhook("order.created", world, 1000, PLACED))
    on_customer = _meta(webhook("customer.updated", world, 1, PLACED))

    assert on_order["_wc_other/sandbox/newsletter"] == "1"
    assert on_customer == {"sandbox_newsletter": "1", "sandbox_sms": "1", "sandbox_birthday": "--02-29"}


def test_the_consent_to_follow_clicks_is_meta_from_its_moment_on() -> None:
    world = small_world()
    world.shoppers[1] = shopper(1, WOOCOMMERCE, tracking_consent_at=PLACED)

    on_order = _meta(webhook("order.created", world, 1000, PLACED))
    before, after = (
        _meta(webhook("customer.updated", world, 1, moment))
        for moment in (PLACED - timedelta(seconds=1), PLACED)
    )

    assert on_order["sandbox_tracking"] == "1"
    assert "sandbox_tracking" not in before
    assert after["sandbox_tracking"] == "1"


def test_an_order_before_the_consent_says_nothing_of_clicks() -> None:
    world = small_world()
    world.shoppers[1] = shopper(1, WOOCOMMERCE, tracking_consent_at=PLACED + timedelta(seconds=1))

    assert "sandbox_tracking" not in _meta(webhook("order.updated", world, 1000, LATER))


def test_withdrawal_shows_on_the_customer_and_no_later_order_says_yes() -> None:
    world = small_world()
    withdrawn_at = PLACED - timedelta(days=1)
    world.shoppers[1] = shopper(1, WOOCOMMERCE, withdrawn_at=withdrawn_at)

    before = _meta(webhook("customer.updated", world, 1, withdrawn_at - timedelta(seconds=1)))
    after = _meta(webhook("customer.updated", world, 1, withdrawn_at))
    on_order = _meta(webhook("order.created", world, 1000, PLACED))

    assert (before["sandbox_newsletter"], after["sandbox_newsletter"]) == ("1", "0")
    assert "_wc_other/sandbox/newsletter" not in on_order


def test_an_order_keeps_the_tick_it_was_placed_with() -> None:
    world = small_world()
    world.shoppers[1] = shopper(1, WOOCOMMERCE, withdrawn_at=PLACED + timedelta(days=1))

    on_order = _meta(webhook("order.updated", world, 1000, LATER))

    assert on_order["_wc_other/sandbox/newsletter"] == "1"


def test_guest_orders_have_customer_zero_and_an_address_as_typed() -> None:
    world = small_world()
    world.shoppers[1] = shopper(1, WOOCOMMERCE, is_guest=True)
    for basket in range(20):
        world.add_order(order(basket, 1, WOOCOMMERCE))

    bodies = [webhook("order.created", world, basket, PLACED) for basket in range(20)]

    typed = {body["billing"]["email"] for body in bodies}
    assert {body["customer_id"] for body in bodies} == {0}
    assert len(typed) > 1
    assert {email.lower() for email in typed} == {"lucia.rossi1@example.com"}


def test_redeemed_coupon_line_takes_nothing_off() -> None:
    world = small_world()
    world.vouchers.append(Voucher(WOOCOMMERCE, 9, "bday-1", "percent", "15", None, None, ""))
    world.codes[1000] = ("BDAY-1",)

    line = webhook("order.created", world, 1000, PLACED)["coupon_lines"][0]

    assert (line["code"], line["discount"]) == ("bday-1", "0.00")
    assert (line["discount_type"], line["nominal_amount"]) == ("percent", 15)


def test_bytes_are_ascii_with_escaped_slashes() -> None:
    assert encode({"a": "caffè/€"}) == b'{"a":"caff\\u00e8\\/\\u20ac"}'


def test_unknown_subject_is_an_error() -> None:
    with pytest.raises(KeyError):
        webhook("order.created", FakeWorld(), 1, PLACED)


def _meta(body: dict[str, Any]) -> dict[str, Any]:
    values = {meta["key"]: meta["value"] for meta in body["meta_data"]}
    values.pop("is_vat_exempt", None)
    return values
