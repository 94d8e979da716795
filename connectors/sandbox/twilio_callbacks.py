"""What Twilio posts: status callbacks and messages that come in, signed over the exact URL.

Source: Twilio docs, "Webhooks security" (HMAC-SHA1 of the URL followed by the sorted parameters),
"Track the Message Status of Outbound Messages" and "Webhooks connection overrides" (2026): connect 5 s,
read 15 s, one retry on connect failures only; `#rc=5&rp=all` asks for more, and the fragment is not signed.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from hmac import digest as hmac_digest
from time import gmtime, strftime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from connectors.sandbox.draws import digest, fraction
from connectors.sandbox.provider_config import Misfortune
from connectors.sandbox.provider_posts import Post, Result, Wire
from connectors.sandbox.wire import Request

SIGNATURE = "X-Twilio-Signature"
API_VERSION = "2010-04-01"
DELIVERED, SILENT = "delivered", "silent"
QUEUED, SENT, UNDELIVERED, FAILED, READ = "queued", "sent", "undelivered", "failed", "read"
_MOST_RETRIES = 5
Step = tuple[int, str, int | None]

_SENT: tuple[Step, ...] = ((0, QUEUED, None), (1, SENT, None))
# What happens to a message: seconds after it was accepted, status, error code.
OUTCOMES: Mapping[str, tuple[Step, ...]] = {
    DELIVERED: (*_SENT, (3, DELIVERED, None)),
    "read": (*_SENT, (3, DELIVERED, None), (60, READ, None)),
    "sent": _SENT,
    "undelivered": (*_SENT, (3, UNDELIVERED, 30003)),
    "undelivered-blocked": (*_SENT, (3, UNDELIVERED, 30004)),
    "undelivered-unknown": (*_SENT, (3, UNDELIVERED, 30005)),
    "undelivered-landline": (*_SENT, (3, UNDELIVERED, 30006)),
    "undelivered-filtered": (*_SENT, (3, UNDELIVERED, 30007)),
    "undelivered-other": (*_SENT, (3, UNDELIVERED, 30008)),
    "failed": ((0, QUEUED, None), (1, FAILED, 30001)),
    "expired": ((0, QUEUED, None), (1, FAILED, 30036)),
    "template-needed": ((0, QUEUED, None), (1, FAILED, 63016)),
    SILENT: (),
}
_BY_CHANCE = (UNDELIVERED, FAILED)


def draw_outcome(key: str, seed: int, share: Misfortune) -> str:
    """What becomes of a message when nobody ordered anything."""
    left = fraction(digest(seed, f"outcome:{key}"), 0)
    for outcome in _BY_CHANCE:
        left -= getattr(share, outcome)
        if left < 0:
            return outcome
    return DELIVERED


def happenings(
    outcome: str, message: Mapping[str, Any], url: str, accepted_at: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The changes of a message's status, each with the callback that tells of it (none without a URL).

    Args:
        message: the resource as it was answered; its first status is not called back.
    """
    for after, status, code in OUTCOMES[outcome]:
        if status != message["status"]:
            at = accepted_at + after
            form = _form(message, status, code, at)
            yield at, {"status": status, "error_code": code, "url": url, "form": form}


def sign(url: str, form: Mapping[str, str], auth_token: str) -> str:
    """Twilio's signature of a form post; `url` without its fragment."""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return b64encode(hmac_digest(auth_token.encode(), signed.encode(), "sha1")).decode()


def send(wire: Wire, url: str, form: Mapping[str, str], auth_token: str) -> int:
    """Post a signed form, again as often as the URL asks for; the last status, 0 for no answer."""
    target, _, fragment = url.partition("#")
    wishes = dict(parse_qsl(fragment))
    wished = wishes.get("rc", "1")
    retries = min(int(wished), _MOST_RETRIES) if wished.isdecimal() else 1
    policy = wishes.get("rp", "ct").split(",")
    headers = {
        "User-Agent": "TwilioProxy/1.1",
        "Accept": "*/*",
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "I-Twilio-Idempotency-Token": sha256(repr((target, sorted(form.items()))).encode()).hexdigest()[:36],
        SIGNATURE: sign(target, form, auth_token),
    }
    request = Request("POST", target, headers, urlencode(form).encode())
    status = 0
    for _ in range(retries + 1):
        status, is_connected = wire.send(request)
        if not _is_retried(status, policy, is_connected=is_connected):
            break
    return status


def carry(wire: Wire, posts: Sequence[Post], auth_token: str) -> dict[str, Result]:
    """Post callbacks; what fails is lost, as at Twilio."""
    return {post.key: Result(_carry_one(wire, post.event, auth_token)) for post in posts}


def _carry_one(wire: Wire, event: Mapping[str, Any], auth_token: str) -> int:
    return send(wire, event["url"], event["form"], auth_token) if event["url"] else 0


def _is_retried(status: int, policy: Sequence[str], *, is_connected: bool) -> bool:
    if not is_connected:
        return True
    if status == 0:
        return bool({"rt", "all"} & set(policy))
    return status >= 400 and bool({f"{status // 100}xx", "all"} & set(policy))


def _form(message: Mapping[str, Any], status: str, code: int | None, at: int) -> dict[str, str]:
    form = {
        "SmsSid": message["sid"],
        "SmsStatus": status,
        "MessageSid": message["sid"],
        "MessageStatus": status,
        "To": message["to"],
        "From": message["from"] or message["sender"],
        "AccountSid": message["account_sid"],
        "ApiVersion": API_VERSION,
    }
    if message["messaging_service_sid"]:
        form["MessagingServiceSid"] = message["messaging_service_sid"]
    if status in {DELIVERED, UNDELIVERED}:
        form["RawDlrDoneDate"] = strftime("%y%m%d%H%M", gmtime(at))
    return form | ({"ErrorCode": str(code)} if code else {})
