"""The emulated WooCommerce over HTTP: who is let in, lists, coupons."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.model import WOOCOMMERCE, Order
from tests.connectors.sandbox.sandbox_fake_world import PLACED, order, product, shopper
from tests.connectors.sandbox.sandbox_woo_store import KEY, Store

FIXTURES = Path(__file__).parents[2] / "fixtures" / "woocommerce"
KEYS = json.loads((FIXTURES / "sandbox_body_keys.json").read_text(encoding="utf-8"))
BASIC = base64.b64encode(f"{KEY['consumer_key']}:{KEY['consumer_secret']}".encode()).decode()
COUPON = {
    "code": "BDAY-7F3K",
    "discount_type": "percent",
    "amount": "15",
    "usage_limit": 1,
    "date_expires": "2026-06-20T23:59:59",
}


@pytest.fixture
def store() -> Store:
    return Store()


def test_index_is_open_and_names_the_home(store: Store) -> None:
    body = store.client.get("/woo/wp-json/").json

    assert body is not None
    assert (body["home"], body["timezone_string"]) == ("http://sandbox-bottega.example", "Europe/Rome")
    assert "wc/v3" in body["namespaces"]


def test_a_signature_for_the_home_url_is_accepted(store: Store) -> None:
    answer = store.call("GET", "/system_status", {"_fields": "environment.home_url"})

    assert (answer.status_code, answer.json) == (
        200,
        {"environment": {"home_url": "http://sandbox-bottega.example"}},
    )


def test_parameters_with_odd_characters_verify(store: Store) -> None:
    answer = store.call("GET", "/customers", {"search": "àé ~*'()+&=/", "include": "1,3"})

    assert answer.status_code == 200


def test_a_signature_for_the_called_address_does_not_match(store: Store) -> None:
    path = store.signed("GET", "/orders", home="http://127.0.0.1:9000/woo")

    answer = store.client.get(f"/woo{path}")

    assert _error(answer.json) == ("woocommerce_rest_authentication_error", 401)
    assert answer.json["message"] == "Invalid signature - provided signature does not match."


def test_bracket_lists_without_a_number_break_the_signature(store: Store) -> None:
    numbered = store.call("GET", "/customers", {"include[0]": "1"})
    bare = store.call("GET", "/customers", {"include[]": "1"})

    assert numbered.status_code == 200
    assert [found["id"] for found in numbered.json] == [1]
    assert bare.status_code == 401


@pytest.mark.parametrize(("seconds", "status"), [(899, 200), (-899, 200), (901, 401), (-901, 401)])
def test_the_timestamp_may_be_a_quarter_of_an_hour_off(store: Store, seconds: int, status: int) -> None:
    path = store.signed("GET", "/orders")
    store.seconds += seconds

    assert store.client.get(f"/woo{path}").status_code == status


def test_a_nonce_works_once(store: Store) -> None:
    path = store.signed("GET", "/orders")

    first, second = store.client.get(f"/woo{path}"), store.client.get(f"/woo{path}")

    assert (first.status_code, second.status_code) == (200, 401)
    assert second.json["message"] == "Invalid nonce - nonce has already been used."


def test_basic_is_not_looked_at_over_plain_http_and_works_over_tls(store: Store) -> None:
    headers = {"Authorization": f"Basic {BASIC}"}

    plain = store.client.get("/woo/wp-json/wc/v3/orders", headers=headers)
    secure = store.client.get("/woo/wp-json/wc/v3/orders", headers=headers, base_url="https://localhost")

    assert _error(plain.json) == ("woocommerce_rest_cannot_view", 401)
    assert secure.status_code == 200


def test_wrong_secret_over_tls_and_unknown_keys(store: Store) -> None:
    wrong = base64.b64encode(f"{KEY['consumer_key']}:cs_no".encode()).decode()
    stranger = base64.b64encode(b"ck_no:cs_no").decode()
    path = store.signed("GET", "/orders").replace(str(KEY["consumer_key"]), "ck_gone")

    answers = [
        store.client.get(
            "/woo/wp-json/wc/v3/orders",
            headers={"Authorization": f"Basic {who}"},
            base_url="https://localhost",
        )
        for who in (wrong, stranger)
    ]
    unknown = store.client.get(f"/woo{path}")

    assert answers[0].json["message"] == "Consumer secret is invalid."
    assert _error(answers[1].json) == ("woocommerce_rest_cannot_view", 401)
    assert unknown.json["message"] == "Consumer key is invalid."


def test_authorization_header_may_carry_the_signature(store: Store) -> None:
    query = store.signed("GET", "/orders").partition("?")[2]
    fields = ", ".join(
        f'{name}="{value}"' for name, value in (pair.split("=", 1) for pair in query.split("&"))
    )

    answer = store.client.get("/woo/wp-json/wc/v3/orders", headers={"Authorization": f"OAuth {fields}"})

    assert answer.status_code == 200


def test_a_read_key_may_not_write(store: Store) -> None:
    store.world.remember("woo_key", {**KEY, "permissions": "read"})

    answer = store.call("POST", "/coupons", sent=COUPON)

    assert answer.status_code == 401
    assert answer.json["message"] == "The API key provided does not have write permissions."


def test_incomplete_oauth_names_what_is_missing(store: Store) -> None:
    answer = store.client.get("/woo/wp-json/wc/v3/orders?oauth_consumer_key=ck_x")

    assert _error(answer.json) == ("woocommerce_rest_authentication_missing_parameter", 401)


def test_pages_have_totals_and_links(store: Store) -> None:
    first = store.call("GET", "/orders", {"per_page": 2, "orderby": "id", "order": "asc"})
    last = store.call("GET", "/orders", {"per_page": 2, "page": 2, "orderby": "id", "order": "asc"})
    beyond = store.call("GET", "/orders", {"per_page": 2, "page": 99})

    assert [found["id"] for found in first.json + last.json] == [1000, 1001, 1002]
    assert (first.headers["X-WP-Total"], first.headers["X-WP-TotalPages"]) == ("3", "2")
    assert 'rel="next"' in first.headers["Link"]
    assert 'rel="prev"' in last.headers["Link"]
    assert (beyond.json, beyond.headers["X-WP-Total"], beyond.headers["X-WP-TotalPages"]) == ([], "0", "0")


def test_one_page_has_only_the_index_link(store: Store) -> None:
    link = store.call("GET", "/customers").headers["Link"]

    assert link == '<http://sandbox-bottega.example/wp-json/>; rel="https://api.w.org/"'


def test_modified_after_is_strict_and_reads_gmt_when_told(store: Store) -> None:
    moment = PLACED + timedelta(days=1, hours=20)
    gmt = moment.strftime("%Y-%m-%dT%H:%M:%S")
    query = {"orderby": "modified", "order": "asc"}

    strict = store.get("/orders", modified_after=gmt, dates_are_gmt="true", **query)
    earlier = (moment - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S")
    wide = store.get("/orders", modified_after=earlier, dates_are_gmt="true", **query)
    local = store.get("/orders", modified_after=gmt, **query)

    assert [found["id"] for found in strict] == [1002]
    assert [found["id"] for found in wide] == [1001, 1002]
    assert [found["id"] for found in local] == [1001, 1002]
    assert store.world.reads[0] == (WOOCOMMERCE, "orders", (1002,), moment)


def test_modified_after_is_ignored_on_customers(store: Store) -> None:
    found = store.get("/customers", modified_after="2100-01-01T00:00:00", orderby="id")

    assert [customer["id"] for customer in found] == [1, 3, 5]


@pytest.mark.parametrize(
    ("path", "query", "parameter"),
    [
        ("/orders", {"per_page": 101}, "per_page"),
        ("/orders", {"page": 0}, "page"),
        ("/orders", {"orderby": "modifiedx"}, "orderby"),
        ("/customers", {"orderby": "modified"}, "orderby"),
        ("/orders", {"modified_after": "yesterday"}, "modified_after"),
    ],
)
def test_bad_parameters_are_400(store: Store, path: str, query: dict[str, Any], parameter: str) -> None:
    answer = store.call("GET", path, query)

    assert _error(answer.json) == ("rest_invalid_param", 400)
    assert list(answer.json["data"]["params"]) == [parameter]


def test_bad_orderby_answers_as_captured(store: Store) -> None:
    answer = store.call("GET", "/orders", {"orderby": "modifiedx"})

    message = "orderby is not one of date, id, include, title, slug, and modified."
    assert answer.json["data"] == {
        "status": 400,
        "params": {"orderby": message},
        "details": {"orderby": {"code": "rest_not_in_enum", "message": message, "data": None}},
    }


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/customers/999", "wc_user_invalid_id"),
        ("/orders/999", "woocommerce_rest_shop_order_invalid_id"),
        ("/products/999", "woocommerce_rest_product_invalid_id"),
        ("/coupons/999", "woocommerce_rest_shop_coupon_invalid_id"),
        ("/nothing", "rest_no_route"),
    ],
)
def test_what_is_not_there_is_404(store: Store, path: str, code: str) -> None:
    assert _error(store.call("GET", path).json) == (code, 404)


def test_things_of_the_other_shop_are_not_here(store: Store) -> None:
    statuses = [
        store.call("GET", path).status_code for path in ("/orders/2000", "/customers/2", "/products/501")
    ]

    assert statuses == [404, 404, 404]


@pytest.mark.parametrize("resource", ["orders", "products", "customers"])
def test_each_field_reads_alone_as_it_does_among_all(store: Store, resource: str) -> None:
    whole = store.get(f"/{resource}", orderby="id", order="asc")

    alone = {name: store.get(f"/{resource}", orderby="id", order="asc", _fields=name) for name in whole[0]}

    assert whole
    assert alone == {name: [{name: body[name]} for body in whole] for name in whole[0]}


def test_fields_cut_bodies_down(store: Store) -> None:
    found = store.get("/orders", _fields="id,billing.email", per_page=1, orderby="id", order="asc")

    assert found == [{"id": 1000, "billing": {"email": "lucia.rossi1@example.com"}}]


def test_orders_by_status_customer_and_include(store: Store) -> None:
    store.world.add_order(order(1001, 3, WOOCOMMERCE, fulfilled_at=None))

    processing = store.get("/orders", status="processing")
    of_customer = store.get("/orders", customer=5)
    chosen = store.get("/orders", include="1002,1000", orderby="include", order="asc")

    assert [found["id"] for found in processing] == [1001]
    assert [found["id"] for found in of_customer] == [1002]
    assert [found["id"] for found in chosen] == [1002, 1000]


def test_who_asks_for_some_orders_has_no_others_gone_through(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: set[int] = set()
    find = store.world.order

    def order_of(basket: int) -> Order | None:
        looked_at.add(basket)
        return find(basket)

    monkeypatch.setattr(store.world, "order", order_of)

    found = store.get("/orders", include="1001")

    assert [one["id"] for one in found] == [1001]
    assert looked_at == {1001}


def test_newest_orders_come_first_by_default(store: Store) -> None:
    assert [found["id"] for found in store.get("/orders")] == [1002, 1001, 1000]


def test_guests_are_no_customers_and_email_finds_one(store: Store) -> None:
    store.world.shoppers[3] = shopper(3, WOOCOMMERCE, is_guest=True)

    everyone = store.get("/customers", orderby="id")
    found = store.get("/customers", email="LUCIA.rossi5@example.com")

    assert [customer["id"] for customer in everyone] == [1, 5]
    assert [customer["id"] for customer in found] == [5]


def test_products_show_cross_sells(store: Store) -> None:
    store.world.products[603] = product(603, WOOCOMMERCE, created_at=PLACED)

    found = store.get("/products", orderby="id", order="asc")
    fresh = store.get("/products", modified_after="2026-05-01T00:00:00")

    assert [(one["id"], one["cross_sell_ids"]) for one in found] == [(601, [602]), (602, []), (603, [])]
    assert [one["id"] for one in fresh] == [603]


def test_refunds_of_an_order_and_of_all(store: Store) -> None:
    refund = {"refunded_at": PLACED + timedelta(days=5), "refunded_lines": (1001001,), "refunded_minor": 300}
    store.world.add_order(order(1001, 3, WOOCOMMERCE, **refund))

    of_order, of_all = store.get("/orders/1001/refunds"), store.get("/refunds")

    assert (len(of_order), of_order[0]["amount"]) == (1, "3.00")
    assert (len(of_all), of_all[0]["parent_id"]) == (1, 1001)
    assert sorted(of_all[0]) == KEYS["refund"]


def test_meta_written_by_the_app_is_read_back_and_underscores_stay_hidden(store: Store) -> None:
    sent = {"meta_data": [{"key": "sandbox_newsletter", "value": "0"}, {"key": "_hidden", "value": "x"}]}

    store.call("PUT", "/customers/1", sent=sent)
    store.call("PUT", "/orders/1000", sent=sent)

    on_customer = {meta["key"]: meta["value"] for meta in store.get("/customers/1")["meta_data"]}
    on_order = {meta["key"]: meta["value"] for meta in store.get("/orders/1000")["meta_data"]}
    assert on_customer["sandbox_newsletter"] == "0"
    assert "_hidden" not in on_customer
    assert on_order["_hidden"] == "x"


def test_coupon_codes_are_lower_case_and_taken_once(store: Store) -> None:
    created = store.call("POST", "/coupons", sent=COUPON)
    again = store.call("POST", "/coupons", sent={**COUPON, "code": "bday-7f3K"})
    found = store.get("/coupons", code="BDAY-7f3k")

    assert (created.status_code, created.json["code"], created.json["amount"]) == (201, "bday-7f3k", "15.00")
    assert sorted(created.json) == KEYS["coupon"]
    assert created.json["date_expires_gmt"] == "2026-06-20T21:59:59"
    assert _error(again.json) == ("woocommerce_rest_coupon_code_already_exists", 400)
    assert [coupon["id"] for coupon in found] == [created.json["id"]]
    assert (store.world.vouchers[0].kind, store.world.vouchers[0].value) == ("percent", "15")


def test_a_redeemed_coupon_counts_its_use(store: Store) -> None:
    created = store.call("POST", "/coupons", sent=COUPON).json
    minted = store.world.vouchers[0]
    store.world.vouchers[0] = type(minted)(**{**_fields(minted), "redeemed_by_order": 1000})

    coupon = store.get(f"/coupons/{created['id']}")

    assert (coupon["usage_count"], coupon["used_by"]) == (1, ["1"])


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH"])
def test_a_coupon_is_changed_by_every_editing_method(store: Store, method: str) -> None:
    number = store.call("POST", "/coupons", sent=COUPON).json["id"]

    changed = store.call(method, f"/coupons/{number}", sent={"usage_limit": 3, "amount": "20"})

    assert (changed.status_code, changed.json["usage_limit"], changed.json["amount"]) == (200, 3, "20.00")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"amount": "5"}, "rest_missing_callback_param"),
        ({"code": " "}, "woocommerce_rest_empty_coupon_code"),
        ({"code": "a", "discount_type": "gift"}, "rest_invalid_param"),
        ({"code": "a", "discount_type": "percent", "amount": "101"}, "coupon_invalid_amount"),
    ],
)
def test_wrong_coupons_are_400(store: Store, sent: dict[str, str], code: str) -> None:
    assert _error(store.call("POST", "/coupons", sent=sent).json) == (code, 400)


def test_batches_keep_the_good_and_name_the_bad(store: Store) -> None:
    codes = [{"code": "a", "amount": "5"}, {"code": "A", "amount": "5"}]

    batch = store.call("POST", "/coupons/batch", sent={"create": codes})
    first = batch.json["create"][0]["id"]
    removed = store.call("POST", "/coupons/batch", sent={"delete": [first, 424242]})
    huge = store.call("POST", "/coupons/batch", sent={"create": [{"code": str(n)} for n in range(101)]})

    assert batch.status_code == 200
    error = batch.json["create"][1]["error"]
    assert (batch.json["create"][1]["id"], error["code"]) == (
        0,
        "woocommerce_rest_coupon_code_already_exists",
    )
    assert removed.json["delete"][0]["id"] == first
    assert removed.json["delete"][1]["error"]["data"] == {"status": 404}
    assert _error(huge.json) == ("woocommerce_rest_request_entity_too_large", 413)
    assert store.get("/coupons") == []


def test_settings_statuses_and_currency(store: Store) -> None:
    settings = {setting["id"]: setting["value"] for setting in store.get("/settings/general")}

    assert settings["woocommerce_currency"] == "USD"
    assert store.get("/settings/general/woocommerce_currency")["value"] == "USD"
    assert {status["slug"] for status in store.get("/orders/statuses")} >= {"processing", "checkout-draft"}
    assert store.get("/data/currencies/current")["code"] == "USD"


def _error(body: Any) -> tuple[str, int]:
    return body["code"], body["data"]["status"]


def _fields(voucher: Any) -> dict[str, Any]:
    return {name: getattr(voucher, name) for name in voucher.__slots__}


def test_nobody_writes_reviews_but_they_can_be_asked_for(store: Store) -> None:
    found = store.call("GET", "/products/reviews", {"status": "all", "after": "2026-11-02T09:00:00"})
    wrong = store.call("GET", "/products/reviews", {"orderby": "modified"})

    assert (found.status_code, found.json, found.headers["X-WP-Total"]) == (200, [], "0")
    assert _error(wrong.json) == ("rest_invalid_param", 400)


def test_an_order_in_the_trash_is_listed_there_alone_and_can_be_read(store: Store) -> None:
    removed = store.call("DELETE", "/orders/1000").json

    anywhere = [found["id"] for found in store.get("/orders")]
    in_trash = [found["id"] for found in store.get("/orders", status="trash")]
    assert (removed["status"], store.get("/orders/1000")["status"]) == ("trash", "trash")
    assert (1000 in anywhere, in_trash) == (False, [1000])


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/orders/1000", "woocommerce_rest_shop_order_invalid_id"),
        ("/products/601", "woocommerce_rest_product_invalid_id"),
    ],
)
def test_what_is_deleted_for_good_is_unknown(store: Store, path: str, code: str) -> None:
    removed = store.call("DELETE", path, {"force": "true"})

    again = store.call("GET", path)
    listed = [found["id"] for found in store.get(path.rpartition("/")[0])]
    assert (removed.status_code, again.status_code, again.json["code"]) == (200, 404, code)
    assert removed.json["id"] not in listed
