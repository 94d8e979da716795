"""The token of a merchant's own app, faked at the wire."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import responses

from connectors.base import ConnectorError, Unauthorized
from connectors.storefronts.shopify.auth import AppCredentials
from connectors.storefronts.shopify.own_app import OwnAppToken, mint_token
from connectors.transport import StoreTransport

SHOP = "aurora.myshopify.com"
ENDPOINT = f"https://{SHOP}/admin/oauth/access_token"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
GOOD = {"access_token": "token-1", "scope": "read_orders,write_discounts", "expires_in": 86399}


def _mint() -> OwnAppToken:
    return mint_token(
        StoreTransport(allow_private=True),
        admin_url="https://{shop}",
        shop=SHOP,
        app=AppCredentials("client", "secret"),
        now=NOW,
    )


@responses.activate
def test_id_and_secret_bring_a_days_token() -> None:
    responses.post(ENDPOINT, json=GOOD)

    token = _mint()

    assert (token.access_token, token.scopes) == ("token-1", ("read_orders", "write_discounts"))
    assert token.expires_at == NOW + timedelta(seconds=86399)
    assert json.loads(responses.calls[0].request.body or "") == {
        "client_id": "client",
        "client_secret": "secret",
        "grant_type": "client_credentials",
    }


@responses.activate
@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refusal_is_the_apps_fault(status: int) -> None:
    responses.post(ENDPOINT, json={"error": "shop_not_permitted"}, status=status)

    with pytest.raises(Unauthorized):
        _mint()


@responses.activate
@pytest.mark.parametrize("status", [302, 429, 500, 503])
def test_any_other_answer_may_pass(status: int) -> None:
    responses.post(ENDPOINT, json={}, status=status, headers={"Retry-After": "7"})

    with pytest.raises(ConnectorError) as failure:
        _mint()

    assert not failure.value.permanent
    assert failure.value.retry_after_seconds == 7


@responses.activate
@pytest.mark.parametrize(
    "answer",
    [
        [],
        {**GOOD, "expires_in": None},
        {**GOOD, "expires_in": True},
        {**GOOD, "expires_in": 0},
        {**GOOD, "access_token": ""},
        {"scope": ""},
    ],
)
def test_an_answer_without_token_or_end_is_none(answer: object) -> None:
    responses.post(ENDPOINT, json=answer)

    with pytest.raises(ConnectorError):
        _mint()


def test_neither_secret_nor_token_is_ever_shown() -> None:
    token = OwnAppToken("canary", NOW, ())

    assert "canary" not in repr(token)
