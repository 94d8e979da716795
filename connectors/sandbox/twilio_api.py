"""The emulated Twilio: its 2010 API and its messaging services under ``/twilio``, on one address.

Source: twilio/twilio-oai (April 2026). Both parts answer under TWILIO_API_URL, which at Twilio are two hosts.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from flask import Blueprint, Response, jsonify, request

from connectors.sandbox import twilio_messages
from connectors.sandbox.moments import aware
from connectors.sandbox.provider_config import TWILIO
from connectors.sandbox.provider_faults import READ, SEND, Aim, answer_under
from connectors.sandbox.provider_state import SETTINGS, Providers
from connectors.sandbox.twilio_callbacks import API_VERSION
from connectors.sandbox.twilio_rules import Refusal

PREFIX = "/twilio"
_ACCOUNT = f"/{API_VERSION}/Accounts/<account_sid>"
_CREATED = 1_767_225_600


class Call(NamedTuple):
    """A call as its resource sees it."""

    providers: Providers
    found: Mapping[str, str]


View = Callable[[Call], Any]


def blueprint(providers: Providers) -> Blueprint:
    """Everything under ``/twilio``."""
    pages = Blueprint("sandbox_twilio", __name__, url_prefix=PREFIX)
    for method, rule, view, status in _ROUTES:
        serve = partial(_serve, providers, view, status)
        pages.add_url_rule(rule, view.__name__, serve, methods=[method])
    return pages


def send_message(call: Call) -> Any:
    """POST Messages.json."""
    form = {name: value for name, value in request.form.items() if name != "MediaUrl"}
    return twilio_messages.create(call.providers, form, request.form.getlist("MediaUrl"))


def show_message(call: Call) -> Any:
    """GET Messages/<sid>.json."""
    return twilio_messages.show(call.providers, call.found["sid"]) or _not_found()


def list_messages(call: Call) -> Any:
    """GET Messages.json?To=&From=&DateSent=&DateSent>=&DateSent<=&PageSize=&Page=."""
    path = request.path.removeprefix(PREFIX)
    return twilio_messages.list_page(call.providers, request.args.to_dict(), path)


def show_account(call: Call) -> Any:
    """GET Accounts/<sid>.json."""
    sid, stamp = call.providers.settings.account_sid, "Thu, 01 Jan 2026 00:00:00 +0000"
    uri = f"/{API_VERSION}/Accounts/{sid}"
    return {
        "sid": sid,
        "auth_token": call.providers.settings.auth_token,
        "friendly_name": "Sandbox",
        "owner_account_sid": sid,
        "status": "active",
        "type": "Full",
        "date_created": stamp,
        "date_updated": stamp,
        "subresource_uris": {"messages": f"{uri}/Messages.json"},
        "uri": f"{uri}.json",
    }


def show_service(call: Call) -> Any:
    """GET /v1/Services/<sid>."""
    if call.found["sid"] != call.providers.settings.service_sid:
        return _not_found()
    return _service(call.providers)


def edit_service(call: Call) -> Any:
    """POST /v1/Services/<sid> InboundRequestUrl=&StatusCallback=."""
    if call.found["sid"] != call.providers.settings.service_sid:
        return _not_found()
    names = {"InboundRequestUrl": "inbound_url", "StatusCallback": "status_url"}
    wishes = {names[name]: value for name, value in request.form.items() if name in names}
    call.providers.remember(SETTINGS, **wishes)
    return _service(call.providers)


def _serve(providers: Providers, view: View, status: int, **found: str) -> Response:
    call = Call(providers, found)
    mid, to = twilio_messages.aim_of(request.form) if view is send_message else ("", "")
    aim = Aim(TWILIO, SEND if view is send_message else READ, mid, to)
    return answer_under(providers.faults, aim, lambda: _answer(call, view, status))


def _answer(call: Call, view: View, status: int) -> Response:
    body = _unauthorized(call) or view(call)
    if isinstance(body, Refusal):
        more = f"https://www.twilio.com/docs/errors/{body.code}"
        status = body.status
        body = {"code": body.code, "message": body.message, "more_info": more, "status": status}
    answer = jsonify(body)
    answer.status_code = status
    return answer


def list_service_numbers(call: Call) -> Any:
    """GET /v1/Services/<sid>/PhoneNumbers."""
    numbers = call.providers.settings.from_numbers
    return _senders(call, "phone_numbers", [{"phone_number": number} for number in numbers])


def list_short_codes(call: Call) -> Any:
    """GET /v1/Services/<sid>/ShortCodes: there are none."""
    return _senders(call, "short_codes", [])


def list_alpha_senders(call: Call) -> Any:
    """GET /v1/Services/<sid>/AlphaSenders: there are none."""
    return _senders(call, "alpha_senders", [])


def _senders(call: Call, key: str, listed: list[dict[str, str]]) -> Any:
    settings = call.providers.settings
    if call.found["sid"] != settings.service_sid:
        return _not_found()
    of_service = {"account_sid": settings.account_sid, "service_sid": settings.service_sid}
    url = request.base_url
    meta = {
        "page": 0,
        "page_size": 50,
        "first_page_url": f"{url}?PageSize=50&Page=0",
        "previous_page_url": None,
        "next_page_url": None,
        "url": f"{url}?PageSize=50&Page=0",
        "key": key,
    }
    return {key: [of_service | one for one in listed], "meta": meta}


def _unauthorized(call: Call) -> Refusal | None:
    settings, given = call.providers.settings, request.authorization
    known = {(settings.account_sid, settings.auth_token), (settings.api_key_sid, settings.api_key_secret)}
    if given is None or (given.username, given.password) not in known:
        return Refusal(20003, "Authenticate", 401)
    if call.found.get("account_sid", settings.account_sid) != settings.account_sid:
        return _not_found()
    return None


def _not_found() -> Refusal:
    path = request.path.removeprefix(PREFIX)
    return Refusal(20404, f"The requested resource {path} was not found", 404)


def _service(providers: Providers) -> dict[str, Any]:
    settings = providers.settings
    url = f"{request.host_url}{PREFIX[1:]}/v1/Services/{settings.service_sid}"
    stamp = aware(_CREATED).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "sid": settings.service_sid,
        "account_sid": settings.account_sid,
        "friendly_name": "Sandbox",
        "date_created": stamp,
        "date_updated": stamp,
        "inbound_request_url": settings.inbound_url or None,
        "inbound_method": "POST",
        "fallback_url": None,
        "fallback_method": "POST",
        "status_callback": settings.status_url or None,
        "sticky_sender": True,
        "mms_converter": True,
        "smart_encoding": False,
        "scan_message_content": "inherit",
        "fallback_to_long_code": False,
        "area_code_geomatch": False,
        "synchronous_validation": False,
        "validity_period": 36000,
        "url": url,
        "links": {"phone_numbers": f"{url}/PhoneNumbers", "alpha_senders": f"{url}/AlphaSenders"},
        "usecase": "marketing",
        "us_app_to_person_registered": False,
        "use_inbound_webhook_on_number": False,
    }


_ROUTES: tuple[tuple[str, str, View, int], ...] = (
    ("POST", f"{_ACCOUNT}/Messages.json", send_message, 201),
    ("GET", f"{_ACCOUNT}/Messages.json", list_messages, 200),
    ("GET", f"{_ACCOUNT}/Messages/<sid>.json", show_message, 200),
    ("GET", f"{_ACCOUNT}.json", show_account, 200),
    ("GET", "/v1/Services/<sid>", show_service, 200),
    ("POST", "/v1/Services/<sid>", edit_service, 200),
    ("GET", "/v1/Services/<sid>/PhoneNumbers", list_service_numbers, 200),
    ("GET", "/v1/Services/<sid>/ShortCodes", list_short_codes, 200),
    ("GET", "/v1/Services/<sid>/AlphaSenders", list_alpha_senders, 200),
)
