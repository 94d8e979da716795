"""Is a call from Twilio signed with the account's token?

Done without Twilio's package, which would cost every web process a third of a second and 11 MB, and which
raises over a header that is missing. Source: docs.twilio.com, webhook security; twilio-python,
request_validator (June 2026).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult, parse_qs, parse_qsl, urlsplit, urlunsplit

from connectors.base import InvalidSignature

SIGNATURE = "X-Twilio-Signature"
SETTINGS = "X-Twilio-Webhooks-Signature-Settings"
"""Comes with calls that are signed with a shared key instead of the token, and names the algorithm."""


def verify(url: str, headers: Mapping[str, str], body: bytes, auth_tokens: Sequence[str]) -> None:
    """Nothing, if the call was signed with one of the tokens.

    Args:
        url: the address as Twilio called it, undecoded, with its query: our public address and the raw
            target, never the Host header. What stands after # is not signed.
        headers: in any case.
        body: the raw bytes, a form; or anything, if the address holds its `bodySHA256`.
        auth_tokens: of the account, two while one is renewed; shared keys, where there are any. None at all
            is a closed door.

    Raises:
        InvalidSignature: it was not.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    given, digest = lower.get(SIGNATURE.lower()), _digest(lower.get(SETTINGS.lower()))
    try:
        parts = urlsplit(url)._replace(fragment="")
        texts = [variant + _parameters(parts, body) for variant in _variants(parts)]
    except ValueError:
        raise InvalidSignature("the call cannot have been signed by Twilio") from None
    expected = [_signature(text, token, digest) for token in auth_tokens if token for text in texts]
    if not isinstance(given, str) or not _is_one_of(given, expected):
        raise InvalidSignature("the call is not signed by Twilio")


_DIGESTS = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
_PORTS = {"https": 443, "http": 80}


def _digest(settings: object) -> str:
    """The hash that is named (`key=…,algorithm=HMAC_SHA256`), or SHA-1.

    Raises:
        InvalidSignature: it is not one that we know.
    """
    told = dict(part.strip().partition("=")[::2] for part in str(settings or "").split(","))
    digest = _DIGESTS.get(told.get("algorithm", "").strip().upper() or "HMAC_SHA1")
    if digest is None:
        raise InvalidSignature("the call is signed in a way that we do not know")
    return digest


def _variants(parts: SplitResult) -> list[str]:
    """The address without its port and with it: Twilio signs now one, now the other."""
    host = parts.netloc.rpartition(":")[0] if parts.port else parts.netloc
    port = parts.port or _PORTS.get(parts.scheme, 80)
    return [urlunsplit(parts._replace(netloc=netloc)) for netloc in (host, f"{host}:{port}")]


def _parameters(parts: SplitResult, body: bytes) -> str:
    """What of the body is signed with the address: the form's fields, sorted, each value once.

    Raises:
        ValueError: the body is neither a form nor the one whose hash the address holds.
    """
    promised = parse_qs(parts.query).get("bodySHA256")
    if promised:
        if not hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), promised[0].encode()):
            raise ValueError("the body is another one")
        return ""
    fields = parse_qsl(
        body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict"
    )
    return "".join(name + value for name, value in sorted(set(fields)))


def _is_one_of(given: str, expected: Sequence[bytes]) -> bool:
    # Every one is compared: how long it takes tells nothing.
    compared = [hmac.compare_digest(given.encode("utf-8", "replace"), one) for one in expected]
    return any(compared)


def _signature(text: str, token: str, digest: str) -> bytes:
    made = hmac.new(token.encode(), text.encode("utf-8", "replace"), digest).digest()
    return base64.b64encode(made)
