"""Installing on WooCommerce through the web, and everything an attacker may try on the way."""

from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.models import InstallAttempt
from app.runtime import Runtime
from app.stores import credentials
from tests.engines import POSTGRESQL, SQLITE
from tests.stores.stores_browser import all_stores, expire_attempts, query_of, sign_in
from tests.stores.stores_wire import WOO_KEY, WOO_SECRET, FakePlatforms

pytestmark = pytest.mark.parametrize("engine", [SQLITE, POSTGRESQL])


def _start(member: FlaskClient, platforms: FakePlatforms) -> dict[str, str]:
    answer = member.get("/install/woocommerce", query_string={"store": f"{platforms.base}/woo"})
    assert answer.status_code == 302
    return query_of(answer)


def _hand_over(client: FlaskClient, user_id: str, **changes: str) -> int:
    """Post keys as a store does; the answer's status."""
    body = {
        "key_id": "1",
        "user_id": user_id,
        "consumer_key": WOO_KEY,
        "consumer_secret": WOO_SECRET,
        "key_permissions": "read_write",
        **changes,
    }
    return client.post("/auth/woocommerce/callback", json=body).status_code


def _return(client: FlaskClient, user_id: str, success: str = "1") -> TestResponse:
    return client.get("/auth/woocommerce/return", query_string={"success": success, "user_id": user_id})


def test_the_handshake_connects_the_store(
    app: Flask, member: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    asked = _start(member, platforms)
    handed_over = _hand_over(app.test_client(), asked["user_id"])
    calls_before_return = platforms.calls.copy()

    answer = _return(member, asked["user_id"])

    assert handed_over == 200
    # The shop waits for us with what may be its only process: it is asked for its index before, not for more.
    assert calls_before_return == [("GET", "/woo/wp-json/")]
    assert (answer.status_code, answer.location) == (303, "/app/")
    store = all_stores(runtime)[0]
    assert (store.domain, store.state, store.url) == (
        "bottega.example",
        "connected",
        f"{platforms.base}/woo",
    )
    assert store.subscriptions == []
    assert len(store.webhook_path) >= 32
    secrets = credentials.unseal(runtime.vault, store.credentials)
    assert (secrets.access["key"], secrets.access["mode"]) == (WOO_KEY, "oauth-home")


def test_the_approval_page_is_given_our_own_addresses(member: FlaskClient, platforms: FakePlatforms) -> None:
    answer = member.get(
        "/install/woocommerce",
        query_string={"store": f"{platforms.base}/woo/wp-admin/", "return_url": "//evil.example"},
    )

    asked = query_of(answer)
    assert answer.location.startswith(f"{platforms.base}/woo/wc-auth/v1/authorize?")
    assert asked["callback_url"] == "http://app.test/auth/woocommerce/callback"
    assert asked["return_url"] == "http://app.test/auth/woocommerce/return"
    assert asked["scope"] == "read_write"


def test_only_members_may_begin(browser: FlaskClient, platforms: FakePlatforms) -> None:
    answer = browser.get("/install/woocommerce", query_string={"store": platforms.base})

    assert answer.status_code == 401


def test_a_link_on_another_site_cannot_begin(member: FlaskClient, platforms: FakePlatforms) -> None:
    answer = member.get(
        "/install/woocommerce",
        query_string={"store": "https://evil.example"},
        headers={"Sec-Fetch-Site": "cross-site"},
    )

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "store", ["", "javascript:alert(1)", "file:///etc/passwd", "https://a:b@shop.example", "ftp://x"]
)
def test_what_is_no_address_of_a_shop_can_be_corrected(member: FlaskClient, store: str) -> None:
    answer = member.get("/install/woocommerce", query_string={"store": store})

    page = member.get(answer.location).get_data(as_text=True)
    assert (answer.status_code, urlsplit(answer.location).path) == (303, "/app/")
    assert "This is not the address of a shop." in page
    assert f'value="{store}"' in page


def test_a_shop_that_cannot_be_connected_is_told_before_its_merchant_is_sent_there(
    member: FlaskClient, platforms: FakePlatforms
) -> None:
    platforms.woo_namespaces = ["wp/v2"]

    answer = member.get("/install/woocommerce", query_string={"store": f"{platforms.base}/woo"})

    assert (answer.status_code, urlsplit(answer.location).path) == (303, "/app/")
    assert "switched off" in member.get(answer.location).get_data(as_text=True)


def test_a_shop_in_passing_trouble_may_show_its_own_page(
    member: FlaskClient, platforms: FakePlatforms
) -> None:
    platforms.silent_paths.add("/woo/wp-json/")

    _start(member, platforms)


def test_a_hand_over_that_nobody_waits_for_is_refused(
    browser: FlaskClient, member: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    user_id = _start(member, platforms)["user_id"]
    nonce, mac = user_id.rsplit(".", 1)
    unknown = runtime.signer.sign("woocommerce-install", "never-started")
    other_purpose = runtime.signer.sign("csrf", nonce)

    tried = ["1", nonce, f"{nonce}.{'A' * len(mac)}", f"x{user_id}", unknown, other_purpose]

    assert [_hand_over(browser, one) for one in tried] == [401] * len(tried)


@pytest.mark.parametrize(
    "changes",
    [
        {"consumer_key": "ck_short"},
        {"consumer_secret": "secret"},
        {"key_permissions": "read"},
        {"consumer_key": WOO_KEY + "\n"},
    ],
)
def test_a_hand_over_without_good_keys_is_refused(
    browser: FlaskClient, member: FlaskClient, platforms: FakePlatforms, changes: dict[str, str]
) -> None:
    user_id = _start(member, platforms)["user_id"]

    assert _hand_over(browser, user_id, **changes) == 401
    assert _hand_over(browser, user_id) == 200


def test_a_hand_over_that_is_too_large_is_refused_unread(browser: FlaskClient) -> None:
    answer = browser.post("/auth/woocommerce/callback", data=b"x" * 20_000)

    assert answer.status_code == 413


def test_only_the_first_hand_over_counts(
    browser: FlaskClient, member: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    user_id = _start(member, platforms)["user_id"]
    _hand_over(browser, user_id)

    second = _hand_over(browser, user_id, consumer_key="ck_" + "9" * 40)

    assert second == 401
    _return(member, user_id)
    secrets = credentials.unseal(runtime.vault, all_stores(runtime)[0].credentials)
    assert secrets.access["key"] == WOO_KEY


def test_a_state_is_worthless_after_use(
    browser: FlaskClient, member: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    user_id = _start(member, platforms)["user_id"]
    _hand_over(browser, user_id)
    _return(member, user_id)

    assert _hand_over(browser, user_id) == 401
    assert _return(member, user_id).status_code == 400


def test_a_hand_over_after_half_an_hour_is_refused(
    browser: FlaskClient, member: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    user_id = _start(member, platforms)["user_id"]
    expire_attempts(runtime)

    assert _hand_over(browser, user_id) == 401


def test_a_return_from_another_browser_connects_nothing(
    app: Flask, member: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    user_id = _start(member, platforms)["user_id"]
    _hand_over(app.test_client(), user_id)

    stranger = _return(app.test_client(), user_id)
    other_member = _return(sign_in(app, runtime), user_id)

    assert (stranger.status_code, other_member.status_code) == (401, 400)
    assert all_stores(runtime) == []
    assert platforms.calls == [("GET", "/woo/wp-json/")]


def test_a_return_before_the_keys_came_connects_nothing(
    member: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    user_id = _start(member, platforms)["user_id"]

    assert _return(member, user_id).status_code == 400
    assert all_stores(runtime) == []


def test_a_merchant_who_denied_comes_home(member: FlaskClient, platforms: FakePlatforms) -> None:
    user_id = _start(member, platforms)["user_id"]

    assert _return(member, user_id, success="0").location == "/app/"


def test_keys_are_tried_against_the_store_that_was_asked_for_only(
    browser: FlaskClient, member: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    user_id = _start(member, platforms)["user_id"]
    _hand_over(browser, user_id, consumer_key="ck_" + "9" * 40)

    answer = _return(member, user_id)

    assert answer.location == "/app/"
    assert all_stores(runtime) == []
    with runtime.database.read() as session:
        assert session.scalar(select(func.count()).select_from(InstallAttempt)) == 0


def test_a_store_that_is_silent_can_be_tried_again(
    browser: FlaskClient, member: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    user_id = _start(member, platforms)["user_id"]
    _hand_over(browser, user_id)
    platforms.silent_paths.add("/woo/wp-json/")
    first = _return(member, user_id)
    platforms.silent_paths.clear()

    second = _return(member, user_id)

    assert (first.status_code, second.status_code) == (503, 303)
    assert len(all_stores(runtime)) == 1


def test_pending_keys_are_sealed(
    browser: FlaskClient, member: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    user_id = _start(member, platforms)["user_id"]
    _hand_over(browser, user_id)

    with runtime.database.engine.connect() as connection:
        rows = str(connection.exec_driver_sql("SELECT * FROM install_attempts").all())

    assert WOO_KEY not in rows
    assert WOO_SECRET not in rows
    assert user_id.rsplit(".", 1)[0] not in rows


def test_the_plugins_button_fills_the_shops_address_in(member: FlaskClient) -> None:
    page = member.get("/app/", query_string={"store": 'https://bottega.example/"><script>'}).text

    assert 'value="https://bottega.example/&#34;&gt;&lt;script&gt;"' in page
