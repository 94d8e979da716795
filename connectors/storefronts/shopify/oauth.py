"""The OAuth grants by Authlib's client, sent over our own transport.

Source: RFC 6749 and 8693; shopify.dev, token exchange.
"""

from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.common.urls import url_decode, url_encode
from authlib.oauth2.client import OAuth2Client

from connectors.base import ConnectorError, Unauthorized
from connectors.storefronts.shopify.auth import AppCredentials
from connectors.transport import Response, StoreTransport

_REFUSALS = frozenset({400, 401, 403})
_SERVER_ERROR = 500
_TOO_MANY = 429


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


class Grant:
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
