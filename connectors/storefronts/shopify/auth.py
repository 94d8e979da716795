"""Installing on a shop: its domain, the signed query, and where the merchant approves the app.

The OAuth grants are Authlib's client, sent over our own transport.
Source: shopify.dev, authorization code grant and offline access tokens; facts of November 2026.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

from connectors.base import InvalidSignature

QUERY_TOLERANCE = timedelta(seconds=90)
"""How far a signed query's timestamp may be from now, either way. Source: shopify-app-js."""


class InvalidShop(ValueError):
    """The text is no shop's domain."""


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """Who our app is to Shopify."""

    client_id: str
    client_secret: str = field(repr=False)


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
    # Nearly half a mebibyte, for the moment in which a shop installs the app.
    from authlib.oauth2.client import OAuth2Client  # noqa: PLC0415

    client = OAuth2Client(None, client_id, redirect_uri=redirect_uri, scope=",".join(scopes))
    url, _ = client.create_authorization_url(f"{admin_base(admin_url, shop)}/admin/oauth/authorize", state)
    return str(url)


_SHOP = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
_ADMIN = re.compile(r"admin\.shopify\.com/store/([a-z0-9][a-z0-9-]*)")
_TIMESTAMP = re.compile(r"[0-9]{1,11}")


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
