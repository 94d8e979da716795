"""The Admin API as a Storefront: pages, what continues after them, and every way to fail."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import responses
from responses.registries import OrderedRegistry

from connectors.base import (
    ConnectorError,
    ConsentRecord,
    ConsentState,
    CustomerRecord,
    FulfillmentRecord,
    Money,
    OrderOutline,
    OrderRecord,
    ProductRecord,
    RefundRecord,
    Resource,
    Storefront,
    StoreIdentity,
    Unauthorized,
)
from connectors.storefronts.shopify.api import ShopifyStorefront
from connectors.transport import StoreTransport

SHOP = "ritorno-test.myshopify.com"
URL = f"https://{SHOP}/admin/api/2026-10/graphql.json"
TOKEN = "shpat_test"
LISTED = (Resource.CUSTOMERS, Resource.PRODUCTS, Resource.ORDERS)
"""What Shopify lists: it has no reviews of its own."""
NO_MORE = {"hasNextPage": False, "endCursor": None}

CUSTOMER_NODE: dict[str, Any] = {
    "id": "gid://shopify/Customer/7064055069300084",
    "firstName": "Zoë",
    "lastName": "Conti",
    "locale": "it",
    "tags": ["vip", "newsletter"],
    "createdAt": "2026-09-20T08:00:00Z",
    "updatedAt": "2026-10-02T07:30:00Z",
    "numberOfOrders": "3",
    "defaultEmailAddress": {
        "emailAddress": "zoe@example.com",
        "marketingState": "SUBSCRIBED",
        "marketingOptInLevel": "CONFIRMED_OPT_IN",
        "marketingUpdatedAt": "2026-09-21T06:15:00Z",
    },
    "defaultPhoneNumber": {
        "phoneNumber": "+12025550143",
        "smsMarketingConsent": {"state": "NOT_SUBSCRIBED", "optInLevel": "UNKNOWN", "updatedAt": None},
    },
    "defaultAddress": {"countryCodeV2": "IT", "provinceCode": "BO", "city": "Bologna"},
    "birthDate": {"value": "1990-05-17"},
}

ORDER_NODE: dict[str, Any] = {
    "id": "gid://shopify/Order/6820982911946154508",
    "name": "#1001",
    "email": "zoe@example.com",
    "phone": None,
    "createdAt": "2026-10-02T07:30:00Z",
    "processedAt": "2026-10-02T07:29:58Z",
    "updatedAt": "2026-10-06T09:00:00Z",
    "cancelledAt": None,
    "closedAt": None,
    "test": False,
    "customerLocale": "it-IT",
    "displayFinancialStatus": "PAID",
    "displayFulfillmentStatus": "FULFILLED",
    "currencyCode": "EUR",
    "discountCodes": ["WELCOME10"],
    "totalPriceSet": {"shopMoney": {"amount": "95.0", "currencyCode": "EUR"}},
    "totalDiscountsSet": {"shopMoney": {"amount": "10.0", "currencyCode": "EUR"}},
    "totalTaxSet": {"shopMoney": {"amount": "17.13", "currencyCode": "EUR"}},
    "totalShippingPriceSet": {"shopMoney": {"amount": "5.0", "currencyCode": "EUR"}},
    "totalRefundedSet": {"shopMoney": {"amount": "0.0", "currencyCode": "EUR"}},
    "customer": CUSTOMER_NODE,
    "lineItems": {"pageInfo": NO_MORE, "nodes": []},
    "fulfillments": [],
}

PRODUCT_NODE: dict[str, Any] = {
    "id": "gid://shopify/Product/788032119674292922",
    "handle": "lounger",
    "title": "Mid-century lounger",
    "productType": "Chairs",
    "vendor": "Aurora",
    "status": "ACTIVE",
    "tags": ["oak"],
    "onlineStoreUrl": "https://aurora.example/products/lounger",
    "updatedAt": "2026-10-01T07:00:00Z",
    "featuredMedia": {"preview": {"image": {"url": "https://cdn.shopify.com/lounger.jpg"}}},
    "variants": {"pageInfo": NO_MORE, "nodes": []},
    "collections": {"nodes": [{"handle": "living-room"}]},
    "complementary": {"value": '["gid://shopify/Product/11","gid://shopify/Product/12"]'},
}


@pytest.fixture
def storefront() -> ShopifyStorefront:
    """A shop behind the address guard."""
    return ShopifyStorefront("https://{shop}", SHOP, TOKEN, StoreTransport())


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """Answers in the order in which they are given; every one must be asked for."""
    with responses.RequestsMock(registry=OrderedRegistry) as mock:
        yield mock


def _answer(wire: responses.RequestsMock, data: dict[str, Any]) -> responses.BaseResponse:
    call: responses.BaseResponse = wire.post(
        URL, json={"data": data, "extensions": {"cost": {"requestedQueryCost": 1}}}
    )
    return call


def _page(*nodes: dict[str, Any], cursor: str | None = None, **more: Any) -> dict[str, Any]:
    info = {"hasNextPage": cursor is not None, "endCursor": cursor}
    return {"page": {"pageInfo": info, "nodes": list(nodes)}, **more}


def _sent(call: responses.BaseResponse) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(call.calls[0].request.body or b"")
    return body


def _line(number: int) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/LineItem/{number}",
        "title": f"Line {number}",
        "quantity": 1,
        "currentQuantity": 1,
        "product": {"id": "gid://shopify/Product/5"} if number % 2 else None,
        "variant": None,
        "discountedTotalSet": {"shopMoney": {"amount": "1.5", "currencyCode": "EUR"}},
    }


def _parcel(number: int, delivered_at: str | None) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/Fulfillment/{number}",
        "displayStatus": "DELIVERED" if delivered_at else "IN_TRANSIT",
        "createdAt": f"2026-10-0{number}T09:00:00Z",
        "deliveredAt": delivered_at,
    }


def test_it_is_a_storefront(storefront: ShopifyStorefront) -> None:
    connected: Storefront = storefront

    assert connected.unsubscribe_all() is None  # type: ignore[func-returns-value]


def test_the_shop_says_who_it_is(storefront: ShopifyStorefront, wire: responses.RequestsMock) -> None:
    call = _answer(
        wire,
        {
            "shop": {
                "id": "gid://shopify/Shop/548380009",
                "name": "Bottega Aurora",
                "email": "owner@example.com",
                "myshopifyDomain": SHOP,
                "ianaTimezone": "Europe/Rome",
                "currencyCode": "EUR",
                "primaryDomain": {"url": "https://www.aurora.example"},
                "shopAddress": {
                    "address1": "Via Garibaldi 10",
                    "address2": None,
                    "zip": "10122",
                    "city": "Torino",
                    "countryCodeV2": "IT",
                },
            },
            "currentAppInstallation": {
                "accessScopes": [{"handle": "read_orders"}, {"handle": "read_products"}]
            },
        },
    )

    identity = storefront.identity()

    assert identity == StoreIdentity(
        domain=SHOP,
        name="Bottega Aurora",
        timezone="Europe/Rome",
        currency="EUR",
        country="IT",
        locale="",
        home_url="https://www.aurora.example",
        email="owner@example.com",
        scopes=("read_orders", "read_products"),
        store_uid="548380009",
        postal_address="Via Garibaldi 10, 10122 Torino",
    )
    assert call.calls[0].request.headers["X-Shopify-Access-Token"] == TOKEN


@pytest.mark.parametrize("resource", LISTED)
def test_resources_are_counted(
    resource: Resource, storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    call = _answer(wire, {"total": {"count": 12345}})

    assert storefront.count(resource) == 12345
    assert f"{resource}Count(limit: null)" in _sent(call)["query"]


def test_a_page_of_customers(storefront: ShopifyStorefront, wire: responses.RequestsMock) -> None:
    call = _answer(wire, _page(CUSTOMER_NODE, cursor="next"))
    since = datetime(2026, 10, 2, 9, 15, 30, tzinfo=timezone(timedelta(hours=2)))

    page = storefront.page(Resource.CUSTOMERS, cursor="here", updated_since=since)

    assert _sent(call)["variables"] == {"after": "here", "query": "updated_at:>='2026-10-02T07:15:30Z'"}
    assert page.cursor == "next"
    assert page.records == (
        CustomerRecord(
            external_id="7064055069300084",
            email="zoe@example.com",
            phone="+12025550143",
            first_name="Zoë",
            last_name="Conti",
            locale="it",
            country="IT",
            region="BO",
            city="Bologna",
            birth_year=1990,
            birth_month=5,
            birth_day=17,
            tags=("vip", "newsletter"),
            consents=(
                ConsentRecord(
                    "email",
                    ConsentState.SUBSCRIBED,
                    "double_opt_in",
                    datetime(2026, 9, 21, 6, 15, tzinfo=UTC),
                    "shopify",
                ),
                ConsentRecord("sms", ConsentState.UNKNOWN, None, None, "shopify"),
            ),
            platform_orders_count=3,
            created_at=datetime(2026, 9, 20, 8, 0, tzinfo=UTC),
            updated_at=datetime(2026, 10, 2, 7, 30, tzinfo=UTC),
        ),
    )


def test_the_first_page_of_everything_asks_for_no_moment(
    storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    call = _answer(wire, _page())

    page = storefront.page(Resource.CUSTOMERS, cursor=None, updated_since=None)

    assert _sent(call)["variables"] == {"after": None, "query": None}
    assert (page.records, page.cursor) == ((), None)


def test_null_fields_of_a_customer_say_nothing(
    storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    refused = ("firstName", "defaultEmailAddress", "defaultPhoneNumber", "defaultAddress", "birthDate")
    _answer(wire, {"one": {**CUSTOMER_NODE, **dict.fromkeys(refused)}})

    customer = storefront.fetch(Resource.CUSTOMERS, "7064055069300084")

    assert isinstance(customer, CustomerRecord)
    assert (customer.first_name, customer.email, customer.phone, customer.country) == (None,) * 4
    assert (customer.birth_month, customer.consents) == (None, ())


@pytest.mark.parametrize("value", ["soon", "", "2026-13-40", "17/05/1990"])
def test_a_birthday_that_is_no_date_is_none(
    value: str, storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    _answer(wire, {"one": {**CUSTOMER_NODE, "birthDate": {"value": value}}})

    customer = storefront.fetch(Resource.CUSTOMERS, "1")

    assert isinstance(customer, CustomerRecord)
    assert customer.birth_month is None


def test_an_order_with_more_lines_than_a_page_is_read_to_its_end(
    storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    first = {"pageInfo": {"hasNextPage": True, "endCursor": "l12"}, "nodes": [_line(n) for n in range(1, 13)]}
    second = {"pageInfo": {"hasNextPage": True, "endCursor": "l14"}, "nodes": [_line(13), _line(14)]}
    third = {"pageInfo": NO_MORE, "nodes": [_line(15)]}
    _answer(wire, _page({**ORDER_NODE, "lineItems": first}))
    rest = [_answer(wire, {"one": {"rest": second}}), _answer(wire, {"one": {"rest": third}})]

    (order,) = storefront.page(Resource.ORDERS, cursor=None, updated_since=None).records

    assert isinstance(order, OrderRecord)
    assert order.lines is not None
    assert [line.external_id for line in order.lines] == [str(n) for n in range(1, 16)]
    assert (order.lines[0].total, order.lines[0].product_external_id) == (Money("1.5", "EUR"), "5")
    assert order.lines[1].product_external_id is None
    assert [_sent(call)["variables"] for call in rest] == [
        {"id": ORDER_NODE["id"], "after": "l12"},
        {"id": ORDER_NODE["id"], "after": "l14"},
    ]


def test_changed_orders_are_listed_in_outline(
    storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    call = _answer(wire, _page({**ORDER_NODE, "displayFulfillmentStatus": None}, cursor="next"))

    page = storefront.outline_orders(cursor="here", updated_since=datetime(2026, 10, 2, tzinfo=UTC))

    assert _sent(call)["variables"] == {"after": "here", "query": "updated_at:>='2026-10-02T00:00:00Z'"}
    assert "lineItems" not in _sent(call)["query"]
    assert page.cursor == "next"
    assert page.outlines == (
        OrderOutline(
            external_id="6820982911946154508",
            updated_at=datetime(2026, 10, 6, 9, 0, tzinfo=UTC),
            financial_status="paid",
            total=Money("95.0", "EUR"),
            refunded_total=Money("0.0", "EUR"),
            status="open",
            fulfillment_status="unfulfilled",
        ),
    )


def test_the_first_pages_of_a_look_come_by_one_call_and_are_each_given_once(
    storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    nothing, since = {"pageInfo": NO_MORE, "nodes": []}, datetime(2026, 10, 2, tzinfo=UTC)
    orders = {"pageInfo": {"hasNextPage": True, "endCursor": "o90"}, "nodes": [ORDER_NODE]}
    call = _answer(wire, {"orders": orders, "checkouts": nothing})
    again = _answer(wire, _page())
    later = since + timedelta(minutes=1)

    storefront.begin_look({Resource.ORDERS: since, Resource.CHECKOUTS: later})
    first = storefront.outline_orders(cursor=None, updated_since=since)
    checkouts = storefront.page(Resource.CHECKOUTS, cursor=None, updated_since=later)
    second = storefront.outline_orders(cursor=None, updated_since=since)

    assert _sent(call)["variables"] == {
        "orders": "updated_at:>='2026-10-02T00:00:00Z'",
        "checkouts": "updated_at:>='2026-10-02T00:01:00Z'",
    }
    assert ([one.external_id for one in first.outlines], first.cursor) == (["6820982911946154508"], "o90")
    assert (checkouts.records, checkouts.cursor) == ((), None)
    assert (second.outlines, "page: orders" in _sent(again)["query"]) == ((), True)


def test_whole_orders_are_asked_for_whatever_a_look_holds_of_them(
    storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    since = datetime(2026, 10, 2, tzinfo=UTC)
    page = {"pageInfo": NO_MORE, "nodes": [ORDER_NODE]}
    _answer(wire, {"orders": page, "checkouts": {"pageInfo": NO_MORE, "nodes": []}})
    whole = _answer(wire, _page())

    storefront.begin_look({Resource.ORDERS: since, Resource.CHECKOUTS: since})
    found = storefront.page(Resource.ORDERS, cursor=None, updated_since=since)
    outlined = storefront.outline_orders(cursor=None, updated_since=since)

    assert found.records == ()
    assert "page: orders" in _sent(whole)["query"]
    assert len(outlined.outlines) == 1


def test_what_is_not_looked_at_together_is_not_asked_for_ahead(
    storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    storefront.begin_look({Resource.ORDERS: datetime(2026, 10, 2, tzinfo=UTC)})

    assert len(wire.calls) == 0


def test_orders_by_id_are_read_ten_a_call_without_those_that_are_gone(
    storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    first = _answer(wire, {"orders": [ORDER_NODE, None, {}]})
    second = _answer(wire, {"orders": [None]})

    found = list(storefront.fetch_orders([str(number) for number in range(1, 12)]))

    asked = [f"gid://shopify/Order/{number}" for number in range(1, 12)]
    assert [_sent(call)["variables"]["ids"] for call in (first, second)] == [asked[:10], asked[10:]]
    assert [[getattr(record, "external_id", "") for record in records] for records in found] == [
        ["6820982911946154508"],
        [],
    ]


def test_a_refunded_order_that_goes_away_between_two_calls_is_left_out(
    storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    refunded = {"totalRefundedSet": {"shopMoney": {"amount": "5.0", "currencyCode": "EUR"}}}
    _answer(wire, {"orders": [{**ORDER_NODE, **refunded}]})
    _answer(wire, {"orders": [None]})

    assert list(storefront.fetch_orders(["1"])) == [()]


def test_an_order_by_graphql_says_what_its_webhook_says_of_following_clicks(
    storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    ticked = {"customAttributes": [{"key": "tracking_consent", "value": "yes"}]}
    call = _answer(wire, {"one": {**ORDER_NODE, **ticked}})

    order = storefront.fetch(Resource.ORDERS, "6820982911946154508")

    assert "customAttributes" in _sent(call)["query"]
    assert isinstance(order, OrderRecord)
    assert order.customer is not None
    assert order.customer.consents[-1] == ConsentRecord(
        "tracking", ConsentState.SUBSCRIBED, "consent", order.placed_at, "checkout"
    )
    assert [consent.channel for consent in order.customer.consents] == ["email", "sms", "tracking"]


def test_an_order_answered_by_graphql(storefront: ShopifyStorefront, wire: responses.RequestsMock) -> None:
    parcels = [_parcel(3, "2026-10-05T08:00:00Z"), _parcel(4, "2026-10-06T09:00:00Z")]
    call = _answer(wire, {"one": {**ORDER_NODE, "fulfillments": parcels}})

    order = storefront.fetch(Resource.ORDERS, "6820982911946154508")

    assert _sent(call)["variables"] == {"id": ORDER_NODE["id"]}
    assert isinstance(order, OrderRecord)
    assert (order.external_id, order.number, order.status) == ("6820982911946154508", "#1001", "open")
    assert (order.financial_status, order.fulfillment_status, order.is_paid) == ("paid", "fulfilled", True)
    assert (order.total, order.discount) == (Money("95.0", "EUR"), Money("10.0", "EUR"))
    assert (order.discount_codes, order.is_discounted) == (("WELCOME10",), True)
    assert order.placed_at == datetime(2026, 10, 2, 7, 29, 58, tzinfo=UTC)
    assert order.fulfilled_at == datetime(2026, 10, 4, 9, 0, tzinfo=UTC)
    assert order.delivered_at == datetime(2026, 10, 6, 9, 0, tzinfo=UTC)
    assert (order.refunds, order.refunded_total) == ((), Money("0.0", "EUR"))
    assert order.customer is not None
    assert (order.customer.external_id, order.customer.email) == ("7064055069300084", "zoe@example.com")
    assert order.customer.updated_at == datetime(2026, 10, 2, 7, 30, tzinfo=UTC)


def test_an_order_with_a_full_list_of_parcels_is_asked_for_all(
    storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    four = [_parcel(number, "2026-10-09T09:00:00Z") for number in range(1, 4)] + [_parcel(4, None)]
    _answer(wire, {"one": {**ORDER_NODE, "fulfillments": four[:3]}})
    _answer(wire, {"one": {"fulfillments": four}})

    order = storefront.fetch(Resource.ORDERS, "6820982911946154508")

    assert isinstance(order, OrderRecord)
    assert order.fulfillments is not None
    assert order.fulfillments[3] == FulfillmentRecord(
        "4", "in_transit", datetime(2026, 10, 4, 9, 0, tzinfo=UTC), None
    )
    assert order.delivered_at is None


def test_an_order_of_which_something_went_back_is_asked_for_its_refunds(
    storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    refunded = {"shopMoney": {"amount": "18.0", "currencyCode": "EUR"}}
    refund = {
        "id": "gid://shopify/Refund/890088186047892319",
        "processedAt": "2026-10-08T10:00:00Z",
        "totalRefundedSet": refunded,
        "refundLineItems": {"nodes": [{"lineItem": {"id": "gid://shopify/LineItem/9"}}]},
    }
    _answer(wire, {"one": {**ORDER_NODE, "totalRefundedSet": refunded}})
    _answer(wire, {"one": {"refunds": [refund]}})

    order = storefront.fetch(Resource.ORDERS, "6820982911946154508")

    assert isinstance(order, OrderRecord)
    assert order.refunds == (
        RefundRecord(
            "890088186047892319", Money("18.0", "EUR"), datetime(2026, 10, 8, 10, tzinfo=UTC), ("9",)
        ),
    )


def test_a_guests_order_keeps_the_e_mail(storefront: ShopifyStorefront, wire: responses.RequestsMock) -> None:
    _answer(wire, {"one": {**ORDER_NODE, "customer": None}})

    order = storefront.fetch(Resource.ORDERS, "6820982911946154508")

    assert isinstance(order, OrderRecord)
    assert order.customer == CustomerRecord(external_id=None, email="zoe@example.com", locale="it-IT")


def test_a_product_with_all_its_variants(storefront: ShopifyStorefront, wire: responses.RequestsMock) -> None:
    def variant(number: int, quantity: int | None, *, is_available: bool) -> dict[str, Any]:
        return {
            "id": f"gid://shopify/ProductVariant/{number}",
            "sku": None,
            "title": "Oak",
            "price": "40.00",
            "inventoryQuantity": quantity,
            "availableForSale": is_available,
        }

    first = {
        "pageInfo": {"hasNextPage": True, "endCursor": "v1"},
        "nodes": [variant(1, 0, is_available=True), variant(2, 0, is_available=False)],
    }
    rest = {"pageInfo": NO_MORE, "nodes": [variant(3, 7, is_available=True)]}
    _answer(wire, _page({**PRODUCT_NODE, "variants": first}, shop={"currencyCode": "EUR"}))
    _answer(wire, {"one": {"rest": rest}})

    (product,) = storefront.page(Resource.PRODUCTS, cursor=None, updated_since=None).records

    assert isinstance(product, ProductRecord)
    assert (product.external_id, product.status, product.is_available) == (
        "788032119674292922",
        "active",
        True,
    )
    assert (product.categories, product.cross_sell_external_ids) == (("living-room",), ("11", "12"))
    assert product.url == "https://aurora.example/products/lounger"
    assert product.image_url == "https://cdn.shopify.com/lounger.jpg"
    assert [(one.price, one.quantity, one.is_available) for one in product.variants] == [
        (Money("40.00", "EUR"), None, True),
        (Money("40.00", "EUR"), 0, False),
        (Money("40.00", "EUR"), 7, True),
    ]


@pytest.mark.parametrize("value", ["", "[", "5", '["gid://evil/1"]', "[null]", "[" * 100_000])
def test_complementary_products_that_are_nonsense_are_none(
    value: str, storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    node = {**PRODUCT_NODE, "complementary": {"value": value}, "featuredMedia": None}
    _answer(wire, {"one": node, "shop": {"currencyCode": "EUR"}})

    product = storefront.fetch(Resource.PRODUCTS, "788032119674292922")

    assert isinstance(product, ProductRecord)
    assert (product.cross_sell_external_ids, product.image_url) == ((), None)


@pytest.mark.parametrize("resource", LISTED)
def test_what_is_gone_is_none(
    resource: Resource, storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    _answer(wire, {"one": None, "shop": {"currencyCode": "EUR"}})

    assert storefront.fetch(resource, "1") is None


def test_an_order_that_goes_away_while_it_is_read_is_tried_again(
    storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    lines = {"pageInfo": {"hasNextPage": True, "endCursor": "l12"}, "nodes": []}
    _answer(wire, _page({**ORDER_NODE, "lineItems": lines}))
    _answer(wire, {"one": None})

    with pytest.raises(ConnectorError, match="went away") as failure:
        storefront.page(Resource.ORDERS, cursor=None, updated_since=None)

    assert not failure.value.permanent


def test_subscribing_makes_nothing_and_returns_what_exists(
    storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    node = {
        "id": "gid://shopify/WebhookSubscription/5",
        "topic": "CUSTOMERS_EMAIL_MARKETING_CONSENT_UPDATE",
        "uri": "https://x.example",
    }
    _answer(wire, _page(node, cursor="a"))
    _answer(wire, _page({**node, "id": "gid://shopify/WebhookSubscription/6", "topic": "CARTS_CREATE"}))

    found = storefront.subscribe({"orders/create": "https://x.example"}, "secret")

    assert [(one.external_id, one.topic, one.state) for one in found] == [
        ("5", "customers_email_marketing_consent/update", "active"),
        ("6", "carts_create", "active"),
    ]


def _throttled(cost: object) -> dict[str, Any]:
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
    return {"errors": [error], "extensions": {"cost": cost}}


@pytest.mark.parametrize(
    ("cost", "seconds"),
    [
        (
            {
                "requestedQueryCost": 782,
                "throttleStatus": {"maximumAvailable": 2000, "currentlyAvailable": 282, "restoreRate": 100},
            },
            5.0,
        ),
        ({"requestedQueryCost": 10, "throttleStatus": {"currentlyAvailable": 20, "restoreRate": 100}}, 0.1),
        ({"requestedQueryCost": 10, "throttleStatus": {"currentlyAvailable": 0, "restoreRate": 0}}, 10.0),
        ({"requestedQueryCost": 10**9, "throttleStatus": {"currentlyAvailable": 0, "restoreRate": 1}}, 60.0),
        ({}, 10.0),
        (None, 10.0),
    ],
)
def test_throttling_says_how_long_to_wait(
    cost: object, seconds: float, storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    wire.post(URL, json=_throttled(cost))

    with pytest.raises(ConnectorError) as failure:
        storefront.count(Resource.ORDERS)

    assert not failure.value.permanent
    assert (failure.value.status, failure.value.retry_after_seconds) == (200, seconds)


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_refused_asks_for_a_reconnect(
    status: int, storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    wire.post(URL, json={"errors": "[API] Invalid API key"}, status=status)

    with pytest.raises(Unauthorized) as failure:
        storefront.identity()

    assert failure.value.status == status


@pytest.mark.parametrize(
    ("status", "permanent", "seconds"),
    [
        (302, True, None),
        (402, False, None),
        (404, True, None),
        (423, False, None),
        (429, False, 2.0),
        (502, False, None),
    ],
)
def test_other_answers_fail_for_good_or_for_now(
    status: int,
    permanent: bool,
    seconds: float | None,
    storefront: ShopifyStorefront,
    wire: responses.RequestsMock,
) -> None:
    headers = {"Retry-After": "2"} if seconds else {}
    wire.post(URL, body="<html>", status=status, headers=headers)

    with pytest.raises(ConnectorError) as failure:
        storefront.count(Resource.ORDERS)

    assert (failure.value.permanent, failure.value.status) == (permanent, status)
    assert failure.value.retry_after_seconds == seconds
    assert not isinstance(failure.value, Unauthorized)


@pytest.mark.parametrize(
    ("errors", "permanent"),
    [
        ([{"message": "zoe@example.com", "extensions": {"code": "MAX_COST_EXCEEDED"}}], True),
        ([{"message": "zoe@example.com", "extensions": {"code": "ACCESS_DENIED"}}], True),
        ([{"message": "zoe@example.com", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}], False),
        ([{"message": "zoe@example.com"}], True),
        ("zoe@example.com", True),
        ([None, {"extensions": [1]}, {"extensions": {"code": 5}}], True),
    ],
)
def test_errors_beside_data_are_failures_and_their_words_are_not_kept(
    errors: object, permanent: bool, storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    wire.post(URL, json={"data": {"total": {"count": 1}}, "errors": errors})

    with pytest.raises(ConnectorError) as failure:
        storefront.count(Resource.ORDERS)

    assert failure.value.permanent is permanent
    assert "zoe@example.com" not in str(failure.value)


@pytest.mark.parametrize("body", ["[]", "null", "{}", '{"data": null}', "<html>", "[" * 100_000])
def test_an_answer_that_is_none_is_a_connector_error(
    body: str, storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    wire.post(URL, body=body)

    with pytest.raises(ConnectorError):
        storefront.count(Resource.ORDERS)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"page": None},
        {"page": {"nodes": []}},
        {"page": {"pageInfo": {"hasNextPage": True, "endCursor": None}, "nodes": []}},
        {"page": {"pageInfo": NO_MORE, "nodes": [None]}},
        {"page": {"pageInfo": NO_MORE, "nodes": [{**ORDER_NODE, "totalPriceSet": 5}]}},
    ],
)
def test_an_answer_that_breaks_the_schema_is_a_connector_error(
    data: dict[str, Any], storefront: ShopifyStorefront, wire: responses.RequestsMock
) -> None:
    _answer(wire, data)

    with pytest.raises(ConnectorError, match="not as promised"):
        storefront.page(Resource.ORDERS, cursor=None, updated_since=None)
