"""What we write into a store: vouchers as coupons, and our webhooks."""

from datetime import UTC, datetime

import pytest

from connectors.base import ConnectorError, VoucherSpec
from connectors.storefronts.woocommerce.auth import AuthMode
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.topics import MINIMUM_TOPICS

HOOKS = "https://app.example.test/webhooks/woocommerce/7"
START = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


def voucher(**changes):
    values = {
        "code": "BDAY-7KQ2",
        "title": "Birthday",
        "kind": "percentage",
        "value": "15",
        "currency": "EUR",
        "starts_at": START,
        "expires_at": datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC),
    }
    return VoucherSpec(**{**values, **changes})


@pytest.mark.parametrize("mode", [AuthMode.OAUTH, AuthMode.OAUTH_HOME, AuthMode.BASIC])
def test_each_way_of_signing_reads_and_writes(connect, store, mode):
    storefront = connect(mode=mode)

    voucher_id = storefront.mint_voucher(voucher())

    assert storefront.find_voucher("bday-7kq2") == voucher_id


def test_a_voucher_is_a_coupon_for_one_use_in_store_time(connect, store):
    connect().mint_voucher(voucher(product_external_ids=("38", "40")))

    [coupon] = store.rows["coupons"]
    assert coupon["code"] == "bday-7kq2"
    assert (coupon["discount_type"], coupon["amount"], coupon["free_shipping"]) == ("percent", "15", False)
    assert (coupon["usage_limit"], coupon["usage_limit_per_user"]) == (1, 1)
    assert coupon["date_expires"] == "2026-12-31T23:59:59"
    assert coupon["product_ids"] == [38, 40]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("amount", ("fixed_cart", "5.00", False)), ("free_shipping", ("fixed_cart", "0", True))],
)
def test_kinds_of_vouchers(connect, store, kind, expected):
    connect().mint_voucher(voucher(kind=kind, value="5.00"))

    [coupon] = store.rows["coupons"]
    assert (coupon["discount_type"], coupon["amount"], coupon["free_shipping"]) == expected


@pytest.mark.parametrize(
    "changes", [{"kind": "gift"}, {"kind": "amount", "currency": "USD"}, {"product_external_ids": ("x",)}]
)
def test_a_voucher_that_a_coupon_cannot_express_is_refused_for_good(connect, store, changes):
    with pytest.raises(ConnectorError) as caught:
        connect(MetaMapping(currency="EUR")).mint_voucher(voucher(**changes))

    assert caught.value.permanent
    assert store.requests == []


def test_minting_twice_gives_the_same_coupon(connect, store):
    storefront = connect()

    first = storefront.mint_voucher(voucher())
    second = storefront.mint_voucher(voucher(code="Bday-7KQ2"))

    assert first == second
    assert len(store.rows["coupons"]) == 1


def test_a_code_that_is_taken_but_not_found_is_an_error(connect, store):
    storefront = connect()
    storefront.mint_voucher(voucher())
    store.rows["coupons"][0]["code"] = "bday-7kq2"
    store.overrides["/wc/v3/coupons"] = (
        400,
        {},
        '{"code":"woocommerce_rest_coupon_code_already_exists","message":"","data":{"status":400}}',
    )

    with pytest.raises(ConnectorError):
        storefront.mint_voucher(voucher())


def test_an_unknown_code_is_none(connect, store, rest_answer):
    store.rows["coupons"] = rest_answer("rest_coupons_page1")

    assert connect().find_voucher("nobody") is None
    assert connect().find_voucher("X2") == "48"


def test_subscribing_makes_one_webhook_per_topic(connect, store):
    urls = {topic: f"{HOOKS}/{topic.replace('.', '-')}" for topic in MINIMUM_TOPICS}

    made = connect().subscribe(urls, "00ff")

    assert {(found.topic, found.url, found.state) for found in made} == {
        (topic, url, "active") for topic, url in urls.items()
    }
    assert {row["secret"] for row in store.rows["webhooks"]} == {"00ff"}


def test_subscribing_again_makes_only_what_is_missing(connect, store):
    storefront = connect()
    urls = {topic: f"{HOOKS}/x" for topic in MINIMUM_TOPICS}
    before = storefront.subscribe(urls, "00ff")
    del store.rows["webhooks"][3]

    after = storefront.subscribe(urls, "00ff")

    assert len(before) == len(after) == len(MINIMUM_TOPICS)
    assert len([request for request in store.requests if request.method == "POST"]) == len(MINIMUM_TOPICS) + 1


def test_a_paused_webhook_is_respected(connect, store):
    storefront = connect()
    storefront.subscribe({"order.updated": f"{HOOKS}/x"}, "00ff")
    store.rows["webhooks"][0]["status"] = "paused"

    [found] = storefront.subscribe({"order.updated": f"{HOOKS}/x"}, "00ff")

    assert (found.external_id, found.state) == ("100", "paused")


def test_only_our_webhooks_are_ours(connect, store, rest_answer):
    store.rows["webhooks"] = [
        *rest_answer("rest_webhooks"),
        {"id": 900, "topic": "order.updated", "status": "active", "delivery_url": f"{HOOKS}1/x"},
        {"id": 901, "topic": "order.updated", "status": "active", "delivery_url": f"{HOOKS}/x"},
    ]
    storefront = connect()

    assert [found.external_id for found in storefront.subscriptions()] == ["901"]
    assert connect(hook_prefix="").subscriptions() == ()


def test_leaving_deletes_ours_and_nothing_else(connect, store, rest_answer):
    store.rows["webhooks"] = list(rest_answer("rest_webhooks"))
    storefront = connect()
    storefront.subscribe({topic: f"{HOOKS}/x" for topic in MINIMUM_TOPICS}, "00ff")

    storefront.unsubscribe_all()

    assert store.rows["webhooks"] == rest_answer("rest_webhooks")
    deleted = [request for request in store.requests if request.method == "DELETE"]
    assert all("force=true" in request.url for request in deleted)
