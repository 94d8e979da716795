"""Payloads as Records: orders, customers, products, deletions and what is not readable."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.base import (
    CheckoutRecord,
    CustomerRecord,
    Deletion,
    Money,
    OrderRecord,
    PrivacyKind,
    PrivacyRequest,
    ProductRecord,
    Record,
    Resource,
)
from connectors.storefronts.woocommerce.meta import PRESETS, MetaMapping
from connectors.storefronts.woocommerce.records import records
from tests.connectors.woocommerce.woo_wire import Answers, Deliveries, Delivery, buyer, only

PLAIN = MetaMapping()
AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def at(hour: int, minute: int, second: int) -> datetime:
    return datetime(2026, 11, 22, hour, minute, second, tzinfo=UTC)


def read(captured: Delivery, mapping: MetaMapping = PLAIN) -> list[Record]:
    return records(captured.topic, captured.body, mapping, AT)


EXPECTED = {
    "order.created": OrderRecord,
    "order.updated": OrderRecord,
    "order.restored": OrderRecord,
    "order.deleted": Deletion,
    "customer.created": CustomerRecord,
    "customer.updated": CustomerRecord,
    "customer.deleted": Deletion,
    "product.created": ProductRecord,
    "product.updated": ProductRecord,
    "product.deleted": Deletion,
}


def test_every_captured_delivery_reads_to_what_its_topic_promises(each_delivery: Delivery) -> None:
    found = read(each_delivery)

    is_variation = b'"type":"variation"' in each_delivery.body
    expected = (
        [] if is_variation else [EXPECTED[each_delivery.topic]] if each_delivery.topic in EXPECTED else []
    )
    is_checkout = (
        b'"status":"checkout-draft"' in each_delivery.body and b'"email":""' not in each_delivery.body
    )
    assert [type(record) for record in found] == [CheckoutRecord] * is_checkout + expected


def test_a_paid_order_carries_money_lines_and_moments(delivery: Deliveries) -> None:
    order = only(read(delivery("hpos_019_order_updated")), OrderRecord)

    assert (order.external_id, order.number, order.status) == ("43", "43", "open")
    assert (order.financial_status, order.fulfillment_status) == ("paid", "fulfilled")
    assert order.total == Money("36.03", "EUR")
    assert order.discount == Money("5.47", "EUR")
    assert order.shipping == Money("5.00", "EUR")
    assert order.discount_codes == ("bday-lucia-hpos",)
    assert order.is_discounted
    assert order.placed_at == at(1, 55, 36)
    assert order.paid_at == at(1, 55, 38)
    assert order.delivered_at == at(1, 55, 41)
    assert order.updated_at == at(1, 55, 41)
    assert order.lines is not None
    first, second = order.lines
    assert (first.product_external_id, first.variant_external_id, first.quantity) == ("38", None, 2)
    assert first.total == Money("22.95", "EUR")
    assert (second.product_external_id, second.variant_external_id) == ("40", "41")


def test_an_unpaid_order_is_not_paid(delivery: Deliveries) -> None:
    order = only(read(delivery("hpos_012_order_created")), OrderRecord)

    assert not order.is_paid
    assert order.financial_status == "pending"
    assert order.delivered_at is None


def test_cash_on_delivery_counts_as_paid_by_its_status(delivery: Deliveries) -> None:
    order = only(read(delivery("storecheckout_043_order_updated")), OrderRecord)

    assert order.is_paid
    assert order.paid_at is None


def test_a_merchant_decides_which_statuses_count_as_paid(delivery: Deliveries) -> None:
    waiting = delivery("storecheckoutacct_003_order_updated")

    by_default = only(read(waiting), OrderRecord)
    by_choice = only(read(waiting, MetaMapping(paid_statuses=("on-hold",))), OrderRecord)

    assert (by_default.is_paid, by_choice.is_paid) == (False, True)


def test_a_merchants_own_status_can_mean_delivered(delivery: Deliveries) -> None:
    completed = delivery("hpos_019_order_updated")
    mapping = MetaMapping(delivered_statuses=("arrived",))

    sent = only(read(completed, mapping), OrderRecord)
    arrived = only(records("order.updated", completed.payload(status="arrived"), mapping, AT), OrderRecord)

    assert (sent.fulfilled_at, sent.delivered_at) == (at(1, 55, 41), None)
    assert arrived.delivered_at == at(1, 55, 41)
    assert arrived.status == "arrived"


def test_a_refund_is_a_positive_amount(delivery: Deliveries) -> None:
    order = only(read(delivery("hpos_026_order_updated")), OrderRecord)

    assert order.refunds is not None
    [refund] = order.refunds
    assert (refund.external_id, refund.amount) == ("45", Money("5.00", "EUR"))
    assert refund.refunded_at == at(1, 55, 45)
    assert order.refunded_total == Money("5.00", "EUR")
    assert order.financial_status == "partially_refunded"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("cancelled", ("cancelled", "voided")),
        ("failed", ("failed", "failed")),
        ("refunded", ("open", "refunded")),
        ("on-hold", ("open", "pending")),
        ("wc-lost-in-space", ("wc-lost-in-space", "unknown")),
    ],
)
def test_statuses_are_translated_or_kept(
    delivery: Deliveries, status: str, expected: tuple[str, str]
) -> None:
    unpaid = delivery("hpos_012_order_created")

    order = only(records("order.updated", unpaid.payload(status=status), PLAIN, AT), OrderRecord)

    assert (order.status, order.financial_status) == expected


def test_only_a_cancelled_order_has_a_moment_of_cancelling(delivery: Deliveries) -> None:
    unpaid = delivery("hpos_012_order_created")

    cancelled = only(records("order.updated", unpaid.payload(status="cancelled"), PLAIN, AT), OrderRecord)
    waiting = only(read(unpaid), OrderRecord)

    assert cancelled.cancelled_at == at(1, 55, 36)
    assert waiting.cancelled_at is None


def test_what_a_payload_leaves_out_is_none(delivery: Deliveries) -> None:
    payload = json.loads(delivery("hpos_014_order_updated").body)
    del payload["line_items"], payload["refunds"]

    order = only(records("order.updated", json.dumps(payload).encode(), PLAIN, AT), OrderRecord)

    assert (order.lines, order.refunds, order.refunded_total) == (None, None, None)


def test_an_order_in_the_trash_is_a_deletion(delivery: Deliveries) -> None:
    paid = delivery("hpos_014_order_updated")

    found = records("order.updated", paid.payload(status="trash"), PLAIN, AT)

    assert found == [Deletion(Resource.ORDERS, "43", at(1, 55, 38))]


def test_a_guest_is_known_by_the_normalised_address(delivery: Deliveries) -> None:
    order = only(read(delivery("hpos_022_order_created")), OrderRecord)

    assert buyer(order).external_id is None
    assert buyer(order).email == "gino.h@example.test"
    assert buyer(order).phone == "3331234567"
    assert buyer(order).country == "IT"
    assert buyer(order).city is None
    assert buyer(order).updated_at == order.updated_at


def test_an_account_in_an_order_leaves_the_last_word_to_the_account(delivery: Deliveries) -> None:
    order = only(read(delivery("hpos_014_order_updated")), OrderRecord)

    assert buyer(order).external_id == "8"
    assert buyer(order).updated_at is None


def test_an_account_is_read_whole(delivery: Deliveries) -> None:
    customer = only(read(delivery("hpos_010_customer_updated")), CustomerRecord)

    assert (customer.external_id, customer.email) == ("8", "lucia.hpos@example.test")
    assert (customer.first_name, customer.last_name) == ("Lucia", "Rossi")
    assert (customer.phone, customer.city, customer.region) == ("+39 347 000 1111", "Torino", "TO")
    assert customer.created_at == at(1, 55, 32)
    assert customer.updated_at == at(1, 55, 34)


def test_a_subscriber_who_was_never_edited_is_a_person_too(rest_answer: Answers) -> None:
    subscriber = next(row for row in rest_answer("rest_customers_role_all") if row["role"] == "subscriber")

    customer = only(records("customer.created", json.dumps(subscriber).encode(), PLAIN, AT), CustomerRecord)

    assert customer.external_id == str(subscriber["id"])
    assert customer.updated_at == customer.created_at


@pytest.mark.parametrize("billing", [[], None])
def test_phps_empty_list_is_an_empty_object(delivery: Deliveries, billing: object) -> None:
    created = delivery("hpos_006_customer_created")

    customer = only(records("customer.created", created.payload(billing=billing), PLAIN, AT), CustomerRecord)

    assert customer.phone == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"billing": {"email": "deleted@site.invalid", "first_name": "[deleted]"}, "customer_id": 0},
        {"meta_data": [{"id": 1, "key": "_anonymized", "value": "yes"}], "customer_id": 0},
    ],
)
def test_an_anonymised_order_asks_for_the_erasure_of_who_was_known_under_it(
    delivery: Deliveries, changes: dict[str, Any]
) -> None:
    paid = delivery("storecheckoutacct_003_order_updated")
    mapping = MetaMapping(email_consent_key="_wc_other/localtest/marketing-opt-in")

    request, order = records("order.updated", paid.payload(**changes), mapping, AT)

    assert request == PrivacyRequest(PrivacyKind.ERASE_CUSTOMER, None, None, ("54",))
    assert isinstance(order, OrderRecord)
    assert (order.external_id, order.customer) == ("54", None)


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "deleted@site.invalid"},
        {"billing": {"email": "deleted@site.invalid"}},
        {"meta_data": [{"id": 1, "key": "_anonymized", "value": "yes"}]},
    ],
    ids=["account", "billing", "mark"],
)
def test_an_anonymised_account_asks_for_its_own_erasure(
    delivery: Deliveries, changes: dict[str, Any]
) -> None:
    updated = delivery("hpos_009_customer_updated")

    request = only(records("customer.updated", updated.payload(**changes), PLAIN, AT), PrivacyRequest)

    account = str(json.loads(updated.payload())["id"])
    assert request == PrivacyRequest(PrivacyKind.ERASE_CUSTOMER, account, None)


@pytest.mark.parametrize(
    ("value", "is_delivered"), [("delivered", True), ("Delivered", True), ("in_transit", False), ("", False)]
)
def test_a_shipment_plugin_alone_says_whether_its_order_was_delivered(
    delivery: Deliveries, value: str, is_delivered: bool
) -> None:
    completed = delivery("hpos_019_order_updated")
    meta = [{"id": 1, "key": "ts_shipment_status", "value": value}]
    body = completed.payload(meta_data=meta, status="completed")

    order = only(records("order.updated", body, PRESETS["trackship"], AT), OrderRecord)

    assert (order.delivered_at is not None) is is_delivered


@pytest.mark.parametrize(
    ("key", "value", "status", "is_delivered"),
    [
        ("_wc_shipment_tracking_items", [{"tracking_number": "1"}], "completed", False),
        ("_ost_tracking_items", {"2": {"tracking_number": "1"}}, "completed", False),
        ("shipment_status", [{"status": "delivered"}, {"status": "in_transit"}], "completed", False),
        ("shipment_status", [{"status": "delivered"}, {"status": "Delivered"}], "completed", True),
        ("shipment_status", {"status": "delivered"}, "completed", True),
        ("_wc_shipment_tracking_items", [{"tracking_number": "1"}], "delivered", True),
        ("_wc_shipment_tracking_items", [], "completed", True),
    ],
)
def test_a_list_of_parcels_says_whether_all_have_arrived(
    delivery: Deliveries, key: str, value: object, status: str, is_delivered: bool
) -> None:
    preset = PRESETS["ost" if key.startswith("_ost") else "ast"]
    mapping = replace(preset, delivered_statuses=("completed", "delivered"))
    meta = [{"id": 1, "key": key, "value": value}]
    body = delivery("hpos_019_order_updated").payload(meta_data=meta, status=status)

    order = only(records("order.updated", body, mapping, AT), OrderRecord)

    assert (order.delivered_at is not None) is is_delivered


def test_an_order_that_the_shipment_plugin_does_not_know_goes_by_its_status(delivery: Deliveries) -> None:
    body = delivery("hpos_019_order_updated").payload(meta_data=[], status="completed")

    order = only(records("order.updated", body, PRESETS["trackship"], AT), OrderRecord)

    assert order.delivered_at == order.fulfilled_at
