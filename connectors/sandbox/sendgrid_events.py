"""SendGrid's event webhook: what happens to a mail, as signed JSON batches.

Source: SendGrid docs, "Event Webhook Reference" and "Getting Started with the Event Webhook Security
Features"; twilio/sendgrid-oai tsg_logs_v3 and tsg_webhooks_v3 (January 2026). The signature is ECDSA over
P-256 and SHA-256 of the timestamp followed by the raw body, base64 of DER.
"""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.sandbox.draws import digest, fraction
from connectors.sandbox.moments import HOUR, MINUTE
from connectors.sandbox.provider_config import Misfortune
from connectors.sandbox.provider_posts import Post, Result, Wire
from connectors.sandbox.wire import Request

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
BATCH_BYTES = 768 * 1024
DELIVERED, SILENT = "delivered", "silent"
# The webhook's switch for an event, where it is not called like it.
_SWITCHES = {"spamreport": "spam_report"}
_AGENT = "SendGrid Event API"
_BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0"
_IP = "192.0.2.25"

_PROCESSED: tuple[int, dict[str, Any]] = (1, {"event": "processed"})
_DELIVERY: tuple[int, dict[str, Any]] = (
    3,
    {"event": "delivered", "response": "250 2.0.0 OK", "ip": _IP, "tls": 1},
)
_HARD = {
    "event": "bounce",
    "type": "bounce",
    "status": "5.1.1",
    "reason": "550 5.1.1 The email account that you tried to reach does not exist.",
    "bounce_classification": "Invalid Address",
    "ip": _IP,
    "tls": 1,
}
_BLOCK = {
    "event": "bounce",
    "type": "blocked",
    "status": "4.7.1",
    "reason": "421 4.7.1 The sender's reputation is too low for this message.",
    "bounce_classification": "Reputation",
    "ip": _IP,
    "tls": 1,
}
_DELAY = {"event": "deferred", "response": "450 4.2.1 mailbox temporarily unavailable", "ip": _IP, "tls": 1}
# What happens to a mail, with the seconds after it was accepted.
OUTCOMES: Mapping[str, tuple[tuple[int, dict[str, Any]], ...]] = {
    DELIVERED: (_PROCESSED, _DELIVERY),
    "bounced": (_PROCESSED, (3, _HARD)),
    "blocked": (_PROCESSED, (3, _BLOCK)),
    "deferred": (
        _PROCESSED,
        (3, {**_DELAY, "attempt": "1"}),
        (5 * MINUTE, {**_DELAY, "attempt": "2"}),
        (20 * MINUTE, _DELIVERY[1]),
    ),
    "dropped": ((1, {"event": "dropped", "reason": "Bounced Address"}),),
    "dropped-invalid": ((1, {"event": "dropped", "reason": "Invalid"}),),
    "dropped-spam": ((1, {"event": "dropped", "reason": "Spam Reporting Address"}),),
    "dropped-unsubscribed": ((1, {"event": "dropped", "reason": "Unsubscribed Address"}),),
    "dropped-quota": ((1, {"event": "dropped", "reason": "Recipient List over Package Quota"}),),
    "complained": (_PROCESSED, _DELIVERY, (HOUR, {"event": "spamreport"})),
    "unsubscribed": (_PROCESSED, _DELIVERY, (HOUR, {"event": "unsubscribe"})),
    "opened": (_PROCESSED, _DELIVERY, (HOUR, {"event": "open"})),
    "machine-opened": (_PROCESSED, _DELIVERY, (MINUTE, {"event": "open", "sg_machine_open": True})),
    "clicked": (_PROCESSED, _DELIVERY, (HOUR, {"event": "click"})),
    SILENT: (),
}
_BY_CHANCE = ("bounced", "blocked", "deferred", "dropped", "complained", "unsubscribed")


def draw_outcome(key: str, seed: int, share: Misfortune) -> str:
    """What becomes of a mail when nobody ordered anything."""
    drawn = digest(seed, f"outcome:{key}")
    left = fraction(drawn, 0)
    for outcome in _BY_CHANCE:
        left -= getattr(share, outcome)
        if left < 0:
            return outcome
    return DELIVERED


def happenings(
    outcome: str, mail: Mapping[str, Any], *, accepted_at: int, seed: int, share: Misfortune
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The events of an accepted mail, in order, as they will be posted.

    Args:
        mail: `to`, `id` (its sg_message_id), `custom_args`, `categories`, `opens` and `clicks` (whether
            they are tracked) and its first `link`.
    """
    drawn = digest(seed, f"reader:{mail['id']}")
    steps = list(OUTCOMES[outcome])
    if outcome == DELIVERED and mail["opens"] and fraction(drawn, 0) < share.opened:
        steps.append((HOUR, {"event": "open"}))
    if outcome == DELIVERED and mail["clicks"] and fraction(drawn, 1) < share.clicked:
        steps.append((HOUR + MINUTE, {"event": "click"}))
    for number, (after, event) in enumerate(steps):
        at = accepted_at + after
        yield at, {**mail["custom_args"], **_written(event, mail, number, at)}


def new_key() -> str:
    """A private key of the curve that SendGrid signs with, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    kind, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(kind, form, serialization.NoEncryption()).decode()


def public_key(pem: str) -> str:
    """The public half as SendGrid shows it: base64 of DER, without PEM's lines."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return b64encode(_load(pem).public_key().public_bytes(serialization.Encoding.DER, form)).decode()


def signed(url: str, pem: str, events: Sequence[Mapping[str, Any]], now: int) -> Request:
    """A batch as a request; without signature when the webhook has no key."""
    # SendGrid ends lines and body with CRLF: whoever strips the body fails its signature.
    body = (
        "[" + ",\r\n".join(json.dumps(event, separators=(",", ":")) for event in events) + "]\r\n"
    ).encode()
    headers = {"User-Agent": _AGENT, "Content-Type": "application/json"}
    if pem:
        signature = _load(pem).sign(str(now).encode() + body, ec.ECDSA(hashes.SHA256()))
        headers |= {SIGNATURE: b64encode(signature).decode(), TIMESTAMP: str(now)}
    return Request("POST", url, headers, body)


def carry(
    wire: Wire, posts: Sequence[Post], *, now: int, webhooks: Sequence[Mapping[str, Any]]
) -> dict[str, Result]:
    """Post events to every webhook that wants them, in batches; any that fails brings them back to all."""
    results = {post.key: Result(0) for post in posts}
    for webhook in webhooks:
        wanted = [post for post in posts if webhook["enabled"] and webhook.get(_switch(post.event))]
        for batch in _batches(wanted):
            events = [post.event for post in batch]
            status, _ = wire.send(signed(webhook["url"], webhook["key"], events, now))
            for post in batch:
                is_failed = not 200 <= status < 300
                if is_failed or not results[post.key].is_retried:
                    results[post.key] = Result(status, is_failed)
    return results


def _load(pem: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _written(event: Mapping[str, Any], mail: Mapping[str, Any], number: int, at: int) -> dict[str, Any]:
    identity = urlsafe_b64encode(digest(number, f"event:{mail['id']}")[:16]).decode().rstrip("=")
    common = {"email": mail["to"], "timestamp": at, "sg_event_id": identity, "sg_message_id": mail["id"]}
    if mail["categories"]:
        common["category"] = mail["categories"]
    return {**common, **_EXTRAS.get(event["event"], _by_smtp)(mail), **event}


def _by_smtp(mail: Mapping[str, Any]) -> dict[str, Any]:
    return {"smtp-id": f"<{mail['id'].split('.')[0]}@geopod-ismtpd-1>"}


def _by_reader(_mail: Mapping[str, Any]) -> dict[str, Any]:
    return {"ip": _IP, "useragent": _BROWSER}


def _by_open(mail: Mapping[str, Any]) -> dict[str, Any]:
    return {**_by_reader(mail), "sg_machine_open": False, "sg_content_type": "html"}


def _by_click(mail: Mapping[str, Any]) -> dict[str, Any]:
    return {**_by_reader(mail), "url": mail["link"], "url_offset": {"index": 0, "type": "html"}}


def _by_complaint(_mail: Mapping[str, Any]) -> dict[str, Any]:
    return {}


_EXTRAS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "open": _by_open,
    "click": _by_click,
    "unsubscribe": _by_reader,
    "spamreport": _by_complaint,
}


def _switch(event: Mapping[str, Any]) -> str:
    name = str(event["event"])
    return _SWITCHES.get(name, name)


def _batches(posts: Sequence[Post]) -> Iterator[list[Post]]:
    """By the size at which SendGrid closes a batch."""
    batch: list[Post] = []
    size = 0
    for post in posts:
        length = len(json.dumps(post.event)) + 3
        if batch and size + length > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(post)
        size += length
    if batch:
        yield batch
