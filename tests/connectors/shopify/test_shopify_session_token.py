"""Session tokens: every doubt is a refusal."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from connectors.base import InvalidSignature
from connectors.storefronts.shopify.session_token import verify

VECTORS = json.loads((Path(__file__).parents[2] / "fixtures" / "shopify" / "vectors.json").read_text())
NOW = datetime.fromtimestamp(VECTORS["now"], UTC)
CLIENT_ID: str = VECTORS["session_token"]["client_id"]
SECRET: str = VECTORS["session_token"]["secret"]
CLAIMS: dict[str, Any] = {
    "iss": "https://test-shop.myshopify.com/admin",
    "dest": "https://test-shop.myshopify.com",
    "aud": CLIENT_ID,
    "sub": "42",
    "exp": VECTORS["now"] + 50,
    "nbf": VECTORS["now"] - 10,
    "iat": VECTORS["now"] - 10,
    "jti": "f8912129-1af6-4cad-9ca3-76b0f7621087",
    "sid": "aaea182f2732d44c23057c0fea584021",
}


def _token(**changes: Any) -> str:
    claims = {key: value for key, value in {**CLAIMS, **changes}.items() if value is not None}
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))


@pytest.mark.parametrize("case", VECTORS["session_token"]["cases"], ids=lambda case: case["id"])
def test_session_token_vectors(case: dict[str, Any]) -> None:
    secrets = [SECRET, case["previous_secret"]] if "previous_secret" in case else [SECRET]

    try:
        verify(case["token"], CLIENT_ID, secrets, NOW)
        valid = True
    except InvalidSignature:
        valid = False

    assert valid is case["valid"]


def test_the_tenant_is_the_tokens_own_shop() -> None:
    session = verify(_token(), CLIENT_ID, [SECRET], NOW)

    assert session.shop == "test-shop.myshopify.com"
    assert session.member_external_id == "42"
    assert session.expires_at == datetime.fromtimestamp(CLAIMS["exp"], UTC)


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_every_claim_is_required(name: str) -> None:
    with pytest.raises(InvalidSignature):
        verify(_token(**{name: None}), CLIENT_ID, [SECRET], NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other-shop.myshopify.com/admin"},
        {"iss": "https://test-shop.myshopify.com"},
        {"dest": "https://test-shop.myshopify.com.evil.example"},
        {"dest": "test-shop.myshopify.com"},
        {"dest": "http://test-shop.myshopify.com"},
        {"dest": ["https://test-shop.myshopify.com"]},
        {"aud": [CLIENT_ID]},
        {"aud": "other"},
        {"sub": 42},
        {"exp": VECTORS["now"] - 11},
        {"exp": "soon"},
        {"exp": 10**30},
        {"exp": float("inf")},
        {"nbf": VECTORS["now"] + 11},
        {"iat": VECTORS["now"] + 11},
    ],
    ids=str,
)
def test_a_claim_that_does_not_fit_is_a_refusal(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidSignature):
        verify(_token(**changes), CLIENT_ID, [SECRET], NOW)


@pytest.mark.parametrize("token", ["", "a.b.c", "é.é.é", "." * 5000, "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_token_is_a_refusal(token: str) -> None:
    with pytest.raises(InvalidSignature):
        verify(token, CLIENT_ID, [SECRET], NOW)


@pytest.mark.parametrize("secrets", [[], [""]])
def test_without_a_secret_every_token_is_refused(secrets: list[str]) -> None:
    with pytest.raises(InvalidSignature):
        verify(_token(), CLIENT_ID, secrets, NOW)
