"""What SendGrid and Twilio post, signed as they sign it; written from their documents, not from our code."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Headers = list[tuple[str, str]]


def signing_key(number: int) -> ec.EllipticCurvePrivateKey:
    """A key that is the same in every run."""
    return ec.derive_private_key(number, ec.SECP256R1())


def public_key(key: ec.EllipticCurvePrivateKey) -> str:
    """The key's other half, as SendGrid shows it."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def sendgrid_post(
    key: ec.EllipticCurvePrivateKey, events: Sequence[Any], at: datetime
) -> tuple[Headers, bytes]:
    """A post of the event webhook."""
    body = json.dumps(events).encode() + b"\r\n"
    return signed(key, body, at), body


def signed(key: ec.EllipticCurvePrivateKey, body: bytes, at: datetime) -> Headers:
    """The headers of a post with that body."""
    timestamp = str(int(at.timestamp()))
    signature = key.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
    return [
        ("Content-Type", "application/json"),
        ("X-Twilio-Email-Event-Webhook-Signature", base64.b64encode(signature).decode()),
        ("X-Twilio-Email-Event-Webhook-Timestamp", timestamp),
    ]


def twilio_post(url: str, token: str, form: Mapping[str, str]) -> tuple[Headers, bytes]:
    """A callback to that address."""
    signed = url + "".join(name + form[name] for name in sorted(form))
    digest = hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()
    headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("X-Twilio-Signature", base64.b64encode(digest).decode()),
    ]
    return headers, urlencode(form).encode()
