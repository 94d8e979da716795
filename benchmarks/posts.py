"""SendGrid's event posts for P6: JSON arrays of what became of mails, signed as SendGrid signs them."""

import base64
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_KINDS = ("processed", "delivered")
_ANSWER = "250 2.0.0 OK  1763800000 d9443c01a7336-29b5b1 - gsmtp, queued as 4Zk2Yd3bJmz9tR5 for delivery"


@dataclass(frozen=True, slots=True)
class Post:
    """One post: its body, the header's timestamp, and the signature as bytes."""

    body: bytes
    timestamp: str
    signature: bytes

    @property
    def headers(self) -> dict[str, str]:
        """What the post carries."""
        name = "X-Twilio-Email-Event-Webhook"
        signature = base64.b64encode(self.signature).decode()
        return {f"{name}-Signature": signature, f"{name}-Timestamp": self.timestamp}


class Account:
    """A key that signs, and posts that it signed."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @cached_property
    def verifier(self) -> ec.EllipticCurvePublicKey:
        """The public half."""
        return self._key.public_key()

    @property
    def public_key(self) -> str:
        """The same as the merchant pastes it."""
        kind, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        return base64.b64encode(self.verifier.public_bytes(kind, form)).decode()

    def post(self, first: int, events: int, *, at: int, store_id: int = 1) -> Post:
        """The events of so many mails, two of each, beginning with the message of that number."""
        told = [
            _event(first + number // 2, _KINDS[number % 2], at=at, store_id=store_id)
            for number in range(events)
        ]
        body, timestamp = json.dumps(told).encode(), str(at)
        signature = self._key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return Post(body, timestamp, signature)


def _event(mid: int, kind: str, *, at: int, store_id: int) -> dict[str, Any]:
    return {
        "email": f"c{mid}@example.com",
        "timestamp": at - 60,
        "smtp-id": f"<14c5d75ce93.dfd.{mid}@ismtpd-555>",
        "event": kind,
        "category": ["welcome", "W2"],
        "sg_event_id": f"ZXZlbnQtaWQt{kind}-{mid:012d}",
        "sg_message_id": f"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.{mid}",
        "mid": str(mid),
        "store": str(store_id),
        "response": _ANSWER if kind == "delivered" else "",
        "ip": "203.0.113.9",
        "tls": 1,
    }
