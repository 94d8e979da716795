"""A merchant's own app: its id and secret are traded for a day's token, without anybody's approval.

Source: shopify.dev, client credentials grant (November 2026): only for an app of the merchant's own
organization that is installed in the shop; no refresh token, the grant is repeated instead.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.base import ConnectorError, Unauthorized
from connectors.storefronts.shopify.auth import AppCredentials, admin_base
from connectors.transport import StoreTransport


@dataclass(frozen=True, slots=True)
class OwnAppToken:
    """A token of the Admin API and when it ends, UTC."""

    access_token: str = field(repr=False)
    expires_at: datetime
    scopes: tuple[str, ...]


def mint_token(
    transport: StoreTransport, *, admin_url: str, shop: str, app: AppCredentials, now: datetime
) -> OwnAppToken:
    """A new token; earlier ones stay good until they end.

    Raises:
        Unauthorized: wrong id or secret, or the app is not installed in that shop.
        ConnectorError: no answer, or one without an expiry.
    """
    response = transport.post_json(
        f"{admin_base(admin_url, shop)}/admin/oauth/access_token",
        {
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "grant_type": "client_credentials",
        },
        {"Accept": "application/json"},
    )
    if response.status in _REFUSALS:
        raise Unauthorized("Shopify refused the app's id and secret for this shop", status=response.status)
    if response.status != _GOOD:
        raise ConnectorError(
            "the token endpoint did not answer as it should",
            status=response.status,
            retry_after_seconds=response.retry_after_seconds(),
        )
    return _token(response.json(), now)


_GOOD = 200
_REFUSALS = frozenset({400, 401, 403})


def _token(answer: object, now: datetime) -> OwnAppToken:
    fields = answer if isinstance(answer, dict) else {}
    token, seconds = fields.get("access_token"), fields.get("expires_in")
    if not isinstance(token, str) or not token:
        raise ConnectorError("the token answer has no access_token")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds <= 0:
        raise ConnectorError("the token answer has no expires_in")
    scopes = str(fields.get("scope") or "").split(",")
    return OwnAppToken(token, now + timedelta(seconds=seconds), tuple(scope for scope in scopes if scope))
