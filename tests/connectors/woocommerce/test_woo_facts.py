"""The fifteen facts measured on real stores, each as far as a connector can show it."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import CustomerRecord, Deletion, OrderRecord, Record, Resource, Unauthorized
from connectors.storefronts.woocommerce.auth import read_callback
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.records import OwnerDemoted, records
from connectors.storefronts.woocommerce.webhook import verify
from tests.connectors.woocommerce.woo_wire import (
    Answers,
    Connect,
    Deliveries,
    Delivery,
    FakeStore,
    buyer,
    only,
)

HOOKS = "https://app.example.test/webhooks/woocommerce/7"
AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
PLAIN = MetaMapping()


def read(captured: Delivery, mapping: MetaMapping = PLAIN) -> list[Record]:
    return records(captured.topic, captured.body, mapping, AT)


def test_fact_01_one_delivery_id_is_shared_by_four_products(delivery: Deliveries) -> None:
    names = [
        "hpos_001_product_created",
        "hpos_002_product_created",
        "hpos_003_product_created",
        "hpos_004_product_created",
    ]
    captured = [delivery(name) for name in names]

    delivery_ids = {one.headers["X-WC-Webhook-Delivery-ID"] for one in captured}
    dedupe_keys = {verify(one.headers, one.body, one.secret).dedupe_key for one in captured}

    assert (len(delivery_ids), len(dedupe_keys)) == (1, 4)


def test_fact_02_a_lost_delivery_is_found_by_the_poll(
    connect: Connect, store: FakeStore, rest_answer: Answers
) -> None:
    store.rows["orders"] = rest_answer("rest_orders_status_any")
    since = datetime(2026, 11, 22, 1, 46, tzinfo=UTC)

    page = connect().page(Resource.ORDERS, cursor=None, updated_since=since)

    captured = rest_answer("rest_order_modified_after")
    expected = {str(row["id"]) for row in captured}
    found = [record for record in page.records if isinstance(record, OrderRecord)]
    assert len(found) == len(page.records)
    assert expected <= {record.external_id for record in found}
    assert all(record.updated_at >= since for record in found)


def test_fact_03_a_disabled_webhook_is_made_anew_for_a_fresh_counter(
    connect: Connect, store: FakeStore
) -> None:
    storefront = connect()
    urls = {"order.updated": f"{HOOKS}/a", "order.created": f"{HOOKS}/b"}
    storefront.subscribe(urls, "00ff")
    store.rows["webhooks"][0]["status"] = "disabled"
    [disabled] = [found for found in storefront.subscriptions() if found.state == "disabled"]

    after = storefront.subscribe(urls, "00ee")

    assert disabled.topic == "order.updated"
    assert [found.state for found in after] == ["active", "active"]
    assert {row["topic"]: row["secret"] for row in store.rows["webhooks"]} == {
        "order.updated": "00ee",
        "order.created": "00ff",
    }


def test_fact_04_the_delivery_url_is_given_to_the_letter(connect: Connect, store: FakeStore) -> None:
    connect().subscribe({"order.updated": f"{HOOKS}/Ab-_9/"}, "00ff")

    assert store.rows["webhooks"][0]["delivery_url"] == f"{HOOKS}/Ab-_9/"


def test_fact_05_the_ping_is_unsigned_and_without_woocommerce_headers(each_ping: Delivery) -> None:
    assert not any(name.lower().startswith("x-wc-") for name in each_ping.headers)
    assert verify(each_ping.headers, each_ping.body, "any").is_ping


def test_fact_06_the_store_calls_back_before_it_answers(connect: Connect, store: FakeStore) -> None:
    pinged: list[tuple[str, int]] = []
    store.on_webhook_created = lambda url: pinged.append((url, len(store.rows["webhooks"])))

    connect().subscribe({"order.updated": f"{HOOKS}/a", "order.created": f"{HOOKS}/b"}, "00ff")

    assert pinged == [(f"{HOOKS}/a", 0), (f"{HOOKS}/b", 1)]


def test_fact_07_a_signed_error_is_no_resource() -> None:
    gone = b'{"code":"wc_user_invalid_id","message":"Invalid user ID.","data":{"status":404}}'
    demoted = b'{"code":"woocommerce_rest_cannot_view","message":"Sorry","data":{"status":403}}'

    assert records("customer.updated", gone, PLAIN, AT) == []
    with pytest.raises(OwnerDemoted):
        records("order.updated", demoted, PLAIN, AT)


def test_fact_08_a_deletion_that_lies_is_found_out_by_a_look_up(
    connect: Connect, store: FakeStore, rest_answer: Answers
) -> None:
    store.rows["products"] = rest_answer("rest_products_modified_after")
    lie = b'{"id":38}'

    deletion = only(records("product.deleted", lie, PLAIN, AT), Deletion)
    coupon = records("coupon.deleted", lie, PLAIN, AT)

    assert deletion == Deletion(Resource.PRODUCTS, "38", AT)
    assert coupon == []
    assert connect().fetch(deletion.resource, deletion.external_id) is not None


def test_fact_09_a_permanent_deletion_is_seen_by_a_look_up_only(
    connect: Connect, store: FakeStore, rest_answer: Answers
) -> None:
    store.rows["orders"] = [row for row in rest_answer("rest_orders_status_any") if row["id"] != 43]

    assert connect().fetch(Resource.ORDERS, "43") is None
    assert connect().fetch(Resource.ORDERS, "44") is not None


def test_fact_10_updated_comes_before_created_and_both_say_the_same(delivery: Deliveries) -> None:
    updated = delivery("storecheckout_043_order_updated")
    created = delivery("storecheckout_046_order_created")

    assert read(updated) == read(created)
    assert only(read(created), OrderRecord).is_paid


def test_fact_11_a_checkout_draft_is_never_an_order(delivery: Deliveries) -> None:
    opened, typed = delivery("storecheckout_035_order_updated"), delivery("storecheckout_039_order_updated")

    empty, draft = only(read(opened), OrderRecord), only(read(typed)[-1:], OrderRecord)
    paid = typed.payload(date_paid_gmt="2026-11-22T01:57:06")
    paid_draft = only(records("order.created", paid, PLAIN, AT)[-1:], OrderRecord)

    assert (empty.status, empty.customer) == ("draft", None)
    assert (draft.status, buyer(draft).email) == ("draft", "ada2@example.test")
    assert not draft.is_paid
    assert not paid_draft.is_paid


def test_fact_12_the_callback_names_no_store_but_echoes_our_state(captured_file: Answers) -> None:
    captured = captured_file("wc_auth_callback")

    pair = read_callback(captured["callback_post"]["body"].encode())

    assert pair.state == captured["authorize_request"]["params"]["user_id"]
    assert pair.key == "ck_93b10dcfeca2dbaa46b7723db2bbd411b81b3bff"
    assert pair.secret == "cs_70ceeecfad5d7820995ed13629f29183f31311ad"
    assert pair.permissions == "read_write"


def test_fact_13_a_revoked_key_shows_as_unauthorized_at_the_next_call(
    connect: Connect, store: FakeStore
) -> None:
    store.rows["orders"] = []
    storefront = connect()
    storefront.count(Resource.ORDERS)
    store.key = "ck_" + "0" * 40

    with pytest.raises(Unauthorized) as caught:
        storefront.count(Resource.ORDERS)

    assert (caught.value.status, caught.value.permanent) == (401, True)


def test_fact_14_customers_are_always_read_whole(
    connect: Connect, store: FakeStore, rest_answer: Answers
) -> None:
    store.rows["customers"] = rest_answer("rest_customers_role_all")

    page = connect().page(Resource.CUSTOMERS, cursor=None, updated_since=AT + timedelta(days=900))

    assert len(page.records) == 7
    [query] = store.queries("/customers")
    assert "modified_after" not in query
    assert (query["role"], query["orderby"]) == ("all", "id")


def test_fact_15_hidden_meta_shows_on_orders_and_never_on_customers(delivery: Deliveries) -> None:
    mapping = MetaMapping(birthday_key="_billing_birthdate")

    order = only(read(delivery("hpos_014_order_updated"), mapping), OrderRecord)
    customer = only(read(delivery("hpos_007_customer_updated"), mapping), CustomerRecord)

    assert (buyer(order).birth_year, buyer(order).birth_month, buyer(order).birth_day) == (1988, 11, 22)
    assert customer.birth_month is None
