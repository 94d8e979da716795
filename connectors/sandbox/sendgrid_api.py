"""The emulated SendGrid: API v3 under ``/sendgrid``, so that SENDGRID_API_URL is that address.

Source: twilio/sendgrid-oai (January 2026), SendGrid docs "Rate Limits" and "Authentication".
"""

from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any, NamedTuple

from flask import Blueprint, Response, request

from connectors.sandbox import (
    sendgrid_account,
    sendgrid_logs,
    sendgrid_send,
    sendgrid_stats,
    sendgrid_webhooks,
)
from connectors.sandbox.provider_config import SENDGRID
from connectors.sandbox.provider_faults import READ, SEND, Aim, answer_under, page
from connectors.sandbox.provider_state import Providers
from connectors.sandbox.sendgrid_calls import Call, refuse_plainly

PREFIX = "/sendgrid"
MOST_BYTES = 30_000_000
_SETTINGS = "/v3/user/webhooks/event/settings"


class Route(NamedTuple):
    """What answers a call, and the key's scope that it needs."""

    method: str
    rule: str
    scope: str
    view: Callable[[Call], Response]


ROUTES = (
    Route("POST", "/v3/mail/send", "mail.send", sendgrid_send.send_mail),
    Route("GET", "/v3/scopes", "", sendgrid_account.list_scopes),
    Route("GET", "/v3/whitelabel/domains", "whitelabel.read", sendgrid_account.list_domains),
    Route(
        "POST",
        "/v3/whitelabel/domains/<domain_id>/validate",
        "whitelabel.update",
        sendgrid_account.validate_domain,
    ),
    Route("GET", "/v3/stats", "stats.read", sendgrid_stats.show_stats),
    Route("POST", "/v3/logs", "messages.read", sendgrid_logs.find_messages),
    Route("GET", "/v3/logs/<message_id>", "messages.read", sendgrid_logs.show_message),
    Route("POST", _SETTINGS, "user.webhooks.event.settings.update", sendgrid_webhooks.create),
    Route("GET", f"{_SETTINGS}/all", "user.webhooks.event.settings.read", sendgrid_webhooks.list_all),
    Route("GET", f"{_SETTINGS}/<webhook_id>", "user.webhooks.event.settings.read", sendgrid_webhooks.show),
    Route(
        "PATCH", f"{_SETTINGS}/<webhook_id>", "user.webhooks.event.settings.update", sendgrid_webhooks.edit
    ),
    Route(
        "DELETE", f"{_SETTINGS}/<webhook_id>", "user.webhooks.event.settings.delete", sendgrid_webhooks.delete
    ),
    Route(
        "GET",
        f"{_SETTINGS}/signed/<webhook_id>",
        "user.webhooks.event.settings.read",
        sendgrid_webhooks.show_key,
    ),
    Route(
        "PATCH",
        f"{_SETTINGS}/signed/<webhook_id>",
        "user.webhooks.event.settings.update",
        sendgrid_webhooks.switch_key,
    ),
    Route("POST", "/v3/user/webhooks/event/test", "user.webhooks.event.test.create", sendgrid_webhooks.test),
    Route("GET", "/v3/suppression/<name>", "suppression.read", sendgrid_account.list_suppressed),
    Route("GET", "/v3/suppression/<name>/<email>", "suppression.read", sendgrid_account.show_suppressed),
    Route("DELETE", "/v3/suppression/<name>/<email>", "suppression.delete", sendgrid_account.unsuppress),
    Route(
        "POST",
        "/v3/asm/suppressions/global",
        "asm.suppressions.global.create",
        sendgrid_account.suppress_globally,
    ),
    Route(
        "GET",
        "/v3/asm/suppressions/global/<email>",
        "asm.suppressions.global.read",
        sendgrid_account.show_global,
    ),
    Route(
        "DELETE",
        "/v3/asm/suppressions/global/<email>",
        "asm.suppressions.global.delete",
        sendgrid_account.unsuppress_globally,
    ),
)


def blueprint(providers: Providers) -> Blueprint:
    """Everything under ``/sendgrid``."""
    pages = Blueprint("sandbox_sendgrid", __name__, url_prefix=PREFIX)
    pace = _Pace(providers)
    for route in ROUTES:
        view = partial(_serve, providers, pace, route)
        pages.add_url_rule(route.rule, route.view.__name__, view, methods=[route.method])
    return pages


class _Pace:
    """SendGrid's rate limit: so many calls in each second of real time."""

    def __init__(self, providers: Providers) -> None:
        self._providers = providers
        self._lock = Lock()
        self._second = 0
        self._used = 0

    def take(self) -> tuple[bool, dict[str, str]]:
        """Whether a call is within the limit, and the headers that tell of it."""
        limit = self._providers.settings.calls_per_second
        with self._lock:
            second = int(self._providers.real_now())
            if second != self._second:
                self._second, self._used = second, 0
            self._used += 1
            used = self._used
        left = max(0, limit - used)
        told = {"Limit": limit, "Remaining": left, "Reset": second + 1}
        return used <= limit, {f"X-RateLimit-{name}": str(value) for name, value in told.items()}


def _serve(providers: Providers, pace: _Pace, route: Route, **found: str) -> Response:
    body = request.get_json(silent=True, force=True)
    is_send = route.view is sendgrid_send.send_mail
    mid, to = sendgrid_send.aim_of(body) if is_send else ("", "")
    aim = Aim(SENDGRID, SEND if is_send else READ, mid, to)
    call = Call(providers, body, request.args, found)
    return answer_under(providers.faults, aim, lambda: _answer(pace, route, call))


def _answer(pace: _Pace, route: Route, call: Call) -> Response:
    if (request.content_length or 0) > MOST_BYTES:
        return page(413, "413 Request Entity Too Large")
    is_within, headers = pace.take()
    given = _refusal(route, call) if is_within else refuse_plainly(429, "too many requests")
    answered = given or route.view(call)
    answered.headers.extend(headers)
    return answered


def _refusal(route: Route, call: Call) -> Response | None:
    settings: Any = call.providers.settings
    key = request.headers.get("Authorization", "")
    if not key:
        return refuse_plainly(401, "authorization required")
    if key != f"Bearer {settings.sendgrid_api_key}":
        return refuse_plainly(401, "The provided authorization grant is invalid, expired, or revoked")
    if route.scope and route.scope not in settings.scopes:
        return refuse_plainly(403, "access forbidden")
    return None
