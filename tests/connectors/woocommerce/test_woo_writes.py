"""What we write into a store: vouchers as coupons, and our webhooks."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import ConnectorError, ConsentState
from connectors.storefronts.woocommerce.auth import AuthMode
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.topics import MINIMUM_TOPICS
from connectors.storefronts.woocommerce.writer import WooWriter
from connectors.writing import (
    ConsentChange,
    FlowActivity,
    FlowEngagement,
    NotSupported,
    TagChange,
    VoucherPool,
    VoucherResult,
    VoucherSpec,
)
from tests.connectors.woocommerce.woo_wire import Answers, Connect, FakeStore, WriteInto

HOOKS = "https://app.example.test/webhooks/woocommerce/7"
START = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


ACTIVITY = FlowActivity("flow:welcome", "Welcome", True, START, "https://x.example", ("a", "email", "b"))
DAY = FlowEngagement(START.date(), timedelta(0), 1, 1, 1, 1, "1.00", "EUR")


def voucher(**changes: Any) -> VoucherSpec:
    values: dict[str, Any] = {
        "code": "BDAY-7KQ2",
        "title": "Birthday",
        "kind": "percentage",
        "value": "15",
        "currency": "EUR",
        "starts_at": START,
        "expires_at": datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC),
        "pool": VoucherPool("POOL-1", "Birthdays", datetime(2026, 12, 31, 23, tzinfo=UTC)),
    }
    return VoucherSpec(**{**values, **changes})


def mint(writer: WooWriter, *specs: VoucherSpec) -> list[VoucherResult]:
    """What becomes of these codes."""
    return list(writer.mint_vouchers(specs))


@pytest.mark.parametrize("mode", [AuthMode.OAUTH, AuthMode.OAUTH_HOME, AuthMode.BASIC])
def test_each_way_of_signing_reads_and_writes(
    write_into: WriteInto, store: FakeStore, mode: AuthMode
) -> None:
    writer = write_into(mode=mode)

    [first] = mint(writer, voucher())
    [again] = mint(writer, voucher(code="bday-7kq2"))

    assert first.external_id is not None
    assert again == VoucherResult("bday-7kq2", external_id=first.external_id)


def test_a_voucher_is_a_coupon_for_one_use_in_store_time(write_into: WriteInto, store: FakeStore) -> None:
    mint(write_into(), voucher(product_external_ids=("38", "40")))

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
    write_into: WriteInto, store: FakeStore, kind: str, expected: tuple[str, str, bool]
) -> None:
    mint(write_into(), voucher(kind=kind, value="5.00"))

    [coupon] = store.rows["coupons"]
    assert (coupon["discount_type"], coupon["amount"], coupon["free_shipping"]) == expected


@pytest.mark.parametrize(
    "changes", [{"kind": "gift"}, {"kind": "amount", "currency": "USD"}, {"product_external_ids": ("x",)}]
)
def test_a_voucher_that_a_coupon_cannot_express_is_refused_for_good(
    write_into: WriteInto, store: FakeStore, changes: dict[str, Any]
) -> None:
    [result] = mint(write_into(MetaMapping(currency="EUR")), voucher(**changes))

    assert result.error is not None
    assert result.error.permanent
    assert store.requests == []


def test_a_refused_code_keeps_no_other_from_being_made(write_into: WriteInto, store: FakeStore) -> None:
    results = mint(write_into(), voucher(kind="gift"), voucher(code="NEXT-1"))

    assert [(result.code, result.error is None) for result in results] == [
        ("BDAY-7KQ2", False),
        ("NEXT-1", True),
    ]


def test_a_store_that_is_down_is_not_asked_for_the_rest(write_into: WriteInto, store: FakeStore) -> None:
    store.overrides["/wc/v3/coupons/batch"] = (503, {}, "")
    specs = [voucher(code=f"CODE-{number}") for number in range(101)]

    results = mint(write_into(), *specs)

    assert [result.code for result in results] == ["CODE-0"]
    assert all(result.error is not None and not result.error.permanent for result in results)
    assert len(store.requests) == 2


TAKEN = "woocommerce_rest_coupon_code_already_exists"


def _answers_with(store: FakeStore, *errors: dict[str, Any]) -> None:
    """The store's next batches have these errors, item by item."""
    made = [{"id": 0, "error": error} for error in errors]
    store.overrides["/wc/v3/coupons/batch"] = (200, {}, json.dumps({"create": made}))


def test_a_code_that_is_taken_but_not_found_is_an_error(write_into: WriteInto, store: FakeStore) -> None:
    _answers_with(store, {"code": TAKEN, "message": "", "data": {"status": 400}})

    [result] = mint(write_into(), voucher())

    assert isinstance(result.error, ConnectorError)


@pytest.mark.parametrize(
    ("error", "is_permanent"),
    [
        (
            {"code": "woocommerce_rest_invalid_coupon", "message": "<b>Giulia</b>", "data": {"status": 400}},
            True,
        ),
        ({"code": "db_error", "message": "", "data": {"status": 500}}, False),
        ({"message": "nobody knows"}, False),
        ({"code": ["x"], "data": "y"}, False),
    ],
)
def test_a_refused_coupon_of_a_batch_says_whether_it_may_pass(
    write_into: WriteInto, store: FakeStore, error: dict[str, Any], *, is_permanent: bool
) -> None:
    _answers_with(store, error)

    [result] = mint(write_into(), voucher())

    assert result.error is not None
    assert result.error.permanent is is_permanent
    assert "Giulia" not in str(result.error)


def test_an_answer_that_leaves_coupons_out_is_believed_of_none(
    write_into: WriteInto, store: FakeStore
) -> None:
    store.overrides["/wc/v3/coupons/batch"] = (200, {}, json.dumps({"create": []}))

    results = mint(write_into(), voucher(), voucher(code="NEXT-1"))

    assert [(result.external_id, result.error is None) for result in results] == [(None, False)]


def test_coupons_are_made_a_hundred_a_call(write_into: WriteInto, store: FakeStore) -> None:
    specs = [voucher(code=f"CODE-{number}") for number in range(150)]

    results = mint(write_into(), *specs)

    assert [result.code for result in results] == [spec.code for spec in specs]
    assert len({result.external_id for result in results}) == 150
    assert len(store.requests) == 2


def test_a_code_is_found_in_any_letter_case(
    write_into: WriteInto, store: FakeStore, rest_answer: Answers
) -> None:
    store.rows["coupons"] = rest_answer("rest_coupons_page1")

    [result] = mint(write_into(), voucher(code="X2"))

    assert result.external_id == "48"


@pytest.mark.parametrize(
    "write",
    [
        lambda writer: writer.write_consent(
            ConsentChange("7", "email", ConsentState.UNSUBSCRIBED, None, START)
        ),
        lambda writer: writer.write_tags(TagChange("7", ("hot",), ())),
        lambda writer: writer.report_activity(ACTIVITY),
        lambda writer: writer.report_engagement(ACTIVITY, DAY),
    ],
    ids=["consent", "tags", "activity", "engagement"],
)
def test_what_has_no_place_in_woocommerce_is_not_pretended(
    write_into: WriteInto, store: FakeStore, write: Callable[[WooWriter], None]
) -> None:
    with pytest.raises(NotSupported):
        write(write_into())

    assert store.requests == []


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
