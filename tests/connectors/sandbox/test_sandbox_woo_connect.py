"""The wc-auth pages and the webhooks' pings: where the store calls the app."""

import html
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

from tests.connectors.sandbox.sandbox_woo_store import Store

CALLBACK = "https://app.example.test/connect/callback"
ASKED = {
    "app_name": "Ritorno",
    "scope": "read_write",
    "user_id": "tok.AbC_-9~x.1234567890",
    "return_url": "https://app.example.test/install/done?x=1",
    "callback_url": CALLBACK,
}
HOOK = {
    "name": "r",
    "topic": "order.created",
    "delivery_url": "https://app.example.test/hook",
    "secret": "s3",
}


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def app() -> Any:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        yield wire


def _approve(store: Store, **changes: str) -> Any:
    page = store.client.get("/woo/wc-auth/v1/authorize", query_string={**ASKED, **changes})
    assert page.status_code == 200, page.text
    link = re.search(r'href="([^"]+)" class="[^"]*wc-auth-approve', page.text)
    assert link is not None
    return store.client.get(html.unescape(link.group(1)))


def test_approval_posts_the_key_and_sends_the_merchant_back(store: Store, app: Any) -> None:
    app.post(CALLBACK, status=200)

    answer = _approve(store)

    sent = app.calls[0].request
    body = json.loads(sent.body)
    assert list(body) == ["key_id", "user_id", "consumer_key", "consumer_secret", "key_permissions"]
    assert re.fullmatch(r"ck_[0-9a-f]{40}", body["consumer_key"])
    assert re.fullmatch(r"cs_[0-9a-f]{40}", body["consumer_secret"])
    assert (body["user_id"], body["key_permissions"]) == (ASKED["user_id"], "read_write")
    assert sent.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert answer.headers["Location"] == (
        "https://app.example.test/install/done?x=1&success=1&user_id=tok.AbC_-9~x.1234567890"
    )
    assert store.world.remembered("woo_key")[-1]["consumer_key"] == body["consumer_key"]


@pytest.mark.parametrize("status", [201, 204, 500])
def test_a_callback_that_is_not_200_leaves_no_key(store: Store, app: Any, status: int) -> None:
    app.post(CALLBACK, status=status)

    answer = _approve(store)

    assert answer.status_code == 401
    assert "An error occurred in the request" in answer.text
    assert len(store.world.remembered("woo_key")) == 1


def test_an_app_that_is_down_leaves_no_key(store: Store, app: Any) -> None:
    app.post(CALLBACK, body=requests.ConnectionError("down"))

    assert _approve(store).status_code == 401


def test_a_redirect_is_followed_as_a_get_and_counts(store: Store, app: Any) -> None:
    app.post(CALLBACK, status=302, headers={"Location": "https://app.example.test/login"})
    app.get("https://app.example.test/login", status=200)

    answer = _approve(store)

    assert answer.status_code == 302
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["success"] == ["1"]


def test_denying_is_a_link_back(store: Store) -> None:
    page = store.client.get("/woo/wc-auth/v1/authorize", query_string=ASKED)

    assert "success=0&amp;user_id=tok.AbC_-9~x.1234567890" in page.text
    assert "app.example.test" in page.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"user_id": "0"}, "Missing parameter user_id"),
        ({"app_name": ""}, "Missing parameter app_name"),
        ({"scope": "all"}, "Invalid scope all"),
        ({"return_url": "https://"}, "The return_url is not a valid URL"),
        ({"callback_url": "http://app.example.test/cb"}, "The callback_url needs to be over SSL"),
    ],
)
def test_wrong_requests_are_denied(store: Store, changes: dict[str, str], words: str) -> None:
    answer = store.client.get("/woo/wc-auth/v1/authorize", query_string={**ASKED, **changes})

    assert answer.status_code == 401
    assert words in answer.text
    assert "Access denied" in answer.text


def test_a_callback_on_this_machine_may_be_plain_http(store: Store, app: Any) -> None:
    app.post("http://127.0.0.1:8000/cb", status=200)

    assert _approve(store, callback_url="http://127.0.0.1:8000/cb").status_code == 302


def test_a_made_up_nonce_grants_nothing(store: Store) -> None:
    query = {**ASKED, "wc_auth_nonce": "0123456789"}

    answer = store.client.get("/woo/wc-auth/v1/access_granted", query_string=query)

    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [("<b>x</b>", "x"), ("a%2Fb", "ab"), ("a/b:c;d,e|f~g!h", "a/b:c;d,ef~g!h"), ("é ü", "é ü")],
)
def test_user_id_is_echoed_as_wordpress_cleans_it(store: Store, app: Any, sent: str, echoed: str) -> None:
    app.post(CALLBACK, status=200)

    _approve(store, user_id=sent)

    assert json.loads(app.calls[0].request.body)["user_id"] == echoed


def test_a_new_webhook_is_pinged_unsigned_before_the_answer(store: Store, app: Any) -> None:
    app.post(HOOK["delivery_url"], status=200)

    answer = store.call("POST", "/webhooks", sent={**HOOK, "status": "paused"})

    ping = app.calls[0].request
    assert ping.body == f"webhook_id={answer.json['id']}"
    assert ping.headers["User-Agent"] == "WooCommerce/10.5.0 Hookshot (WordPress/7.0.4)"
    assert not [name for name in ping.headers if name.lower().startswith("x-wc")]
    assert (answer.status_code, answer.json["status"]) == (201, "active")
    assert "secret" not in answer.json
    kept = store.world.remembered("webhook")[-1]
    assert (kept["url"], kept["secret"], kept["is_pending"]) == (HOOK["delivery_url"], "s3", False)


def test_a_ping_answered_with_204_leaves_the_webhook_pending(store: Store, app: Any) -> None:
    app.post(HOOK["delivery_url"], status=204)

    answer = store.call("POST", "/webhooks", sent=HOOK)

    assert answer.status_code == 201
    assert store.world.remembered("webhook")[-1]["is_pending"] is True


def test_webhooks_are_listed_paused_and_deleted_by_force(store: Store, app: Any) -> None:
    app.post(HOOK["delivery_url"], status=200)
    number = store.call("POST", "/webhooks", sent=HOOK).json["id"]

    paused = store.call("PUT", f"/webhooks/{number}", sent={"status": "paused"})
    listed = store.get("/webhooks", per_page=100)
    soft = store.call("DELETE", f"/webhooks/{number}")
    hard = store.call("DELETE", f"/webhooks/{number}", {"force": "true"})

    assert (paused.json["status"], [hook["id"] for hook in listed]) == ("paused", [number])
    assert (soft.status_code, soft.json["code"]) == (501, "woocommerce_rest_trash_not_supported")
    assert (hard.status_code, store.get("/webhooks")) == (200, [])
    assert store.world.remembered("webhook")[-1]["status"] == "deleted"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"topic": "order.bought"}, "woocommerce_rest_shop_webhook_invalid_topic"),
        ({"delivery_url": "ftp://x.example"}, "woocommerce_rest_shop_webhook_invalid_delivery_url"),
    ],
)
def test_wrong_webhooks_are_400(store: Store, changes: dict[str, str], code: str) -> None:
    answer = store.call("POST", "/webhooks", sent={**HOOK, **changes})

    assert (answer.status_code, answer.json["code"]) == (400, code)


def test_webhooks_can_be_made_in_a_batch(store: Store, app: Any) -> None:
    app.post(HOOK["delivery_url"], status=200)

    answer = store.call(
        "POST", "/webhooks/batch", sent={"create": [HOOK, {**HOOK, "topic": "order.updated"}]}
    )

    assert [hook["topic"] for hook in answer.json["create"]] == ["order.created", "order.updated"]
    assert len(app.calls) == 2
