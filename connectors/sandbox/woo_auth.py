"""WooCommerce's check of an API request: OAuth 1.0a signed for the home URL; Basic only over TLS.

Source: includes/class-wc-rest-authentication.php, and both accepted and refused requests measured on
WooCommerce 10.0 and 10.5 (November 2026).
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import quote, unquote

from connectors.sandbox.model import WorldView
from connectors.sandbox.woo_rest import WooError
from connectors.sandbox.woo_traits import DELETED, traits
from connectors.sandbox.written import Fact, written

WINDOW_SECONDS = 15 * 60
OAUTH_NAMES = (
    "oauth_consumer_key",
    "oauth_timestamp",
    "oauth_nonce",
    "oauth_signature",
    "oauth_signature_method",
)
HASHES = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}
HEADER_PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"')
NEEDED = {"GET": "read", "HEAD": "read"}


@dataclass(frozen=True, slots=True)
class Signed:
    """The parts of a request that authentication looks at.

    Attributes:
        path: below the store's home, e.g. ``/wp-json/wc/v3/orders``.
        query: the decoded query, the last value of a repeated name; PHP's ``name[]`` numbered.
        authorization: the header, empty when absent.
    """

    method: str
    path: str
    query: Mapping[str, str]
    authorization: str
    is_secure: bool


@dataclass
class Gate:
    """Lets requests in; remembers the nonces of the last quarter of an hour."""

    world: WorldView
    clock: Callable[[], float]
    _nonces: dict[tuple[str, str], float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def key_of(self, signed: Signed) -> Fact | None:
        """The API key of a request; None when it carries no credentials that the store looks at.

        Raises:
            WooError: 401, credentials that are wrong.
        """
        key = self._basic(signed) if signed.is_secure else None
        if key is None:
            key = self._oauth(signed)
        if key is not None:
            _check_permission(key, signed.method)
        return key

    def _basic(self, signed: Signed) -> Fact | None:
        name, secret = signed.query.get("consumer_key", ""), signed.query.get("consumer_secret", "")
        if signed.authorization.startswith("Basic "):
            try:
                decoded = base64.b64decode(signed.authorization[6:]).decode()
            except (binascii.Error, UnicodeDecodeError):
                return None
            name, _, secret = decoded.partition(":")
        key = self._find(name)
        if key is None:
            return None
        if not hmac.compare_digest(str(key["consumer_secret"]).encode(), secret.encode()):
            raise _refused("Consumer secret is invalid.")
        return key

    def _oauth(self, signed: Signed) -> Fact | None:
        parameters = dict(signed.query)
        if signed.authorization.startswith("OAuth "):
            for name, value in HEADER_PARAMETER.findall(signed.authorization[6:]):
                parameters[name] = unquote(value)
        missing = [name for name in OAUTH_NAMES if not parameters.get(name)]
        if len(missing) == len(OAUTH_NAMES):
            return None
        if missing:
            noun = "parameter" if len(missing) == 1 else "parameters"
            message = f"Missing OAuth {noun} {', '.join(missing)}"
            raise WooError("woocommerce_rest_authentication_missing_parameter", message, 401)
        key = self._find(parameters["oauth_consumer_key"])
        if key is None:
            raise _refused("Consumer key is invalid.")
        _check_signature(traits(self.world).home, signed, parameters, str(key["consumer_secret"]))
        self._check_freshness(str(key["consumer_key"]), parameters)
        return key

    def _find(self, consumer_key: str) -> Fact | None:
        # With an account go its keys; a revoked one is remembered as such.
        if not consumer_key or traits(self.world).role == DELETED:
            return None
        key = written(self.world, "woo_key", "consumer_key").last_of(consumer_key)
        return None if key is None or key.get("is_revoked") else key

    def _check_freshness(self, consumer_key: str, parameters: Mapping[str, str]) -> None:
        now = self.clock()
        text = parameters["oauth_timestamp"]
        if not text.isdigit() or abs(int(text) - now) > WINDOW_SECONDS:
            raise _refused("Invalid timestamp.")
        nonce = (consumer_key, parameters["oauth_nonce"])
        with self._lock:
            if self._nonces.get(nonce, 0.0) > now - WINDOW_SECONDS:
                raise _refused("Invalid nonce - nonce has already been used.")
            self._nonces[nonce] = float(text)
            if len(self._nonces) > 20_000:
                oldest = now - WINDOW_SECONDS
                self._nonces = {used: at for used, at in self._nonces.items() if at > oldest}


def php_query(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """A query as PHP reads it: the last of a repeated name, ``name[]`` numbered from 0."""
    found: dict[str, str] = {}
    counts: dict[str, int] = {}
    for name, value in pairs:
        if not name.endswith("[]"):
            found[name] = value
            continue
        place = counts.get(name, 0)
        counts[name] = place + 1
        found[f"{name[:-2]}[{place}]"] = value
    return found


def _refused(message: str) -> WooError:
    return WooError("woocommerce_rest_authentication_error", message, 401)


def _check_signature(home: str, signed: Signed, parameters: Mapping[str, str], secret: str) -> None:
    digest = HASHES.get(parameters["oauth_signature_method"])
    if digest is None:
        raise _refused("Invalid signature - signature method is invalid.")
    encoded = sorted(
        (quote(name, safe="~"), quote(value, safe="~"))
        for name, value in parameters.items()
        if name not in {"oauth_signature", "realm"}
    )
    # WooCommerce takes the home URL with the scheme that PHP sees, and the path below it.
    seen_home = f"{'https' if signed.is_secure else 'http'}://{home.partition('://')[2]}"
    base = "&".join(
        (
            signed.method.upper(),
            quote(seen_home + signed.path, safe="~"),
            quote("&".join(f"{name}={value}" for name, value in encoded), safe="~"),
        )
    )
    expected = base64.b64encode(hmac.new(f"{secret}&".encode(), base.encode(), digest).digest())
    given = parameters["oauth_signature"].replace(" ", "+")
    if not hmac.compare_digest(expected, given.encode()):
        raise _refused("Invalid signature - provided signature does not match.")


def _check_permission(key: Fact, method: str) -> None:
    needed = NEEDED.get(method.upper(), "write")
    if needed not in str(key["permissions"]).split("_"):
        raise _refused(f"The API key provided does not have {needed} permissions.")
