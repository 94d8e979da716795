"""What we write into a store: vouchers as coupons, and our webhooks."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.base import ConnectorError, VoucherSpec
from connectors.storefronts.woocommerce.auth import AuthMode
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.topics import MINIMUM_TOPICS
from tests.connectors.woocommerce.woo_wire import Answers, Connect, FakeStore

HOOKS = "https://app.example.test/webhooks/woocommerce/7"
START = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


def voucher(**changes: Any) -> VoucherSpec:
    values: dict[str, Any] = {
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
def test_each_way_of_signing_reads_and_writes(connect: Connect, store: FakeStore, mode: AuthMode) -> None:
    storefront = connect(mode=mode)

    voucher_id = storefront.mint_voucher(voucher())

    assert storefront.find_voucher("bday-7kq2") == voucher_id


def test_a_voucher_is_a_coupon_for_one_use_in_store_time(connect: Connect, store: FakeStore) -> None:
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
def test_kinds_of_vouchers(
    connect: Connect, store: FakeStore, kind: str, expected: tuple[str, str, bool]
) -> None:
    connect().mint_voucher(voucher(kind=kind, value="5.00"))

    [coupon] = store.rows["coupons"]
    assert (coupon["discount_type"], coupon["amount"], coupon["free_shipping"]) == expected


@pytest.mark.parametrize(
    "changes", [{"kind": "gift"}, {"kind": "amount", "currency": "USD"}, {"product_external_ids": ("x",)}]
)
def test_a_voucher_that_a_coupon_cannot_express_is_refused_for_good(
    connect: Connect, store: FakeStore, changes: dict[str, Any]
) -> None:
    with pytest.raises(ConnectorError) as caught:
        connect(MetaMapping(currency="EUR")).mint_voucher(voucher(**changes))

    assert caught.value.permanent
    assert store.requests == []


def test_minting_twice_gives_the_same_coupon(connect: Connect, store: FakeStore) -> None:
    storefront = connect()

    first = storefront.mint_voucher(voucher())
    second = storefront.mint_voucher(voucher(code="Bday-7KQ2"))

    assert first == second
    assert len(store.rows["coupons"]) == 1


def test_a_code_that_is_taken_but_not_found_is_an_error(connect: Connect, store: FakeStore) -> None:
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


def test_an_unknown_code_is_none(connect: Connect, store: FakeStore, rest_answer: Answers) -> None:
    store.rows["coupons"] = rest_answer("rest_coupons_page1")

    assert connect().find_voucher("nobody") is None
    assert connect().find_voucher("X2") == "48"


def test_subscribing_makes_one_webhook_per_topic(connect: Connect, store: FakeStore) -> None:
    urls = {topic: f"{HOOKS}/{topic.replace('.', '-')}" for topic in MINIMUM_TOPICS}

    made = connect().subscribe(urls, "00ff")

    assert {(found.topic, found.url, found.state) for found in made} == {
        (topic, url, "active") for topic, url in urls.items()
    }
    assert {row["secret"] for row in store.rows["webhooks"]} == {"00ff"}


def test_subscribing_again_makes_only_what_is_missing(connect: Connect, store: FakeStore) -> None:
    storefront = connect()
    urls = dict.fromkeys(MINIMUM_TOPICS, f"{HOOKS}/x")
    before = storefront.subscribe(urls, "00ff")
    del store.rows["webhooks"][3]

    after = storefront.subscribe(urls, "00ff")

    assert len(before) == len(after) == len(MINIMUM_TOPICS)
    assert len([request for request in store.requests if request.method == "POST"]) == len(MINIMUM_TOPICS) + 1


def test_a_paused_webhook_is_respected(connect: Connect, store: FakeStore) -> None:
    storefront = connect()
    storefront.subscribe({"order.updated": f"{HOOKS}/x"}, "00ff")
    store.rows["webhooks"][0]["status"] = "paused"

    [found] = storefront.subscribe({"order.updated": f"{HOOKS}/x"}, "00ff")

    assert (found.external_id, found.state) == ("100", "paused")


def test_only_our_webhooks_are_ours(connect: Connect, store: FakeStore, rest_answer: Answers) -> None:
    store.rows["webhooks"] = [
        *rest_answer("rest_webhooks"),
        {"id": 900, "topic": "order.updated", "status": "active", "delivery_url": f"{HOOKS}1/x"},
        {"id": 901, "topic": "order.updated", "status": "active", "delivery_url": f"{HOOKS}/x"},
    ]
    storefront = connect()

    assert [found.external_id for found in storefront.subscriptions()] == ["901"]
    assert connect(hook_prefix="").subscriptions() == ()


def test_leaving_deletes_ours_and_nothing_else(
    connect: Connect, store: FakeStore, rest_answer: Answers
) -> None:
    store.rows["webhooks"] = list(rest_answer("rest_webhooks"))
    storefront = connect()
    storefront.subscribe(dict.fromkeys(MINIMUM_TOPICS, f"{HOOKS}/x"), "00ff")

    storefront.unsubscribe_all()

    assert store.rows["webhooks"] == rest_answer("rest_webhooks")
    deleted = [request for request in store.requests if request.method == "DELETE"]
    assert all("force=true" in str(request.url) for request in deleted)
