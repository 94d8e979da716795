"""Connecting: the store's address, the approval page, its callback, and signing."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.base import ConnectorError, UnreadablePayload
from connectors.storefronts.woocommerce.auth import (
    AuthMode,
    StoreKeys,
    authorize_url,
    normalise_store_url,
    read_callback,
    sign,
)
from connectors.transport import StoreTransport
from tests.connectors.woocommerce.woo_wire import FakeStore

KEY = "ck_" + "1" * 40
SECRET = "cs_" + "2" * 40


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("shop.example", "https://shop.example"),
        (" HTTPS://Shop.Example/ ", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("https://shop.example:8443/store/", "https://shop.example:8443/store"),
        ("https://shop.example/wp-admin/admin.php?page=wc-settings#x", "https://shop.example"),
        ("shop.example/negozio/wp-json/", "https://shop.example/negozio"),
        ("https://caffè.example", "https://xn--caff-8oa.example"),
        ("https://shop.example./", "https://shop.example"),
        ("http://[::1]:8088/", "http://[::1]:8088"),
        ("http://127.0.0.1:8088/woo", "http://127.0.0.1:8088/woo"),
    ],
)
def test_what_a_merchant_types_becomes_the_stores_base(typed: str, expected: str) -> None:
    assert normalise_store_url(typed) == expected


@pytest.mark.parametrize(
    "typed",
    ["", "  ", "https://", "ftp://shop.example", "https://a:b@shop.example", "https://shop example",
     "https://shop.example:99999", "http://[", "javascript://x", "https://" + "a" * 300, "https://-.example",
     "https://shop.example\x00"],
)  # fmt: skip
def test_what_is_no_address_is_named_so(typed: str) -> None:
    with pytest.raises(ConnectorError, match="not the address of a shop") as caught:
        normalise_store_url(typed)

    assert caught.value.permanent


def test_the_approval_page_gets_all_five_parameters() -> None:
    url = authorize_url(
        "https://shop.example/negozio",
        app_name="Ritorno",
        user_id="tok.AbC_-9~x.1234567890",
        return_url="https://app.example/back?x=1",
        callback_url="https://app.example/callback",
    )

    parts = urlsplit(url)
    assert (parts.netloc, parts.path) == ("shop.example", "/negozio/wc-auth/v1/authorize")
    assert parse_qs(parts.query) == {
        "app_name": ["Ritorno"],
        "scope": ["read_write"],
        "user_id": ["tok.AbC_-9~x.1234567890"],
        "return_url": ["https://app.example/back?x=1"],
        "callback_url": ["https://app.example/callback"],
    }


@pytest.mark.parametrize("user_id", ["", "0", "a+b", "a&b", "a%2Fb", "a|b", "é", "x" * 501])
def test_a_state_that_would_come_back_changed_is_refused(user_id: str) -> None:
    with pytest.raises(ValueError, match="user_id"):
        authorize_url("https://s.example", app_name="R", user_id=user_id, return_url="r", callback_url="c")


GOOD = {
    "key_id": 6,
    "user_id": "abc",
    "consumer_key": KEY,
    "consumer_secret": SECRET,
    "key_permissions": "read_write",
}


@pytest.mark.parametrize(
    "changes",
    [
        {"consumer_key": "ck_short"},
        {"consumer_key": SECRET},
        {"consumer_secret": "cs_" + "g" * 40},
        {"consumer_secret": None},
        {"key_permissions": "read"},
        {"user_id": 5},
        {"user_id": "a b"},
        {"consumer_key": KEY + "\n"},
    ],
    ids=repr,
)
def test_a_callback_of_another_form_is_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(UnreadablePayload):
        read_callback(json.dumps({**GOOD, **changes}).encode())


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"[" * 99999, b"webhook_id=5"])
def test_a_callback_that_is_no_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadablePayload):
        read_callback(body)


def test_a_secret_shows_in_no_repr() -> None:
    pair = read_callback(json.dumps(GOOD).encode())
    keys = StoreKeys("https://s.example", "https://s.example", KEY, SECRET, AuthMode.BASIC)

    assert SECRET not in repr(pair) + repr(keys)


def test_basic_is_refused_where_everybody_could_read_it() -> None:
    keys = StoreKeys("http://s.example", "http://s.example", KEY, SECRET, AuthMode.BASIC)

    with pytest.raises(ConnectorError, match="https"):
        sign(keys, "GET", "wc/v3/orders")


def test_a_signed_url_never_carries_the_secret() -> None:
    keys = StoreKeys("http://s.example", "http://s.example", KEY, SECRET, AuthMode.OAUTH)

    url, headers = sign(keys, "GET", "wc/v3/orders", {"include": "1,2", "search": "à ~*'()"})

    assert SECRET not in url
    assert headers == {}
    assert parse_qs(urlsplit(url).query)["include"] == ["1,2"]


def test_signing_for_home_still_calls_the_typed_address() -> None:
    keys = StoreKeys("https://www.s.example/woo", "http://s.example", KEY, SECRET, AuthMode.OAUTH_HOME)

    url, _ = sign(keys, "GET", "wc/v3/orders", {"page": "1"})

    assert url.startswith("https://www.s.example/woo/wp-json/wc/v3/orders?page=1&oauth_")


@pytest.mark.parametrize("search", ["plain", "à ~*'()", "a+b&c=d", "50 % off", "caffè ☕"])
def test_the_store_finds_the_signature_right_for_any_text(
    store: FakeStore, transport: StoreTransport, search: str
) -> None:
    store.rows["orders"] = []
    keys = StoreKeys(store.home, store.home, KEY, SECRET, AuthMode.OAUTH)
    url, headers = sign(keys, "GET", "wc/v3/orders", {"search": search})

    answer = transport.request("GET", url, headers=headers)

    assert answer.status == 200
    assert store.queries("/orders")[0]["search"] == search
