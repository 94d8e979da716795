"""Trying a key against its store: which way of signing works, and may the key write."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.base import ConnectorError, StoreIdentity, Unauthorized, UnreadablePayload
from connectors.storefronts.woocommerce.auth import AuthMode, StoreKeys, normalise_store_url
from connectors.storefronts.woocommerce.calls import KEY_REFUSED, LOCKED, READ_ONLY, Calls
from connectors.storefronts.woocommerce.identity import Index, read_identity, read_index
from connectors.storefronts.woocommerce.payload import text
from connectors.transport import StoreTransport

# Source: facts of two measured stores, section 2 (signatures are accepted within 15 minutes).
_CLOCK_TOLERANCE = timedelta(minutes=15)
_ACCEPTED = ("read-only", "write-only")
"""Refusals of a key that was let in: no other way of signing can help."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """How to call this store from now on. `home_url` is the URL that calls are signed for."""

    auth_mode: AuthMode
    home_url: str
    identity: StoreIdentity


def probe(url: str, key: str, secret: str, *, transport: StoreTransport, now: datetime) -> ProbeResult:
    """Find out how a store accepts a key, that the key may write, and who the store is.

    Tried in this order: OAuth 1.0a in the query, signed for the address as typed; the same signed for
    the home URL that the store itself names, with and without TLS, because a proxy may hide it; Basic
    over https. Nothing is changed in the store.

    Args:
        url: the store as `normalise_store_url` gives it.
        now: to tell a server whose clock is wrong from a wrong secret.

    Raises:
        ConnectorError: its text tells the merchant what to mend; `permanent` unless it may pass.
    """
    index = read_index(transport, url)
    refusals: list[Unauthorized] = []
    for keys in _ways(url, key, secret, index):
        calls = Calls(keys, transport)
        try:
            calls.get("system_status", {"_fields": "environment"})
        except Unauthorized as error:
            if error.status == 403 or error.reason in _ACCEPTED:
                raise
            refusals.append(error)
            continue
        _check_may_write(calls)
        return ProbeResult(keys.mode, keys.signing_url, read_identity(calls, index))
    raise _clearest(refusals, index, now)


def _ways(url: str, key: str, secret: str, index: Index) -> Iterator[StoreKeys]:
    yield StoreKeys(url, url, key, secret, AuthMode.OAUTH)
    for home in _homes(url, index):
        yield StoreKeys(url, home, key, secret, AuthMode.OAUTH_HOME)
    if url.startswith("https://"):
        yield StoreKeys(url, url, key, secret, AuthMode.BASIC)


def _homes(url: str, index: Index) -> list[str]:
    """The URLs that the store may sign with, apart from the typed one.

    WooCommerce takes the scheme from the request as PHP sees it: behind a proxy that ends TLS it signs
    for http even if the home URL says https.

    Source: woocommerce/woocommerce, includes/class-wc-rest-authentication.php, check_oauth_signature.
    """
    named = []
    for name in ("home", "url"):
        try:
            named.append(normalise_store_url(text(index.content, name)))
        except (ConnectorError, UnreadablePayload):
            continue
    without_tls = [home.replace("https://", "http://", 1) for home in (*named, url)]
    return [home for home in dict.fromkeys((*named, *without_tls)) if home != url]


def _check_may_write(calls: Calls) -> None:
    """Write nothing: an empty batch passes the key's permission check and changes nothing."""
    try:
        calls.post("coupons/batch", {})
    except Unauthorized as error:
        if error.status == 401:
            raise Unauthorized(READ_ONLY) from None
        raise
    except ConnectorError as error:
        # Any other answer came after the permission check and says nothing about the key.
        if error.status is None:
            raise


def _clearest(refusals: list[Unauthorized], index: Index, now: datetime) -> ConnectorError:
    if index.served_at is not None and abs(index.served_at - now) > _CLOCK_TOLERANCE:
        minutes = round(abs(index.served_at - now).total_seconds() / 60)
        return Unauthorized(f"The clocks of the shop's server and ours are {minutes} minutes apart.")
    return next((error for error in refusals if str(error) not in (KEY_REFUSED, LOCKED)), refusals[-1])
