"""Is a post of the event webhook signed by SendGrid?"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography.exceptions import InvalidSignature as Mismatch
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from connectors.base import InvalidSignature

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
OLDEST, AHEAD = timedelta(hours=25), timedelta(minutes=10)
"""SendGrid tries a post again for 24 hours, perhaps with its first moment; clocks differ."""


def verify(headers: Mapping[str, str], body: bytes, public_keys: Sequence[str], *, now: datetime) -> None:
    """Nothing, if the post was signed with one of the keys and is fresh.

    Args:
        headers: in any case.
        body: the raw bytes; the line end at their end is signed, too.
        public_keys: as SendGrid shows them: base64 of a SubjectPublicKeyInfo. None at all is a closed door.

    Raises:
        InvalidSignature: it was not, or is not.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    timestamp = lower.get(TIMESTAMP.lower(), "")
    signature = _decoded(lower.get(SIGNATURE.lower(), ""))
    keys = [key for text in public_keys if (key := _key(text)) is not None]
    if not signature or not any(_is_signed(key, signature, timestamp, body) for key in keys):
        raise InvalidSignature("the post is not signed by SendGrid")
    if not _is_fresh(timestamp, now):
        raise InvalidSignature("the post is too old or from the future")


_DIGITS = re.compile(r"[0-9]{1,12}")


def _decoded(text: object) -> bytes:
    if not isinstance(text, str) or not text.isascii():
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


@lru_cache(maxsize=256)
def _key(text: str) -> EllipticCurvePublicKey | None:
    try:
        key = load_der_public_key(_decoded("".join(text.split())))
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    return None


def _is_signed(key: EllipticCurvePublicKey, signature: bytes, timestamp: str, body: bytes) -> bool:
    try:
        key.verify(signature, timestamp.encode() + body, ECDSA(SHA256()))
    except (Mismatch, ValueError):
        return False
    return True


def _is_fresh(timestamp: str, now: datetime) -> bool:
    if not _DIGITS.fullmatch(timestamp):
        return False
    try:
        signed_at = datetime.fromtimestamp(int(timestamp), UTC)
    except (ValueError, OverflowError, OSError):
        return False
    return now - OLDEST <= signed_at <= now + AHEAD
