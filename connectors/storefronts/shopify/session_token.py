"""The token that App Bridge sends with every request of an embedded screen.

Stricter than Shopify's own Python package, which accepts a token without an expiry or for no shop.
Source: shopify.dev, session tokens; facts of November 2026, section 1c.
"""

from base64 import urlsafe_b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors import exact_json
from connectors.base import InvalidSignature
from connectors.storefronts.shopify.auth import InvalidShop, normalize_shop

LEEWAY_SECONDS = 10


@dataclass(frozen=True, slots=True)
class SessionToken:
    """Who is looking: a member of a shop, for about a minute.

    Attributes:
        shop: the tenant; never take it from a parameter instead.
        member_external_id: Shopify's id of the person who is signed in.
    """

    shop: str
    member_external_id: str
    session_id: str
    expires_at: datetime


def verify(token: str, client_id: str, secrets: Sequence[str], now: datetime) -> SessionToken:
    """What a session token says, once every check holds.

    Args:
        token: the compact JWT.
        client_id: our app's; it must be the token's only audience.
        secrets: our client secret, then the previous one while it is rotated.
        now: expiry and start may be off by 10 s.

    Raises:
        InvalidSignature: any doubt at all.
    """
    claims = _signed_claims(token, [secret for secret in secrets if secret], now)
    if claims["aud"] != client_id:
        raise InvalidSignature("the session token is for another app")
    return SessionToken(
        shop=_shop(claims),
        member_external_id=_text(claims, "sub"),
        session_id=_text(claims, "sid"),
        expires_at=_moment(claims["exp"]),
    )


_REQUIRED = ("iss", "dest", "aud", "sub", "exp", "nbf", "iat", "jti", "sid")
_LONGEST_TOKEN = 4096


def _signed_claims(token: str, secrets: Sequence[str], now: datetime) -> dict[str, Any]:
    # 2 MiB with all of X.509, for what shops on Shopify alone send.
    from joserfc import jwt  # noqa: PLC0415
    from joserfc.errors import JoseError  # noqa: PLC0415
    from joserfc.jwk import OctKey  # noqa: PLC0415

    if not token.isascii() or len(token) > _LONGEST_TOKEN:
        raise InvalidSignature("the session token is not one")
    essential: dict[str, jwt.ClaimsOption] = {name: {"essential": True} for name in _REQUIRED}
    registry = jwt.JWTClaimsRegistry(now=int(now.timestamp()), leeway=LEEWAY_SECONDS, **essential)
    for secret in secrets:
        try:
            # The header is read before the signature.
            exact_json.shallow(urlsafe_b64decode(token.partition(".")[0] + "=="))
            claims = jwt.decode(token, OctKey.import_key(secret), algorithms=["HS256"]).claims
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        try:
            registry.validate(claims)
        except (JoseError, TypeError, ValueError):
            raise InvalidSignature("the session token does not hold now") from None
        return claims
    raise InvalidSignature("the session token is not signed by Shopify")


def _moment(claim: Any) -> datetime:
    try:
        return datetime.fromtimestamp(int(claim), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise InvalidSignature("the session token's end is no moment") from None


def _shop(claims: dict[str, Any]) -> str:
    destination = _text(claims, "dest")
    try:
        shop = normalize_shop(destination)
    except InvalidShop:
        raise InvalidSignature("the session token is for no shop") from None
    if destination != f"https://{shop}" or claims["iss"] != f"https://{shop}/admin":
        raise InvalidSignature("the session token's issuer is another")
    return shop


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims[name]
    if not isinstance(value, str):
        raise InvalidSignature(f"the session token's {name} is no text")
    return value
