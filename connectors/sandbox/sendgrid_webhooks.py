"""SendGrid's event webhook settings: where events are posted, which ones, and with whose key."""

from typing import Any

from flask import Response

from connectors.sandbox.draws import digest
from connectors.sandbox.moments import rfc3339
from connectors.sandbox.provider_posts import Wire
from connectors.sandbox.provider_state import WEBHOOK
from connectors.sandbox.sendgrid_calls import Call, answer, refuse_plainly
from connectors.sandbox.sendgrid_events import new_key, public_key, signed

EVENTS = (
    *("processed", "dropped", "delivered", "deferred", "bounce", "open", "click", "spam_report"),
    *("unsubscribe", "group_unsubscribe", "group_resubscribe", "account_status_change"),
)
_SHOWN = ("enabled", "url", *EVENTS, "friendly_name", "id", "created_date", "updated_date")
_MISSING = "no webhook with this id"


def create(call: Call) -> Response:
    """POST /v3/user/webhooks/event/settings; what is not named is off, as is the signature."""
    known, allowed = call.providers.webhooks, call.providers.settings.webhooks_allowed
    if len(known) >= allowed:
        return refuse_plainly(400, f"You have reached the maximum of {allowed} event webhooks")
    now = rfc3339(call.providers.now())
    webhook: dict[str, Any] = {"enabled": True, "url": "", **dict.fromkeys(EVENTS, False)}
    problem = _take(webhook, call.body)
    if problem:
        return refuse_plainly(400, problem)
    drawn = digest(call.providers.seed, f"webhook:{now}:{len(known)}:{webhook['url']}").hex()
    webhook["id"] = f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-a{drawn[17:20]}-{drawn[20:32]}"
    webhook |= {"created_date": now, "updated_date": now, "key": ""}
    call.providers.remember(WEBHOOK, **webhook)
    return answer(_shown(webhook), 201)


def list_all(call: Call) -> Response:
    """GET …/all: every webhook and how many the plan allows."""
    webhooks = [
        {**_shown(one), "public_key": public_key(one["key"]) if one["key"] else ""}
        for one in call.providers.webhooks.values()
    ]
    return answer({"max_allowed": call.providers.settings.webhooks_allowed, "webhooks": webhooks})


def show(call: Call) -> Response:
    """GET …/<id>."""
    found = _find(call)
    return answer(_shown(found)) if found else refuse_plainly(404, _MISSING)


def edit(call: Call) -> Response:
    """PATCH …/<id>."""
    found = _find(call)
    if not found:
        return refuse_plainly(404, _MISSING)
    webhook = {**found, "updated_date": rfc3339(call.providers.now())}
    problem = _take(webhook, call.body)
    if problem:
        return refuse_plainly(400, problem)
    call.providers.remember(WEBHOOK, **webhook)
    return answer(_shown(webhook))


def delete(call: Call) -> Response:
    """DELETE …/<id>."""
    found = _find(call)
    if not found:
        return refuse_plainly(404, _MISSING)
    call.providers.remember(WEBHOOK, id=found["id"], is_deleted=True)
    return answer(None, 204)


def show_key(call: Call) -> Response:
    """GET …/signed/<id>: the public key, empty while posts are not signed."""
    found = _find(call)
    return _shown_key(found) if found else refuse_plainly(404, _MISSING)


def switch_key(call: Call) -> Response:
    """PATCH …/signed/<id> {"enabled"}: every switching on makes a new key."""
    found = _find(call)
    if not found:
        return refuse_plainly(404, _MISSING)
    is_on = isinstance(call.body, dict) and call.body.get("enabled") is True
    webhook = {**found, "key": new_key() if is_on else ""}
    call.providers.remember(WEBHOOK, **webhook)
    return _shown_key(webhook)


def test(call: Call) -> Response:
    """POST /v3/user/webhooks/event/test {"url", "id"}: a few made-up events, signed when the id's are."""
    given = call.body if isinstance(call.body, dict) else {}
    if not _is_url(given.get("url")):
        return refuse_plainly(400, "url is required", "url")
    now = call.providers.now()
    common = {"email": "example@test.com", "timestamp": now, "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>"}
    events = [
        {**common, "event": name, "sg_event_id": f"test-{name}", "sg_message_id": "14c5d75ce93.dfd.64b469.0"}
        for name in ("processed", "deferred", "delivered")
    ]
    key = call.providers.webhooks.get(str(given.get("id")), {}).get("key", "")
    wire = Wire()
    wire.send(signed(given["url"], key, events, now))
    wire.close()
    return answer(None, 204)


def _find(call: Call) -> dict[str, Any] | None:
    return call.providers.webhooks.get(call.found["webhook_id"])


def _take(webhook: dict[str, Any], body: object) -> str:
    """Put the wishes of a call into a webhook; what is wrong with them, or nothing."""
    given = body if isinstance(body, dict) else {}
    for name in ("enabled", *EVENTS):
        if not isinstance(given.get(name, False), bool):
            return f"{name} must be a boolean"
        webhook[name] = given.get(name, webhook[name])
    webhook["url"] = given.get("url", webhook["url"])
    webhook["friendly_name"] = given.get("friendly_name", webhook.get("friendly_name", ""))
    return "" if _is_url(webhook["url"]) else "url must be an absolute URL"


def _is_url(url: object) -> bool:
    return isinstance(url, str) and url.startswith(("http://", "https://"))


def _shown(webhook: dict[str, Any]) -> dict[str, Any]:
    return {name: webhook[name] for name in _SHOWN if name in webhook}


def _shown_key(webhook: dict[str, Any]) -> Response:
    return answer({"id": webhook["id"], "public_key": public_key(webhook["key"]) if webhook["key"] else ""})
