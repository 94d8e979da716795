"""Shopify's side of the installation: code grant, token exchange and expiring offline tokens.

Source: shopify.dev "authorization code grant", "token exchange", "offline access tokens", changelog on
resilient refreshes (November 2026).
"""

import base64
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from connectors.sandbox.model import SHOPIFY_SHOP, WorldView
from connectors.sandbox.shopify_bulk_rules import BulkRules
from connectors.sandbox.signing import sign_query
from connectors.sandbox.written import Fact, written

TOKEN = "shopify_token"
"""The kind of fact that the app was given a token: from then on it is installed, and hears of the shop."""
ACCESS_SECONDS = 3600
REFRESH_SECONDS = 7_776_000
CODE_SECONDS = 600
CLOCK_LEEWAY = 10
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
SESSION_TYPE = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE_TYPE = "urn:shopify:params:oauth:token-type:offline-access-token"
DEFAULT_SCOPES = (
    "read_all_orders,read_customer_merge,read_customers,read_discounts,read_fulfillments,read_orders,"
    "read_products,write_customers,write_discounts,write_marketing_events"
)


@dataclass(slots=True)
class AppRegistration:
    """The app as the Dev Dashboard knows it.

    Attributes:
        ritorno_url: where the app is reached; redirects go nowhere else.
        scopes: granted when an authorization asks for none (they then come from the app's configuration).
        bucket_size: points of the GraphQL bucket; the default is ten times the largest plan's, so that a
            demo does not spend its minute waiting. A test of throttling sets its own.
        restore_rate: points a second.
        clock: real seconds since the epoch.
        bulk: how bulk operations go.
    """

    client_id: str
    client_secret: str
    ritorno_url: str
    scopes: str = DEFAULT_SCOPES
    bucket_size: float = 400_000.0
    restore_rate: float = 20_000.0
    clock: Callable[[], float] = time.time
    bulk: BulkRules = field(default_factory=BulkRules)


class OAuthError(Exception):
    """A request that the authorization server refuses.

    Attributes:
        error: OAuth's error code.
    """

    def __init__(self, error: str, description: str) -> None:
        """The code and the words for people."""
        super().__init__(description)
        self.error = error


@dataclass
class AuthorizationServer:
    """Codes (in memory, ten minutes) and tokens (kept by the world, so that a restart loses none)."""

    world: WorldView
    app: AppRegistration
    codes: dict[str, tuple[str, float]] = field(default_factory=dict)

    def authorize(self, query: Mapping[str, str]) -> str:
        """Approve at once; the URL to send the merchant's browser to.

        Raises:
            OAuthError: unknown client, or a redirect outside the app's own URL.
        """
        if query.get("client_id") != self.app.client_id:
            raise OAuthError("application_cannot_be_found", "The application cannot be found.")
        redirect_uri = query.get("redirect_uri", "")
        if not _is_within(redirect_uri, self.app.ritorno_url):
            raise OAuthError("invalid_request", "The redirect_uri is not whitelisted")
        code = secrets.token_hex(16)
        self.codes[code] = (query.get("scope") or self.app.scopes, self.app.clock() + CODE_SECONDS)
        answer = {
            "code": code,
            "host": base64.b64encode(f"admin.shopify.com/store/{_handle()}".encode()).decode().rstrip("="),
            "shop": SHOPIFY_SHOP,
            "timestamp": str(int(self.app.clock())),
        }
        if "state" in query:
            answer["state"] = query["state"]
        signed = {**answer, "hmac": sign_query(answer, self.app.client_secret)}
        return f"{redirect_uri}{'&' if urlsplit(redirect_uri).query else '?'}{urlencode(signed)}"

    def token(self, request: Mapping[str, object]) -> dict[str, object]:
        """The answer of the token endpoint.

        Raises:
            OAuthError: wrong client, code, refresh token or grant.
        """
        if not self._is_client(request):
            raise OAuthError("invalid_client", "The client credentials are invalid.")
        grant = str(request.get("grant_type") or "authorization_code")
        if grant == "refresh_token":
            return self._refresh(str(request.get("refresh_token", "")))
        is_expiring = str(request.get("expiring", "")) in {"1", "True"}
        if grant == EXCHANGE:
            return self._exchange(request, is_expiring=is_expiring)
        if grant != "authorization_code":
            raise OAuthError("unsupported_grant_type", f"The grant type {grant} is not supported.")
        scope, until = self.codes.pop(str(request.get("code", "")), ("", 0.0))
        if until <= self.app.clock():
            description = "The authorization code was not found or was already used"
            raise OAuthError("invalid_request", description)
        return self._issue(scope, is_expiring=is_expiring)

    def scopes_of(self, access_token: str) -> frozenset[str] | None:
        """The scopes of a token that is good now, None otherwise."""
        fact = written(self.world, TOKEN, "access_token").last_of(access_token)
        if fact is None:
            return None
        expires_at = fact["expires_at"]
        if isinstance(expires_at, int | float) and expires_at <= self.app.clock():
            return None
        if written(self.world, "shopify_migration", "access_token").last_of(access_token) is not None:
            return None
        return frozenset(str(fact["scope"]).split(","))

    def _is_client(self, request: Mapping[str, object]) -> bool:
        expected = f"{self.app.client_id}:{self.app.client_secret}"
        given = f"{request.get('client_id', '')}:{request.get('client_secret', '')}"
        return hmac.compare_digest(given.encode(), expected.encode())

    def _exchange(self, request: Mapping[str, object], *, is_expiring: bool) -> dict[str, object]:
        """A session token for an offline one, or an offline token without an end for one that has one."""
        kind, subject = (str(request.get(f"subject_token{part}", "")) for part in ("_type", ""))
        if str(request.get("requested_token_type", "")) != OFFLINE_TYPE:
            raise OAuthError("invalid_request", "The requested token type is not supported.")
        if kind == SESSION_TYPE:
            if not is_session_token(subject, self.app, SHOPIFY_SHOP):
                raise OAuthError("invalid_subject_token", "The subject token is invalid.")
            return self._issue(self.app.scopes, is_expiring=is_expiring)
        fact = written(self.world, TOKEN, "access_token").last_of(subject)
        lasts = fact is not None and fact["expires_at"] is None and self.scopes_of(subject) is not None
        if kind != OFFLINE_TYPE or not lasts or not is_expiring or fact is None:
            raise OAuthError("invalid_subject_token", "The subject token is invalid.")
        self.world.remember("shopify_migration", {"access_token": subject})
        return self._issue(str(fact["scope"]), is_expiring=True)

    def _refresh(self, refresh_token: str) -> dict[str, object]:
        newest = self.world.remembered(TOKEN)[-1:]
        fact = written(self.world, TOKEN, "refresh_token").last_of(refresh_token)
        if not refresh_token or fact is None or not self._may_refresh(fact, newest[0]):
            raise OAuthError("invalid_grant", "The refresh token is invalid or has expired.")
        return self._issue(str(fact["scope"]), is_expiring=True, replaces=refresh_token)

    def _may_refresh(self, fact: Fact, newest: Fact) -> bool:
        # The newest refresh token works, and the one it replaced until the newest is first used.
        expires_at = fact["refresh_expires_at"]
        if not isinstance(expires_at, int | float) or expires_at <= self.app.clock():
            return False
        return fact["refresh_token"] in (newest["refresh_token"], newest["replaces"])

    def _issue(self, scope: str, *, is_expiring: bool, replaces: str | None = None) -> dict[str, object]:
        # The prefixes differ from the platform's on purpose: secret scanners look for those.
        now = self.app.clock()
        token: dict[str, object] = {
            "access_token": f"sandbox-at-{secrets.token_hex(16)}",
            "scope": scope,
            "expires_at": now + ACCESS_SECONDS if is_expiring else None,
            "refresh_token": f"sandbox-rt-{secrets.token_hex(16)}" if is_expiring else None,
            "refresh_expires_at": now + REFRESH_SECONDS if is_expiring else None,
            "replaces": replaces,
        }
        self.world.remember(TOKEN, token)
        answer = {"access_token": token["access_token"], "scope": scope}
        if not is_expiring:
            return answer
        return {
            **answer,
            "expires_in": ACCESS_SECONDS,
            "refresh_token": token["refresh_token"],
            "refresh_token_expires_in": REFRESH_SECONDS,
        }


def is_session_token(token: str, app: AppRegistration, shop: str) -> bool:
    """Whether a JWT is one that the admin gives the app's pages: signed with its secret, for it, in time."""
    try:
        head, body, signature = token.split(".")
        claims = json.loads(_unpadded(body))
        algorithm = json.loads(_unpadded(head))["alg"]
        expected = hmac.digest(app.client_secret.encode(), f"{head}.{body}".encode(), "sha256")
        is_signed = algorithm == "HS256" and hmac.compare_digest(_unpadded(signature), expected)
        is_now = claims["nbf"] <= app.clock() + CLOCK_LEEWAY and claims["exp"] > app.clock() - CLOCK_LEEWAY
        return bool(
            is_signed and is_now and claims["aud"] == app.client_id and claims["dest"] == f"https://{shop}"
        )
    except (ValueError, KeyError, TypeError):
        return False


def _unpadded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _is_within(url: str, base: str) -> bool:
    asked, own = urlsplit(url), urlsplit(base)
    is_same_host = (asked.scheme, asked.netloc) == (own.scheme, own.netloc)
    return is_same_host and asked.path.startswith(own.path.rstrip("/") + "/")


def _handle() -> str:
    return SHOPIFY_SHOP.removesuffix(".myshopify.com")
