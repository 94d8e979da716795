"""POST /v3/mail/send: check, log every recipient's mail, plan what will happen to it, answer 202."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from flask import Response

from connectors.sandbox.draws import digest
from connectors.sandbox.moments import rfc3339
from connectors.sandbox.provider_config import SENDGRID
from connectors.sandbox.provider_posts import plan_posts
from connectors.sandbox.provider_state import Providers
from connectors.sandbox.sendgrid_calls import Call, answer, refuse, refuse_plainly
from connectors.sandbox.sendgrid_events import OUTCOMES, draw_outcome, happenings
from connectors.sandbox.sendgrid_mail import Problem, problems_of

_LINK = re.compile(r"https?://[^\s\"'<>()]+")
_UNVERIFIED = (
    "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is "
    "resolved. Visit https://sendgrid.com/docs/for-developers/sending-email/sender-identity/ to see the "
    "Sender Identity requirements"
)


def aim_of(body: object) -> tuple[str, str]:
    """Our id and the first recipient of a mail that nobody has looked at yet."""
    given = body.get("personalizations") if isinstance(body, dict) else None
    first = given[0] if isinstance(given, list) and given and isinstance(given[0], dict) else {}
    to = first.get("to")
    recipient = to[0] if isinstance(to, list) and to and isinstance(to[0], dict) else {}
    mid = _custom_args(body, first).get("mid", "") if isinstance(body, dict) else ""
    return str(mid), str(recipient.get("email", ""))


def send_mail(call: Call) -> Response:
    """Accept a mail, or say why not."""
    providers, mail = call.providers, call.body
    problems = problems_of(mail, providers.now())
    if problems:
        return refuse(400, problems)
    if not _is_verified(providers, mail["from"]["email"].lower()):
        return refuse(403, [Problem(_UNVERIFIED, "from")])
    if _is_on(mail, "mail_settings", "sandbox_mode"):
        return answer(None)
    recipients = len(mail["personalizations"])
    if 0 <= providers.settings.credits_left < recipients:
        return refuse_plainly(401, "Maximum credits exceeded")
    if providers.settings.credits_left > 0:
        providers.change({"credits_left": providers.settings.credits_left - recipients})
    received = _received_id(providers)
    lines = [
        _line(providers, mail, one, f"{received}.recvd-85abf8d92c-3qfgp-2-7890E356-43C.{place}")
        for place, one in enumerate(mail["personalizations"])
    ]
    providers.accept(lines)
    return answer(None, 202, {"X-Message-Id": received})


def _is_verified(providers: Providers, email: str) -> bool:
    settings = providers.settings
    return email in settings.verified_senders or email.rpartition("@")[2] in settings.verified_domains


def _received_id(providers: Providers) -> str:
    """22 characters, as SendGrid's are; taken from the seed, so that no two calls share one."""
    drawn = digest(providers.seed, f"received:{providers.next_draw()}")
    return urlsafe_b64encode(drawn[:16]).decode().rstrip("=")


def _line(
    providers: Providers, mail: Mapping[str, Any], one: Mapping[str, Any], message_id: str
) -> dict[str, Any]:
    to, custom_args = one["to"][0]["email"], _custom_args(mail, one)
    mid, now = custom_args.get("mid", ""), providers.now()
    key = f"{SENDGRID}:{message_id}"
    chance = f"{SENDGRID}:{mid or message_id}:{to}"
    outcome = providers.suppressions.drop_for(to) or providers.outcome_for(to, mid)
    share = providers.settings.misfortune
    outcome = outcome if outcome in OUTCOMES else draw_outcome(chance, providers.seed, share)
    written = {
        "to": to,
        "id": message_id,
        "custom_args": custom_args,
        "categories": mail.get("categories") or [],
        "opens": _is_on(mail, "tracking_settings", "open_tracking"),
        "clicks": _is_on(mail, "tracking_settings", "click_tracking"),
        "link": _first_link(mail),
    }
    since = max(now, one.get("send_at") or mail.get("send_at") or 0)
    happened = happenings(outcome, written, accepted_at=since, seed=providers.seed, share=share)
    return {
        "provider": SENDGRID,
        "mid": mid,
        "to": to,
        "id": message_id,
        "at": rfc3339(now),
        "accepted_at": now,
        "outcome": outcome,
        "sent": {**mail, "personalizations": [one]},
        "plan": plan_posts(happened, key=key, seed=providers.seed, share=share),
    }


def _custom_args(mail: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the whole mail, under those of the recipient."""
    merged: dict[str, Any] = {}
    for holder in (mail, one):
        given = holder.get("custom_args")
        merged |= given if isinstance(given, dict) else {}
    return merged


def _is_on(mail: Mapping[str, Any], settings: str, name: str) -> bool:
    return bool(mail.get(settings, {}).get(name, {}).get("enable"))


def _first_link(mail: Mapping[str, Any]) -> str:
    for block in mail.get("content") or []:
        found = _LINK.search(block["value"])
        if found:
            return found.group()
    return "https://example.com/"
