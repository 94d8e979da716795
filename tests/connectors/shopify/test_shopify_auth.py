"""Domains, signed queries and the OAuth grants."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from connectors.base import ConnectorError, InvalidSignature, Unauthorized
from connectors.storefronts.shopify.auth import (
    AppCredentials,
    InvalidShop,
    authorize_url,
    normalize_shop,
    verify_query,
)
from connectors.storefronts.shopify.grants import TokenSet, exchange_code, migrate, refresh
from connectors.transport import StoreTransport

VECTORS = json.loads((Path(__file__).parents[2] / "fixtures" / "shopify" / "vectors.json").read_text())
NOW = datetime.fromtimestamp(VECTORS["now"], UTC)
SHOP = "ritorno-test.myshopify.com"
APP = AppCredentials("our-id", "our-secret")
TOKEN_URL = f"https://{SHOP}/admin/oauth/access_token"
ANSWER: dict[str, Any] = VECTORS["token_answer"]


def _exchange(code: str = "the-code") -> TokenSet:
    transport = StoreTransport()
    return exchange_code(transport, admin_url="https://{shop}", shop=SHOP, app=APP, code=code, now=NOW)


def _refresh() -> TokenSet:
    transport = StoreTransport()
    return refresh(
        transport, admin_url="https://{shop}", shop=SHOP, app=APP, refresh_token="old-refresh", now=NOW
    )


@pytest.mark.parametrize(
    ("written", "shop"), VECTORS["shop_domain"]["valid"] + VECTORS["shop_domain"]["normalised"]
)
def test_a_shop_is_known_by_its_own_domain(written: str, shop: str) -> None:
    assert normalize_shop(written) == shop


@pytest.mark.parametrize(
    "written",
    [
        *VECTORS["shop_domain"]["invalid"],
        "shop.myshopify.com\nx",
        "shop.myshopify.com#.evil.com",
        "\u212aool.myshopify.com",
        "\uff53hop.myshopify.com",
        "admin.shopify.com/store/a/b",
        "localhost",
    ],
)
def test_anything_else_is_no_shop(written: str) -> None:
    with pytest.raises(InvalidShop):
        normalize_shop(written)


@pytest.mark.parametrize("case", VECTORS["oauth_query_hmac"], ids=lambda case: case["id"])
def test_query_vectors(case: dict[str, Any]) -> None:
    pairs = [(key, value) for key, value in case["params"]]
    now = NOW if case["check_timestamp"] else _written_at(pairs)

    try:
        verify_query([*pairs, ("hmac", case["hmac"])], [case["secret"]], now)
        valid = True
    except InvalidSignature:
        valid = False

    assert valid is case["valid"]


def _written_at(pairs: Sequence[tuple[str, str]]) -> datetime:
    return datetime.fromtimestamp(int(dict(pairs)["timestamp"]), UTC)


def _signed_pairs() -> tuple[list[tuple[str, str]], str]:
    case = next(one for one in VECTORS["oauth_query_hmac"] if one["id"] == "timestamp-farthest-ahead-allowed")
    return [*((key, value) for key, value in case["params"]), ("hmac", case["hmac"])], case["secret"]


def test_a_query_signed_with_the_previous_secret_holds_while_it_is_configured() -> None:
    pairs, secret = _signed_pairs()

    params = verify_query(pairs, ["new-secret", secret], NOW)

    assert params["shop"] == "demo-shop.myshopify.com"
    with pytest.raises(InvalidSignature):
        verify_query(pairs, ["new-secret"], NOW)


@pytest.mark.parametrize("secrets", [[], [""]])
def test_without_a_secret_every_query_is_refused(secrets: list[str]) -> None:
    pairs, _ = _signed_pairs()

    with pytest.raises(InvalidSignature):
        verify_query(pairs, secrets, NOW)


def test_a_query_is_refused_91_seconds_later_and_when_a_parameter_repeats() -> None:
    pairs, secret = _signed_pairs()

    with pytest.raises(InvalidSignature, match="too old"):
        verify_query(pairs, [secret], NOW + timedelta(seconds=181))
    with pytest.raises(InvalidSignature, match="twice"):
        verify_query([*pairs, ("shop", "evil.myshopify.com")], [secret], NOW)


@pytest.mark.parametrize("given", ["é", "\udcff", "\x00"])
def test_an_unprintable_signature_is_refused_like_any_other(given: str) -> None:
    pairs = [("shop", "a.myshopify.com"), ("timestamp", str(VECTORS["now"])), ("hmac", given)]

    with pytest.raises(InvalidSignature):
        verify_query(pairs, ["secret"], NOW)


def test_the_merchant_approves_on_their_own_shop() -> None:
    url = urlsplit(
        authorize_url(
            admin_url="https://{shop}",
            shop=SHOP,
            client_id="our-id",
            scopes=("read_orders", "read_products"),
            redirect_uri="https://ritorno.example/auth/shopify/callback",
            state="nonce",
        )
    )

    query = {key: values[0] for key, values in parse_qs(url.query).items()}

    assert (url.scheme, url.netloc, url.path) == ("https", SHOP, "/admin/oauth/authorize")
    assert query["client_id"] == "our-id"
    assert query["scope"] == "read_orders,read_products"
    assert query["redirect_uri"] == "https://ritorno.example/auth/shopify/callback"
    assert query["state"] == "nonce"


@responses.activate
def test_a_code_is_traded_for_an_expiring_pair() -> None:
    sent = responses.post(TOKEN_URL, json=ANSWER)

    tokens = _exchange()

    assert json.loads(sent.calls[0].request.body or b"") == {
        "client_id": "our-id",
        "client_secret": "our-secret",
        "code": "the-code",
        "expiring": "1",
        "grant_type": "authorization_code",
    }
    assert tokens.access_token == ANSWER["access_token"]
    assert tokens.refresh_token == ANSWER["refresh_token"]
    assert tokens.expires_at == NOW + timedelta(hours=1)
    assert tokens.refresh_expires_at == NOW + timedelta(days=90)
    assert tokens.scopes == ("read_customers", "write_customers")
    assert ANSWER["access_token"] not in repr(tokens)


@responses.activate
def test_a_refresh_gives_the_next_pair() -> None:
    sent = responses.post(TOKEN_URL, json={**ANSWER, "refresh_token": "next-refresh"})

    tokens = _refresh()

    body = json.loads(sent.calls[0].request.body or b"")
    assert (body["grant_type"], body["refresh_token"]) == ("refresh_token", "old-refresh")
    assert tokens.refresh_token == "next-refresh"


@pytest.mark.parametrize(
    "missing", ["expires_in", "refresh_token", "access_token", "refresh_token_expires_in"]
)
@responses.activate
def test_an_answer_that_is_not_a_whole_expiring_pair_is_an_error(missing: str) -> None:
    responses.post(TOKEN_URL, json={key: value for key, value in ANSWER.items() if key != missing})

    with pytest.raises(ConnectorError, match=missing):
        _exchange()


@responses.activate
def test_a_refresh_answer_without_an_expiry_never_counts_as_one_that_lasts() -> None:
    responses.post(TOKEN_URL, json={"access_token": "a", "scope": "", "refresh_token": "r"})

    with pytest.raises(ConnectorError, match="expires_in"):
        _refresh()


@pytest.mark.parametrize("value", [0, -1, True, "3600", 10**12, None])
@responses.activate
def test_an_expiry_beyond_reason_is_an_error(value: object) -> None:
    responses.post(TOKEN_URL, json={**ANSWER, "expires_in": value})

    with pytest.raises(ConnectorError, match="expires_in"):
        _refresh()


@pytest.mark.parametrize("status", [400, 401, 403])
@responses.activate
def test_a_refused_grant_asks_the_merchant_to_reconnect(status: int) -> None:
    responses.post(TOKEN_URL, json={"error": "invalid_grant"}, status=status)

    with pytest.raises(Unauthorized) as failure:
        _refresh()

    assert failure.value.permanent
    assert "old-refresh" not in str(failure.value)


@responses.activate
def test_an_old_token_without_an_end_is_traded_for_a_pair() -> None:
    sent = responses.post(TOKEN_URL, json=ANSWER)

    pair = migrate(
        StoreTransport(),
        admin_url="https://{shop}",
        shop=SHOP,
        app=APP,
        access_token="from before",
        now=NOW,
    )

    assert json.loads(sent.calls[0].request.body or b"") == {
        "client_id": "our-id",
        "client_secret": "our-secret",
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "from before",
        "subject_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
        "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
        "expiring": "1",
    }
    assert pair.access_token == ANSWER["access_token"]


@responses.activate
def test_an_error_in_a_200_asks_the_merchant_to_reconnect_too() -> None:
    responses.post(TOKEN_URL, json={"error": "invalid_grant", "error_description": "secret words"})

    with pytest.raises(Unauthorized) as failure:
        _refresh()

    assert "secret words" not in str(failure.value)


@pytest.mark.parametrize(("status", "permanent"), [(500, False), (503, False), (429, False), (404, True)])
@responses.activate
def test_a_token_endpoint_in_trouble_is_asked_again(status: int, permanent: bool) -> None:
    responses.post(TOKEN_URL, body="<html>", status=status, headers={"Retry-After": "3"})

    with pytest.raises(ConnectorError) as failure:
        _refresh()

    assert not isinstance(failure.value, Unauthorized)
    if status != 404:
        assert failure.value.permanent is permanent


@pytest.mark.parametrize("body", ["[]", "null", "<html>"])
@responses.activate
def test_an_unreadable_token_answer_is_a_connector_error(body: str) -> None:
    responses.post(TOKEN_URL, body=body)

    with pytest.raises(ConnectorError):
        _refresh()


@responses.activate
def test_an_emulator_is_reached_by_its_own_address() -> None:
    url = f"http://127.0.0.1:9000/shopify/{SHOP}/admin/oauth/access_token"
    sent = responses.post(url, json=ANSWER)

    refresh(
        StoreTransport(),
        admin_url="http://127.0.0.1:9000/shopify/{shop}",
        shop=SHOP,
        app=APP,
        refresh_token="r",
        now=NOW,
    )

    assert sent.call_count == 1


def test_the_secret_is_posted_to_no_host_but_a_shop() -> None:
    with pytest.raises(InvalidShop):
        refresh(
            StoreTransport(),
            admin_url="https://{shop}",
            shop="evil.example/x",
            app=APP,
            refresh_token="r",
            now=NOW,
        )
