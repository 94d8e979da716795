"""Connecting a store: its address, the approval page's URL and callback, and the signing of calls."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from secrets import token_hex
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from connectors import exact_json
from connectors.base import ConnectorError, UnreadablePayload

REST_ROOT = "/wp-json/"


class AuthMode(StrEnum):
    """How a store accepts its key: signed for the typed URL, for its own URL, or Basic over TLS."""

    OAUTH = "oauth"
    OAUTH_HOME = "oauth-home"
    BASIC = "basic"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """What the approval page handed over. `state` is our own `user_id`, as the store echoed it."""

    key: str
    secret: str = field(repr=False)
    state: str
    permissions: str


@dataclass(frozen=True, slots=True)
class StoreKeys:
    """Everything a call to a store needs.

    Attributes:
        url: where calls are sent, normalised.
        signing_url: the home URL that the store itself computes signatures with; it matters in mode
            OAUTH_HOME only.
    """

    url: str
    signing_url: str
    key: str
    secret: str = field(repr=False)
    mode: AuthMode


def normalise_store_url(typed: str) -> str:
    """The store's base URL from what a merchant typed: scheme, host, port and folder, no slash at the end.

    Without a scheme it becomes https. Addresses inside the store (`/wp-admin/…`, `/wp-json/…`) are cut
    back to it; query and fragment go.

    Raises:
        ConnectorError: permanent; the text says to the merchant what is wrong.
    """
    address = typed.strip()
    if "://" not in address:
        address = f"https://{address}"
    try:
        parts = urlsplit(address)
        host, port = _host(parts), parts.port
    except ValueError:
        raise _wrong_address() from None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or parts.username is not None or parts.password is not None:
        raise _wrong_address()
    where = host if port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{port}"
    folder = quote(_INSIDE.split(parts.path, maxsplit=1)[0], safe="/%").rstrip("/")
    return f"{scheme}://{where}{folder}"


def authorize_url(store_url: str, *, app_name: str, user_id: str, return_url: str, callback_url: str) -> str:
    """The store's own page where the merchant approves a key that may read and write.

    `user_id` comes back in the callback and is all that links it to us: only letters, digits and
    `.-_~` survive the store, so nothing else may be in it.

    Raises:
        ValueError: a `user_id` that would come back changed.

    Source: facts of two measured stores, section 1.
    """
    if not _ECHOED_WHOLE.fullmatch(user_id) or user_id == "0":
        raise ValueError("user_id holds characters that WooCommerce would change")
    query = urlencode(
        {
            "app_name": app_name,
            "scope": "read_write",
            "user_id": user_id,
            "return_url": return_url,
            "callback_url": callback_url,
        }
    )
    return f"{store_url}/wc-auth/v1/authorize?{query}"


def read_callback(body: bytes) -> KeyPair:
    """The key that a store posted after approval.

    The callback is not signed and names no store: the keys prove nothing before they were tried
    against the store that `state` is bound to.

    Raises:
        UnreadablePayload: anything but a key and secret of WooCommerce's form that may read and write.
    """
    try:
        payload = exact_json.read(body)
    except ValueError:
        raise UnreadablePayload("the approval is not JSON") from None
    if not isinstance(payload, dict):
        raise UnreadablePayload("the approval is not an object")
    for name, form in _CALLBACK_FORMS.items():
        value = payload.get(name)
        if not isinstance(value, str) or not form.fullmatch(value):
            raise UnreadablePayload(f"the approval has no valid {name}")
    return KeyPair(
        key=payload["consumer_key"],
        secret=payload["consumer_secret"],
        state=payload["user_id"],
        permissions=payload["key_permissions"],
    )


def sign(
    keys: StoreKeys, method: str, path: str, params: Mapping[str, str] | None = None
) -> tuple[str, dict[str, str]]:
    """The URL to call and the headers to send for one call of the REST API.

    WooCommerce computes signatures over its own home URL, so mode OAUTH_HOME signs for that and sends
    to where the merchant said. Lists belong into `params` as comma lists: `include[]=` breaks the
    signature. Each call of this function makes a nonce that the store accepts once.

    Args:
        path: below `/wp-json/`, for example `wc/v3/orders`.

    Raises:
        ConnectorError: permanent; Basic without TLS would show the secret to everybody on the way.

    Source: facts of two measured stores, section 2.
    """
    told, place = list((params or {}).items()), f"{REST_ROOT}{path}"
    if keys.mode is AuthMode.BASIC:
        if not keys.url.startswith("https://"):
            raise ConnectorError("Basic authentication needs https", permanent=True)
        token = base64.b64encode(f"{keys.key}:{keys.secret}".encode()).decode()
        query = _joined(_escaped(*told))
        return f"{keys.url}{place}{'?' if told else ''}{query}", {"Authorization": f"Basic {token}"}
    base = keys.signing_url if keys.mode is AuthMode.OAUTH_HOME else keys.url
    return f"{keys.url}{place}?{_signed(keys, method, base + place, told)}", {}


_DEFAULT_PORTS = {"https": 443, "http": 80}
_INSIDE = re.compile(r"/+(?:wp-admin|wp-json|wp-login\.php|wc-auth|index\.php)(?:/|$)")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_LONGEST_HOST = 253
_ECHOED_WHOLE = re.compile(r"[A-Za-z0-9._~-]{1,500}")
_CALLBACK_FORMS = {
    "consumer_key": re.compile(r"ck_[0-9a-f]{40}"),
    "consumer_secret": re.compile(r"cs_[0-9a-f]{40}"),
    "key_permissions": re.compile(r"read_write"),
    "user_id": _ECHOED_WHOLE,
}


def _signed(keys: StoreKeys, method: str, address: str, told: Sequence[tuple[str, str]]) -> str:
    """The query of a call, its signature last; a JSON body is not signed.

    Authlib's own client refuses http apart from this machine itself, unless an environment variable switches
    the check off for the whole process. On a store without TLS, and behind a proxy that hides it, the
    signature is what keeps the secret off the wire. And it writes and reads each query three times: here
    every pair is written once, for what is signed and for what is sent.

    Source: RFC 5849, sections 3.4.1 and 3.6.
    """
    # Only a store that takes no key over TLS is signed for: a web process may never meet one.
    from authlib.oauth1.rfc5849.client_auth import generate_timestamp  # noqa: PLC0415
    from authlib.oauth1.rfc5849.signature import hmac_sha1_signature  # noqa: PLC0415

    pairs = _escaped(
        *told,
        ("oauth_consumer_key", keys.key),
        ("oauth_nonce", token_hex(16)),
        ("oauth_timestamp", str(generate_timestamp())),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_version", "1.0"),
    )
    base = f"{method}&{_base_address(address)}&{quote(_joined(sorted(pairs)), safe='')}"
    signature = hmac_sha1_signature(base, keys.secret, None)
    return _joined([*pairs, *_escaped(("oauth_signature", signature))])


@lru_cache(maxsize=1024)
def _base_address(address: str) -> str:
    from authlib.oauth1.rfc5849.signature import normalize_base_string_uri  # noqa: PLC0415 (as above)

    return quote(normalize_base_string_uri(address), safe="")


def _escaped(*pairs: tuple[str, str]) -> list[tuple[str, str]]:
    return [(_quoted(name), _quoted(value)) for name, value in pairs]


@lru_cache(maxsize=1024)
def _quoted(text: str) -> str:
    """A name or a value as it is sent; most of a query are those of the call before."""
    return quote(text, safe="")


def _joined(pairs: Sequence[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in pairs)


def _host(parts: SplitResult) -> str:
    """The host in its ASCII form; ValueError when it is none (UnicodeError is one of them)."""
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        return f"[{host}]"
    host = host.encode("idna").decode().lower() if not host.isascii() else host
    if not _HOST.fullmatch(host) or len(host) > _LONGEST_HOST:
        raise ValueError(host)
    return host


def _wrong_address() -> ConnectorError:
    return ConnectorError(
        "This is not the address of a shop. It looks like https://shop.example.", permanent=True
    )
