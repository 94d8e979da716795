"""The emulated Shopify over HTTP: installation, tokens, GraphQL, limits."""

import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connectors.sandbox.model import SHOPIFY, Birth
from connectors.sandbox.shopify_api import AppRegistration, blueprint
from connectors.sandbox.shopify_oauth import OFFLINE_TYPE, SESSION_TYPE
from connectors.sandbox.signing import sign_query
from tests.connectors.sandbox.sandbox_fake_world import NOW, PLACED, FakeWorld, order, shopper, small_world

BASE = "/shopify/sandbox-aurora.myshopify.com"
RITORNO = "http://127.0.0.1:8000"
CUSTOMERS = """query Customers($c:String,$q:String){customers(first:100,after:$c,query:$q,sortKey:UPDATED_AT){
pageInfo{hasNextPage endCursor} nodes{id firstName lastName locale state tags createdAt updatedAt
numberOfOrders amountSpent{amount currencyCode} dataSaleOptOut defaultEmailAddress{emailAddress marketingState
marketingOptInLevel marketingUpdatedAt validFormat} defaultPhoneNumber{phoneNumber
smsMarketingConsent{state optInLevel updatedAt}} defaultAddress{countryCodeV2 provinceCode city zip}
lastOrder{id createdAt} birthDate:metafield(namespace:"facts",key:"birth_date"){value}}}}"""
ORDERS = """query Orders($c:String,$q:String){orders(first:10,after:$c,query:$q,sortKey:UPDATED_AT){
pageInfo{hasNextPage endCursor} nodes{id name email phone createdAt processedAt updatedAt cancelledAt
cancelReason test sourceName customerLocale displayFinancialStatus displayFulfillmentStatus currencyCode tags
cartToken checkoutToken discountCodes totalPriceSet{shopMoney{amount currencyCode}}
currentTotalPriceSet{shopMoney{amount}} totalRefundedSet{shopMoney{amount}} customer{id}
customerJourneySummary{lastVisit{landingPage referrerUrl source
utmParameters{campaign medium source content term}}} lineItems(first:12){pageInfo{hasNextPage endCursor}
nodes{id title quantity currentQuantity sku product{id} variant{id} discountedTotalSet{shopMoney{amount}}}}
fulfillments(first:3){id displayStatus createdAt deliveredAt}}}}"""
PRODUCTS = """query Products($c:String,$q:String){products(first:20,after:$c,query:$q,sortKey:UPDATED_AT){
pageInfo{hasNextPage endCursor} nodes{id handle title productType vendor status tags onlineStoreUrl updatedAt
featuredMedia{preview{image{url altText}}} variants(first:20){pageInfo{hasNextPage endCursor}
nodes{id sku title price compareAtPrice inventoryQuantity availableForSale}} collections(first:10){
nodes{id handle}}}}}"""
IDS = """query($q:String,$c:String,$n:Int){orders(first:$n,after:$c,query:$q,sortKey:UPDATED_AT){
pageInfo{hasNextPage endCursor} nodes{id}}}"""
MINT = """mutation($d:DiscountCodeBasicInput!){discountCodeBasicCreate(basicCodeDiscount:$d){
codeDiscountNode{id} userErrors{field code message}}}"""
BY_CODE = """query($code:String!){codeDiscountNodeByCode(code:$code){id codeDiscount{... on DiscountCodeBasic{
title status usageLimit endsAt asyncUsageCount codes(first:1){nodes{code}}}}}}"""
DISCOUNT = {
    "title": "Birthday",
    "code": "BDAY-7F3K",
    "startsAt": "2026-05-20T00:00:00Z",
    "endsAt": "2026-06-20T00:00:00Z",
    "usageLimit": 1,
    "appliesOncePerCustomer": True,
    "context": {"all": "ALL"},
    "customerGets": {"items": {"all": True}, "value": {"percentage": 0.15}},
}


@dataclass
class Shop:
    """The emulated shop, its world and a clock that the test moves."""

    world: FakeWorld
    app: AppRegistration
    client: FlaskClient
    seconds: list[float]

    def authorize(self, **changes: str) -> TestResponse:
        query = {
            "client_id": "app-id",
            "redirect_uri": f"{RITORNO}/back",
            "state": "abc",
            "scope": self.app.scopes,
        }
        return self.client.get(f"{BASE}/admin/oauth/authorize", query_string={**query, **changes})

    def token(self, **sent: str) -> TestResponse:
        body = {"client_id": "app-id", "client_secret": "app-secret", **sent}
        return self.client.post(f"{BASE}/admin/oauth/access_token", json=body)

    def install(self, **changes: str) -> Any:
        location = self.authorize(**changes).headers["Location"]
        answer = self.token(code=parse_qs(urlsplit(location).query)["code"][0], expiring="1")
        return answer.json

    def ask(self, query: str, token: str, **variables: Any) -> Any:
        answer = self.client.post(
            f"{BASE}/admin/api/2026-10/graphql.json",
            json={"query": query, "variables": variables},
            headers={"X-Shopify-Access-Token": token},
        )
        assert answer.status_code == 200
        return answer.json


@pytest.fixture
def shop() -> Shop:
    world = small_world()
    seconds = [1_800_000_000.0]
    app = AppRegistration("app-id", "app-secret", RITORNO, clock=lambda: seconds[0])
    server = Flask("sandbox-under-test")
    server.register_blueprint(blueprint(world, app))
    return Shop(world, app, server.test_client(), seconds)


def test_authorization_goes_back_with_a_signed_query(shop: Shop) -> None:
    answer = shop.authorize()

    query = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    signature = query.pop("hmac")
    assert answer.status_code == 302
    assert sorted(query) == ["code", "host", "shop", "state", "timestamp"]
    assert signature == sign_query(query, "app-secret")
    assert (query["state"], query["shop"]) == ("abc", "sandbox-aurora.myshopify.com")


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "other"},
        {"redirect_uri": "http://evil.example/back"},
        {"redirect_uri": "http://127.0.0.1:8000.evil.example/back"},
    ],
)
def test_authorization_for_a_stranger_is_refused(shop: Shop, changes: dict[str, str]) -> None:
    answer = shop.authorize(**changes)

    assert answer.status_code == 400


def test_a_code_gives_one_expiring_token(shop: Shop) -> None:
    location = shop.authorize().headers["Location"]
    code = parse_qs(urlsplit(location).query)["code"][0]

    first = shop.token(code=code, expiring="1")
    second = shop.token(code=code, expiring="1")

    assert first.json is not None
    assert (first.json["expires_in"], first.json["refresh_token_expires_in"]) == (3600, 7_776_000)
    assert second.status_code == 400
    assert second.json is not None
    assert second.json["error"] == "invalid_request"


def test_wrong_secret_gets_no_token(shop: Shop) -> None:
    answer = shop.token(code="x", client_secret="wrong")

    assert (answer.status_code, answer.json and answer.json["error"]) == (400, "invalid_client")


def test_access_token_ends_after_an_hour_and_a_refresh_brings_a_new_pair(shop: Shop) -> None:
    pair = shop.install()
    shop.seconds[0] += 3600

    old = shop.client.post(
        f"{BASE}/admin/api/2026-10/graphql.json",
        json={"query": "{shop{name}}"},
        headers={"X-Shopify-Access-Token": pair["access_token"]},
    )
    fresh = shop.token(grant_type="refresh_token", refresh_token=pair["refresh_token"]).json

    assert old.status_code == 401
    assert fresh is not None
    assert shop.ask("{shop{name}}", fresh["access_token"])["data"] == {"shop": {"name": "Sandbox Aurora"}}


def _exchange(shop: Shop, subject: str, kind: str, **changes: str) -> TestResponse:
    sent = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": subject,
        "subject_token_type": kind,
        "requested_token_type": OFFLINE_TYPE,
        "expiring": "1",
    }
    return shop.token(**(sent | changes))


def _session_token(shop: Shop, **changes: object) -> str:
    now = int(shop.seconds[0])
    claims = {
        "iss": "https://sandbox-aurora.myshopify.com/admin",
        "dest": "https://sandbox-aurora.myshopify.com",
        "aud": "app-id",
        "exp": now + 60,
        "nbf": now,
    }
    parts = [_part(json.dumps(part).encode()) for part in ({"alg": "HS256"}, {**claims, **changes})]
    signature = hmac.digest(b"app-secret", ".".join(parts).encode(), "sha256")
    return ".".join((*parts, _part(signature)))


def _part(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def test_a_session_token_is_exchanged_for_an_expiring_pair(shop: Shop) -> None:
    pair = _exchange(shop, _session_token(shop), SESSION_TYPE).json

    assert pair is not None
    assert (pair["expires_in"], pair["scope"]) == (3600, shop.app.scopes)
    assert shop.ask("{shop{name}}", pair["access_token"])["data"] == {"shop": {"name": "Sandbox Aurora"}}


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another app"},
        {"dest": "https://other.myshopify.com"},
        {"exp": 1_799_999_000},
        {"nbf": 1_800_009_000},
    ],
)
def test_a_session_token_that_is_not_for_this_app_now_is_refused(
    shop: Shop, changes: dict[str, object]
) -> None:
    answer = _exchange(shop, _session_token(shop, **changes), SESSION_TYPE)

    assert (answer.status_code, answer.json and answer.json["error"]) == (400, "invalid_subject_token")


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "e30.e30.e30"])
def test_what_is_no_session_token_is_refused(shop: Shop, token: str) -> None:
    assert _exchange(shop, token, SESSION_TYPE).status_code == 400


def test_a_token_without_an_end_is_migrated_once_and_is_over_then(shop: Shop) -> None:
    location = shop.authorize().headers["Location"]
    old = shop.token(code=parse_qs(urlsplit(location).query)["code"][0]).json
    assert old is not None

    pair = _exchange(shop, old["access_token"], OFFLINE_TYPE)
    again = _exchange(shop, old["access_token"], OFFLINE_TYPE)
    asked = shop.client.post(
        f"{BASE}/admin/api/2026-10/graphql.json",
        json={"query": "{shop{name}}"},
        headers={"X-Shopify-Access-Token": old["access_token"]},
    )

    assert pair.json is not None
    assert (pair.json["expires_in"], pair.json["scope"]) == (3600, old["scope"])
    assert (again.status_code, asked.status_code) == (400, 401)


def test_an_expiring_token_cannot_be_migrated(shop: Shop) -> None:
    pair = shop.install()

    assert _exchange(shop, pair["access_token"], OFFLINE_TYPE).status_code == 400


def test_a_token_says_whose_app_it_is_of(shop: Shop) -> None:
    answer = shop.ask("{currentAppInstallation{app{apiKey}}}", shop.install()["access_token"])

    assert answer["data"]["currentAppInstallation"]["app"]["apiKey"] == "app-id"


def test_replaced_refresh_token_works_until_the_new_one_is_used(shop: Shop) -> None:
    first = shop.install()["refresh_token"]
    second = shop.token(grant_type="refresh_token", refresh_token=first).json
    assert second is not None

    again = shop.token(grant_type="refresh_token", refresh_token=first)
    used = shop.token(grant_type="refresh_token", refresh_token=(again.json or {})["refresh_token"])
    late = shop.token(grant_type="refresh_token", refresh_token=first)

    assert (again.status_code, used.status_code, late.status_code) == (200, 200, 400)
    assert late.json is not None
    assert late.json["error"] == "invalid_grant"


def test_tokens_outlive_a_restart(shop: Shop) -> None:
    pair = shop.install()
    server = Flask("sandbox-restarted")
    server.register_blueprint(blueprint(shop.world, shop.app))
    restarted = replace(shop, client=server.test_client())

    answer = restarted.ask("{shop{name}}", pair["access_token"])
    fresh = restarted.token(grant_type="refresh_token", refresh_token=pair["refresh_token"])

    assert answer["data"] == {"shop": {"name": "Sandbox Aurora"}}
    assert fresh.status_code == 200


@pytest.mark.parametrize(("document", "points"), [(CUSTOMERS, 803), (ORDERS, 773), (PRODUCTS, 783)])
def test_known_documents_cost_what_the_platform_asks(shop: Shop, document: str, points: int) -> None:
    token = shop.install()["access_token"]

    answer = shop.ask(document, token)

    assert "errors" not in answer
    assert answer["extensions"]["cost"]["requestedQueryCost"] == points


def test_a_query_over_a_thousand_points_is_refused(shop: Shop) -> None:
    token = shop.install()["access_token"]

    answer = shop.ask("{orders(first:50){nodes{id lineItems(first:50){nodes{id product{id}}}}}}", token)

    assert answer["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert "data" not in answer


def test_an_empty_bucket_answers_throttled_with_http_200_and_fills_again(shop: Shop) -> None:
    shop.app.bucket_size, shop.app.restore_rate = 800.0, 100.0
    server = Flask("sandbox-small-bucket")
    server.register_blueprint(blueprint(shop.world, shop.app))
    small = replace(shop, client=server.test_client())
    token = small.install()["access_token"]

    first = small.ask(ORDERS, token)
    second = small.ask(ORDERS, token)
    small.seconds[0] += 1
    third = small.ask(ORDERS, token)

    assert "errors" not in first
    assert second["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert second["extensions"]["cost"]["actualQueryCost"] is None
    assert "errors" not in third


def test_wrong_version_and_bad_token_and_bad_body(shop: Shop) -> None:
    token = {"X-Shopify-Access-Token": shop.install()["access_token"]}

    old = shop.client.post(
        f"{BASE}/admin/api/2026-07/graphql.json", json={"query": "{shop{name}}"}, headers=token
    )
    stranger = shop.client.post(f"{BASE}/admin/api/2026-10/graphql.json", json={"query": "{shop{name}}"})
    empty = shop.client.post(f"{BASE}/admin/api/2026-10/graphql.json", data="[]", headers=token)

    assert (old.status_code, stranger.status_code, empty.status_code) == (404, 401, 400)


def test_unknown_field_is_a_validation_error(shop: Shop) -> None:
    answer = shop.ask("{shop{nope}}", shop.install()["access_token"])

    assert answer["errors"][0]["message"].startswith("Cannot query field 'nope'")


def test_pages_follow_the_cursor_in_order_of_change(shop: Shop) -> None:
    token = shop.install()["access_token"]

    first = shop.ask(IDS, token, n=2)["data"]["orders"]
    second = shop.ask(IDS, token, n=2, c=first["pageInfo"]["endCursor"])["data"]["orders"]

    assert [node["id"][-4:] for node in first["nodes"]] == ["2000", "2001"]
    assert [node["id"][-4:] for node in second["nodes"]] == ["2002"]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)


def test_updated_at_narrows_the_list_and_the_read_is_noted(shop: Shop) -> None:
    token = shop.install()["access_token"]
    since = PLACED + timedelta(days=4)

    answer = shop.ask(IDS, token, n=10, q="updated_at:>='2026-05-08T16:30:00Z'")

    assert [node["id"][-4:] for node in answer["data"]["orders"]["nodes"]] == ["2001", "2002"]
    assert shop.world.reads[-1] == (SHOPIFY, "orders", (2001, 2002), since)


def test_equal_moments_are_paged_by_id(shop: Shop) -> None:
    for number in range(5):
        shop.world.add_order(order(100 + number, 2, SHOPIFY, placed_at=PLACED))
    token = shop.install()["access_token"]

    seen, cursor = [], None
    for _ in range(4):
        page = shop.ask(IDS, token, n=2, c=cursor)["data"]["orders"]
        seen += [int(node["id"].rpartition("/")[2]) for node in page["nodes"]]
        cursor = page["pageInfo"]["endCursor"]

    assert seen == [100, 101, 102, 103, 104, 2000, 2001, 2002]


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        ("first:2,sortKey:CREATED_AT", ["6", "4"]),
        ("first:2,sortKey:CREATED_AT,reverse:true", ["2", "4"]),
        ("first:2,sortKey:ID", ["2", "4"]),
        ("first:2,sortKey:ID,reverse:true", ["6", "4"]),
        ('first:9,query:"email:lucia.rossi4@example.com"', ["4"]),
        ('first:9,query:"id:>2 AND created_at:<2026-04-04T11:00:00Z"', ["6"]),
    ],
)
def test_sorting_and_searching_customers(shop: Shop, arguments: str, ids: list[str]) -> None:
    answer = shop.ask(f"{{customers({arguments}){{nodes{{id}}}}}}", shop.install()["access_token"])

    assert [node["id"].rpartition("/")[2] for node in answer["data"]["customers"]["nodes"]] == ids


def test_a_reversed_list_goes_on_after_its_cursor(shop: Shop) -> None:
    document = "query($c:String){customers(first:2,after:$c,reverse:true){pageInfo{endCursor} nodes{id}}}"
    token = shop.install()["access_token"]

    first = shop.ask(document, token)["data"]["customers"]
    second = shop.ask(document, token, c=first["pageInfo"]["endCursor"])["data"]["customers"]

    assert [node["id"][-1] for node in second["nodes"]] == ["2"]


def test_a_list_needs_first(shop: Shop) -> None:
    answer = shop.ask("{customers{nodes{id}}}", shop.install()["access_token"])

    assert answer["errors"][0]["message"] == "you must provide one of first or last"


def test_bad_cursor_is_refused(shop: Shop) -> None:
    answer = shop.ask('{customers(first:1,after:"?"){nodes{id}}}', shop.install()["access_token"])

    assert answer["errors"][0]["message"] == "Invalid cursor for current pagination sort."


def test_customer_carries_consent_birthday_spending_and_last_order(shop: Shop) -> None:
    shop.world.shoppers[4] = shopper(4, SHOPIFY, birth=Birth(2, 29, None), email_consent_at=None)
    token = shop.install()["access_token"]

    nodes = {node["id"][-1]: node for node in shop.ask(CUSTOMERS, token)["data"]["customers"]["nodes"]}

    assert nodes["2"]["defaultEmailAddress"]["marketingState"] == "SUBSCRIBED"
    assert nodes["2"]["defaultPhoneNumber"]["smsMarketingConsent"]["state"] == "NEVER_SUBSCRIBED"
    assert nodes["2"]["birthDate"] == {"value": "1988-11-22"}
    assert nodes["2"]["amountSpent"] == {"amount": "12.00", "currencyCode": "USD"}
    assert nodes["2"]["lastOrder"]["id"] == "gid://shopify/Order/2000"
    assert nodes["4"]["birthDate"] == {"value": "--02-29"}
    assert nodes["4"]["defaultEmailAddress"]["marketingState"] == "NOT_SUBSCRIBED"


def test_an_orders_extra_fields_are_those_of_its_webhook(shop: Shop) -> None:
    shop.world.shoppers[2] = shopper(2, SHOPIFY, tracking_consent_at=PLACED)
    query = "{orders(first:1,sortKey:ID){nodes{customAttributes{key value}}}}"

    answer = shop.ask(query, shop.install()["access_token"])

    (node,) = answer["data"]["orders"]["nodes"]
    assert node["customAttributes"] == [{"key": "tracking_consent", "value": "yes"}]


def test_order_carries_lines_and_delivery(shop: Shop) -> None:
    answer = shop.ask(ORDERS, shop.install()["access_token"])

    node = answer["data"]["orders"]["nodes"][0]
    assert node["displayFinancialStatus"] == "PAID"
    assert node["customer"] == {"id": "gid://shopify/Customer/2"}
    assert [line["discountedTotalSet"]["shopMoney"]["amount"] for line in node["lineItems"]["nodes"]] == [
        "9.00",
        "3.00",
    ]
    assert node["fulfillments"][0]["displayStatus"] == "DELIVERED"
    assert node["fulfillments"][0]["deliveredAt"] == "2026-05-07T16:30:00Z"


def test_old_orders_need_read_all_orders(shop: Shop) -> None:
    shop.world.now = NOW + timedelta(days=70)
    document = '{orders(first:9){nodes{id}} ordersCount{count} order(id:"gid://shopify/Order/2000"){id}}'

    recent = shop.ask(document, shop.install(scope="read_orders")["access_token"])["data"]
    everything = shop.ask(document, shop.install(scope="read_orders,read_all_orders")["access_token"])["data"]

    assert (recent["orders"]["nodes"], recent["order"]) == ([], None)
    assert len(everything["orders"]["nodes"]) == 3
    assert everything["order"] is not None


def test_a_missing_scope_denies_the_field(shop: Shop) -> None:
    answer = shop.ask("{customers(first:1){nodes{id}}}", shop.install(scope="read_orders")["access_token"])

    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


def test_a_minted_code_is_found_and_taken_once(shop: Shop) -> None:
    token = shop.install()["access_token"]

    first = shop.ask(MINT, token, d=DISCOUNT)["data"]["discountCodeBasicCreate"]
    second = shop.ask(MINT, token, d={**DISCOUNT, "code": "bday-7f3k"})["data"]["discountCodeBasicCreate"]
    found = shop.ask(BY_CODE, token, code="Bday-7f3k")["data"]["codeDiscountNodeByCode"]

    assert first["userErrors"] == []
    assert second["userErrors"][0]["code"] == "TAKEN"
    assert found["id"] == first["codeDiscountNode"]["id"]
    assert found["codeDiscount"]["codes"]["nodes"] == [{"code": "BDAY-7F3K"}]
    assert (found["codeDiscount"]["status"], found["codeDiscount"]["usageLimit"]) == ("ACTIVE", 1)
    assert (shop.world.vouchers[0].kind, shop.world.vouchers[0].value) == ("percent", "15")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"code": ""}, "BLANK"),
        ({"title": None}, "BLANK"),
        ({"endsAt": "2026-05-19T00:00:00Z"}, "END_DATE_BEFORE_START_DATE"),
        ({"customerGets": {"items": {"all": True}, "value": {"percentage": 15}}}, "VALUE_OUTSIDE_RANGE"),
    ],
)
def test_a_wrong_discount_is_a_user_error(shop: Shop, changes: dict[str, Any], code: str) -> None:
    token = shop.install()["access_token"]

    answer = shop.ask(MINT, token, d={**DISCOUNT, **changes})["data"]["discountCodeBasicCreate"]

    assert answer["codeDiscountNode"] is None
    assert [error["code"] for error in answer["userErrors"]] == [code]
    assert shop.world.vouchers == []


def test_a_free_shipping_code_is_minted(shop: Shop) -> None:
    token = shop.install()["access_token"]
    mint = MINT.replace("discountCodeBasicCreate(basicCodeDiscount", "discountCodeFreeShippingCreate(@")
    mint = mint.replace("@", "freeShippingCodeDiscount").replace("BasicInput", "FreeShippingInput")
    common = {key: value for key, value in DISCOUNT.items() if key != "customerGets"}

    made = shop.ask(mint, token, d={**common, "destination": {"all": True}})["data"]
    refused = shop.ask(mint, token, d={**common, "code": "OTHER"})["data"]

    assert made["discountCodeFreeShippingCreate"]["userErrors"] == []
    assert refused["discountCodeFreeShippingCreate"]["userErrors"][0]["field"][1] == "destination"
    assert [voucher.kind for voucher in shop.world.vouchers] == ["free_shipping"]


def test_consent_written_by_the_app_is_read_back(shop: Shop) -> None:
    token = shop.install()["access_token"]
    document = """mutation($i:CustomerEmailMarketingConsentUpdateInput!){
customerEmailMarketingConsentUpdate(input:$i){
customer{defaultEmailAddress{marketingState}} userErrors{code}}}"""
    asked = {
        "customerId": "gid://shopify/Customer/2",
        "emailMarketingConsent": {"marketingState": "UNSUBSCRIBED"},
    }

    answer = shop.ask(document, token, i=asked)["data"]["customerEmailMarketingConsentUpdate"]
    refused = shop.ask(
        document, token, i={**asked, "emailMarketingConsent": {"marketingState": "NOT_SUBSCRIBED"}}
    )

    assert answer["customer"]["defaultEmailAddress"]["marketingState"] == "UNSUBSCRIBED"
    assert refused["data"]["customerEmailMarketingConsentUpdate"]["userErrors"] == [{"code": "INCLUSION"}]


def test_tags_are_added_once_and_removed(shop: Shop) -> None:
    token = shop.install()["access_token"]
    add = """mutation($t:[String!]!){tagsAdd(id:"gid://shopify/Customer/2",tags:$t){
node{... on Customer{tags}} userErrors{message}}}"""

    shop.ask(add, token, t=["vip"])
    both = shop.ask(add, token, t=["vip", "gold"])
    left = shop.ask(add.replace("tagsAdd", "tagsRemove"), token, t=["vip"])

    assert both["data"]["tagsAdd"]["node"]["tags"] == ["vip", "gold"]
    assert left["data"]["tagsRemove"]["node"]["tags"] == ["gold"]
