"""Calls to an address of the merchant's own, signed so that the other side can tell who calls."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.base import ConnectorError
from connectors.transport import StoreTransport

PREFIX = "whsec_"
_FEWEST_BYTES = 24
_GONE = 410


@dataclass(frozen=True, slots=True)
class Call:
    """One thing to tell.

    Attributes:
        id: the same whenever it is tried again, by which the other side knows what it has heard already.
    """

    id: str
    url: str
    told: Mapping[str, Any]


def post(transport: StoreTransport, call: Call, secret: str, now: datetime) -> None:
    """Tell it; whatever answers with a 2xx has heard it.

    A call may arrive more than once (an answer may get lost), under one `webhook-id`: so it has its effect
    at most once with whoever keeps the ids.

    Raises:
        ConnectorError: it was not heard for certain; permanent where no later try can be.

    Source: Standard Webhooks 1.0 (standardwebhooks.com): headers, signed content, 410.
    """
    key = key_of(secret)
    if key is None:
        raise ConnectorError("no signing secret is set", permanent=True)
    body = json.dumps(call.told, separators=(",", ":")).encode()
    at = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": call.id,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{signature(key, call.id, at, body)}",
    }
    answer = transport.request("POST", call.url, headers=headers, body=body)
    if not 200 <= answer.status < 300:
        is_final = answer.status == _GONE or 300 <= answer.status < 400
        raise ConnectorError(
            f"the address answered {answer.status}", permanent=is_final, status=answer.status
        )


def signature(key: bytes, call_id: str, at: str, body: bytes) -> str:
    """HMAC-SHA256 of `id.timestamp.body`, in base64."""
    signed = b".".join((call_id.encode(), at.encode(), body))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def key_of(secret: str) -> bytes | None:
    """The key in a secret as Standard Webhooks writes it; None if it is none, or too short to be one."""
    if not secret.startswith(PREFIX):
        return None
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        return None
    return key if len(key) >= _FEWEST_BYTES else None
