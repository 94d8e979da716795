"""Tokens from a shop's token endpoint: for a code, a session token, an older token, or to renew a pair.

The OAuth grants are Authlib's client, sent over our own transport.
Source: shopify.dev, offline access tokens and token exchange; facts of November 2026, section 1b.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.common.urls import url_decode, url_encode
from authlib.oauth2.client import OAuth2Client

from connectors.base import ConnectorError, Unauthorized
from connectors.storefronts.shopify.auth import AppCredentials, admin_base
from connectors.transport import Response, StoreTransport


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
    with _Grant(transport, app) as grant:
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
    with _Grant(transport, app) as grant:
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
    with _Grant(transport, app) as grant:
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
    with _Grant(transport, app) as grant:
        answer = grant.refresh_token(url, refresh_token=refresh_token)
    return _token_set(answer, now)


_OFFLINE = "offline-access-token"
_EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "requested_token_type": f"urn:shopify:params:oauth:token-type:{_OFFLINE}",
    "expiring": "1",
}
_REFUSALS = frozenset({400, 401, 403})
_SERVER_ERROR = 500
_TOO_MANY = 429
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


class _Answer:
    """An answer of our transport with the few names that Authlib reads."""

    def __init__(self, response: Response) -> None:
        self._response = response

    @property
    def status_code(self) -> int:
        return self._response.status

    def json(self) -> Any:
        return self._response.json()

    def raise_for_status(self) -> None:
        raise _refusal(self._response.status, self._response.retry_after_seconds())


class _TokenSession:
    """What Authlib posts through: our transport, in JSON as Shopify's own libraries do."""

    def __init__(self, transport: StoreTransport) -> None:
        self._transport = transport

    def post(self, url: str, data: dict[str, str], headers: dict[str, str], auth: Any) -> _Answer:
        _, _, body = auth.prepare("POST", url, dict(headers), url_encode(data.items()))
        response = self._transport.request(
            "POST", url, headers={"Accept": "application/json"}, json=dict(url_decode(body))
        )
        if response.status in _REFUSALS or response.status == _TOO_MANY:
            raise _refusal(response.status, response.retry_after_seconds())
        return _Answer(response)


class _Grant:
    """Authlib's client for one grant, with its errors in our words."""

    def __init__(self, transport: StoreTransport, app: AppCredentials) -> None:
        self._client = OAuth2Client(
            _TokenSession(transport),
            app.client_id,
            app.client_secret,
            token_endpoint_auth_method="client_secret_post",
        )

    def __enter__(self) -> Any:
        return self._client

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, AuthlibBaseError):
            raise Unauthorized("Shopify refused the grant") from None
        if isinstance(error, ValueError):
            raise ConnectorError("the token answer is not readable") from None


def _refusal(status: int, retry_after_seconds: float | None) -> ConnectorError:
    if status in _REFUSALS:
        return Unauthorized("Shopify refused the grant", status=status)
    return ConnectorError(
        "the token endpoint did not answer as it should",
        permanent=status < _SERVER_ERROR and status != _TOO_MANY,
        status=status,
        retry_after_seconds=retry_after_seconds,
    )


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
