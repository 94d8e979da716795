"""Installing on a shop: its domain, the signed query, the authorization code grant and the refresh.

The OAuth grants are Authlib's client, sent over our own transport.
Source: shopify.dev, authorization code grant and offline access tokens; facts of November 2026.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from authlib.common.errors import AuthlibBaseError
from authlib.common.urls import url_decode, url_encode
from authlib.oauth2.client import OAuth2Client

from connectors.base import ConnectorError, InvalidSignature, Unauthorized
from connectors.transport import Response, StoreTransport

QUERY_TOLERANCE = timedelta(seconds=90)
"""How far a signed query's timestamp may be from now, either way. Source: shopify-app-js."""


class InvalidShop(ValueError):
    """The text is no shop's domain."""


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """Who our app is to Shopify."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenSet:
    """An expiring offline token and the single-use token that renews it; both moments are UTC."""

    access_token: str = field(repr=False)
    expires_at: datetime
    refresh_token: str = field(repr=False)
    refresh_expires_at: datetime
    scopes: tuple[str, ...]


def normalize_shop(text: str) -> str:
    """The shop's own domain, `x.myshopify.com`, from what a link or a person wrote.

    Raises:
        InvalidShop: it names no shop.
    """
    cleaned = text.strip()
    if not cleaned.isascii():  # Before lower(): the Kelvin sign becomes a plain k.
        raise InvalidShop
    cleaned = cleaned.lower().removeprefix("https://").removeprefix("http://").removesuffix("/")
    if admin := _ADMIN.fullmatch(cleaned):
        cleaned = f"{admin.group(1)}.myshopify.com"
    if not _SHOP.fullmatch(cleaned):
        raise InvalidShop
    return cleaned


def admin_base(admin_url: str, shop: str) -> str:
    """The address of a shop's admin, from a template such as `https://{shop}`."""
    return admin_url.replace("{shop}", normalize_shop(shop)).rstrip("/")


def verify_query(pairs: Iterable[tuple[str, str]], secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """The parameters of an install link or an OAuth callback, once their signature holds.

    Args:
        pairs: the decoded query in any order.
        secrets: our client secret, then the previous one while it is rotated.
        now: the timestamp may be at most 90 s away from it.

    Raises:
        InvalidSignature: unsigned, forged, stale, or a parameter given twice.
    """
    listed = list(pairs)
    params = dict(listed)
    if len(params) != len(listed):
        raise InvalidSignature("a parameter is given twice")
    given = params.pop("hmac", "")
    params.pop("signature", None)
    message = "&".join(f"{_encode(key)}={_encode(params[key])}" for key in sorted(params)).encode()
    # Each secret is tried, so that time does not tell which one fits.
    fits = [_is_signed(message, secret, given) for secret in secrets if secret]
    if not any(fits):
        raise InvalidSignature("the query is not signed by Shopify")
    if not _is_fresh(params.get("timestamp", ""), now):
        raise InvalidSignature("the query is too old")
    return params


def authorize_url(
    *, admin_url: str, shop: str, client_id: str, scopes: Sequence[str], redirect_uri: str, state: str
) -> str:
    """Where the merchant approves the app; `state` is the caller's, single use and bound to the browser."""
    client = OAuth2Client(None, client_id, redirect_uri=redirect_uri, scope=",".join(scopes))
    url, _ = client.create_authorization_url(f"{admin_base(admin_url, shop)}/admin/oauth/authorize", state)
    return str(url)


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
        answer = grant.fetch_token(
            url,
            grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
            subject_token=session_token,
            subject_token_type="urn:ietf:params:oauth:token-type:id_token",
            requested_token_type="urn:shopify:params:oauth:token-type:offline-access-token",
            expiring="1",
        )
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


_SHOP = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
_ADMIN = re.compile(r"admin\.shopify\.com/store/([a-z0-9][a-z0-9-]*)")
_TIMESTAMP = re.compile(r"[0-9]{1,11}")
_REFUSALS = frozenset({400, 401, 403})
_SERVER_ERROR = 500
_TOO_MANY = 429
_LONGEST_LIFE_SECONDS = 400 * 24 * 3600


def _encode(part: str) -> str:
    # What JavaScript's encodeURIComponent leaves alone, as Shopify's own library signs.
    return quote(part, safe="!'()*")


def _is_signed(message: bytes, secret: str, given: str) -> bool:
    expected = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass"))


def _is_fresh(timestamp: str, now: datetime) -> bool:
    if not _TIMESTAMP.fullmatch(timestamp):
        return False
    return abs(now.timestamp() - int(timestamp)) <= QUERY_TOLERANCE.total_seconds()


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
