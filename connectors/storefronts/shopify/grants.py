"""Tokens from a shop's token endpoint: for a code, a session token, an older token, or to renew a pair.

The OAuth grants are Authlib's client, sent over our own transport (`oauth.py`).
Source: shopify.dev, offline access tokens and token exchange; facts of November 2026, section 1b.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectors.base import ConnectorError
from connectors.storefronts.shopify.auth import AppCredentials, admin_base
from connectors.transport import StoreTransport


@dataclass(frozen=True, slots=True)
class TokenSet:
    """An expiring offline token and the single-use token that renews it; both moments are UTC."""

    access_token: str = field(repr=False)
    expires_at: datetime
    refresh_token: str = field(repr=False)
    refresh_expires_at: datetime
    scopes: tuple[str, ...]


def exchange_code(
    transport: StoreTransport, *, admin_url: str, shop: str, app: AppCredentials, code: str, now: datetime
) -> TokenSet:
    """Trade the code of a verified callback for tokens.

    Raises:
        InvalidShop: the secret is posted to a shop's own host only.
        Unauthorized: Shopify refused the code or our credentials.
        ConnectorError: no answer, or one without an expiry.
    """
    url = _token_url(admin_url, shop)
    with _grant(transport, app) as grant:
        answer = grant.fetch_token(url, grant_type="authorization_code", code=code, expiring="1")
    return _token_set(answer, now)


def exchange_session(
    transport: StoreTransport,
    *,
    admin_url: str,
    shop: str,
    app: AppCredentials,
    session_token: str,
    now: datetime,
) -> TokenSet:
    """Trade the session token of an embedded screen for an expiring offline pair: Shopify installed us.

    Args:
        shop: the one that the verified token names.

    Raises:
        InvalidShop: the secret is posted to a shop's own host only.
        Unauthorized: the session token is used up or stale, or the shop removed the app.
        ConnectorError: no answer, or one without an expiry.
    """
    url = _token_url(admin_url, shop)
    with _grant(transport, app) as grant:
        answer = grant.fetch_token(url, **_EXCHANGE, **_subject("id_token", session_token))
    return _token_set(answer, now)


def migrate(
    transport: StoreTransport,
    *,
    admin_url: str,
    shop: str,
    app: AppCredentials,
    access_token: str,
    now: datetime,
) -> TokenSet:
    """Trade an offline token of our app that has no end for an expiring pair; it works once, and for good.

    Shopify refuses tokens without an end from 2027-01-01 on. If the answer is lost, so is the old token:
    the shop's next visit to the app connects it again. Source: shopify.dev, migrate to expiring tokens.

    Raises:
        InvalidShop: the secret is posted to a shop's own host only.
        Unauthorized: the token is another app's, was migrated before, or the shop removed the app.
        ConnectorError: no answer, or one without an expiry.
    """
    url = _token_url(admin_url, shop)
    with _grant(transport, app) as grant:
        answer = grant.fetch_token(url, **_EXCHANGE, **_subject(_OFFLINE, access_token))
    return _token_set(answer, now)


def refresh(
    transport: StoreTransport,
    *,
    admin_url: str,
    shop: str,
    app: AppCredentials,
    refresh_token: str,
    now: datetime,
) -> TokenSet:
    """Trade the refresh token for a new pair; the caller sees to one call per shop at a time.

    Until the new pair is used the old refresh token still works, so a lost answer is safe to repeat.
    Source: Shopify changelog of 2026-08-28, more resilient refreshes.

    Raises:
        InvalidShop: the secret is posted to a shop's own host only.
        Unauthorized: the refresh token is used up or lapsed; the merchant must reconnect.
        ConnectorError: no answer, or one without an expiry.
    """
    url = _token_url(admin_url, shop)
    with _grant(transport, app) as grant:
        answer = grant.refresh_token(url, refresh_token=refresh_token)
    return _token_set(answer, now)


_OFFLINE = "offline-access-token"
_EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "requested_token_type": f"urn:shopify:params:oauth:token-type:{_OFFLINE}",
    "expiring": "1",
}
_LONGEST_LIFE_SECONDS = 400 * 24 * 3600


def _subject(kind: str, token: str) -> dict[str, str]:
    """What is exchanged; session tokens have a type of OAuth's own, access tokens one of Shopify's."""
    owner = "shopify" if kind == _OFFLINE else "ietf"
    return {
        "subject_token": token,
        "subject_token_type": f"urn:{owner}:params:oauth:token-type:{kind}",
    }


def _token_url(admin_url: str, shop: str) -> str:
    return f"{admin_base(admin_url, shop)}/admin/oauth/access_token"


def _grant(transport: StoreTransport, app: AppCredentials) -> AbstractContextManager[Any]:
    # Nearly half a mebibyte, for the few moments in which tokens are made.
    from connectors.storefronts.shopify.oauth import Grant  # noqa: PLC0415

    return Grant(transport, app)


def _token_set(answer: dict[str, Any], now: datetime) -> TokenSet:
    """A whole pair or an error: a token without an expiry must never count as one that lasts."""
    return TokenSet(
        access_token=_word(answer, "access_token"),
        expires_at=now + _life(answer, "expires_in"),
        refresh_token=_word(answer, "refresh_token"),
        refresh_expires_at=now + _life(answer, "refresh_token_expires_in"),
        scopes=tuple(scope for scope in str(answer.get("scope") or "").split(",") if scope),
    )


def _word(answer: dict[str, Any], key: str) -> str:
    value = answer.get(key)
    if not isinstance(value, str) or not value:
        raise ConnectorError(f"the token answer has no {key}")
    return value


def _life(answer: dict[str, Any], key: str) -> timedelta:
    value = answer.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _LONGEST_LIFE_SECONDS:
        raise ConnectorError(f"the token answer has no {key}")
    return timedelta(seconds=value)
