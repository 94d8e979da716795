"""What a SendGrid account says of itself: its key's scopes, its sender domains, its suppression lists."""

from collections.abc import Iterator

from flask import Response

from connectors.sandbox.provider_state import LISTED
from connectors.sandbox.sendgrid_calls import Call, answer, refuse_plainly, whole_number
from connectors.sandbox.sendgrid_suppressions import GLOBAL, LISTS, entry_for

_PAGE = 500
_DOMAINS_PAGE = 50
_FOR_EVER = 1 << 62


def list_scopes(call: Call) -> Response:
    """GET /v3/scopes."""
    return answer({"scopes": list(call.providers.settings.scopes)})


def list_domains(call: Call) -> Response:
    """GET /v3/whitelabel/domains: valid ones and those whose DNS is not there yet."""
    wanted = call.query.get("domain")
    found = [
        _domain(number, name, is_valid=is_valid)
        for number, (name, is_valid) in _domains(call)
        if wanted in (None, name)
    ]
    start = whole_number(call, "offset", 0, _FOR_EVER)
    return answer(found[start : start + whole_number(call, "limit", _DOMAINS_PAGE, _FOR_EVER)])


def validate_domain(call: Call) -> Response:
    """POST /v3/whitelabel/domains/<id>/validate: each record, and what was found instead."""
    known = {str(number): is_valid for number, (_, is_valid) in _domains(call)}
    is_valid = known.get(call.found["domain_id"])
    if is_valid is None:
        return refuse_plainly(404, "domain not found")
    reason = None if is_valid else "Expected CNAME to point at SendGrid, but found nothing."
    results = {part: {"valid": is_valid, "reason": reason} for part in ("mail_cname", "dkim1", "dkim2")}
    return answer({"id": int(call.found["domain_id"]), "valid": is_valid, "validation_results": results})


def list_suppressed(call: Call) -> Response:
    """GET /v3/suppression/<list>?start_time=&end_time=&limit=&offset=, newest first."""
    name = call.found["name"]
    if name not in LISTS:
        return refuse_plainly(404, "not found")
    start = whole_number(call, "start_time", 0, _FOR_EVER)
    end = whole_number(call, "end_time", _FOR_EVER, _FOR_EVER)
    entries = [one for one in call.providers.suppressions.entries(name) if start <= one["created"] <= end]
    offset = whole_number(call, "offset", 0, _FOR_EVER)
    return answer(entries[offset : offset + whole_number(call, "limit", _PAGE, _PAGE)])


def show_suppressed(call: Call) -> Response:
    """GET /v3/suppression/<list>/<email>: a list of one or none."""
    if call.found["name"] not in LISTS:
        return refuse_plainly(404, "not found")
    found = call.providers.suppressions.find(call.found["name"], call.found["email"])
    return answer([found] if found else [])


def unsuppress(call: Call) -> Response:
    """DELETE /v3/suppression/<list>/<email>."""
    name, email = call.found["name"], call.found["email"]
    if name not in LISTS or not call.providers.suppressions.find(name, email):
        return refuse_plainly(404, "email does not exist")
    return _take_off(call, name, email)


def suppress_globally(call: Call) -> Response:
    """POST /v3/asm/suppressions/global: addresses that get no mail at all any more."""
    emails = call.body.get("recipient_emails") if isinstance(call.body, dict) else None
    if not isinstance(emails, list) or not all(isinstance(email, str) for email in emails):
        return refuse_plainly(400, "recipient_emails must be a list of addresses", "recipient_emails")
    now = call.providers.now()
    for email in emails:
        entry = entry_for(GLOBAL, email, now, {})
        call.providers.remember(LISTED, list=GLOBAL, email=email, entry=entry, at=now)
    return answer({"recipient_emails": emails}, 201)


def show_global(call: Call) -> Response:
    """GET /v3/asm/suppressions/global/<email>: an empty object when it is not on the list."""
    found = call.providers.suppressions.find(GLOBAL, call.found["email"])
    return answer({"recipient_email": call.found["email"]} if found else {})


def unsuppress_globally(call: Call) -> Response:
    """DELETE /v3/asm/suppressions/global/<email>."""
    return _take_off(call, GLOBAL, call.found["email"])


def _domains(call: Call) -> Iterator[tuple[int, tuple[str, bool]]]:
    """The account's domains by their ids, and whether their DNS is there."""
    settings = call.providers.settings
    known = [(name, True) for name in settings.verified_domains]
    known += [(name, False) for name in settings.pending_domains]
    yield from enumerate(known, 1)


def _take_off(call: Call, name: str, email: str) -> Response:
    call.providers.remember(LISTED, list=name, email=email, entry=None, at=call.providers.now())
    return answer(None, 204)


def _domain(number: int, name: str, *, is_valid: bool) -> dict[str, object]:
    account = "u1001.wl001.sendgrid.net"
    hosts = {
        "mail_cname": (f"em1001.{name}", account),
        "dkim1": (f"s1._domainkey.{name}", f"s1.domainkey.{account}"),
        "dkim2": (f"s2._domainkey.{name}", f"s2.domainkey.{account}"),
    }
    return {
        "id": number,
        "user_id": 1001,
        "subdomain": "em1001",
        "domain": name,
        "username": "sandbox",
        "ips": [],
        "custom_spf": False,
        "default": number == 1,
        "legacy": False,
        "automatic_security": True,
        "valid": is_valid,
        "dns": {
            part: {"valid": is_valid, "type": "cname", "host": host, "data": target}
            for part, (host, target) in hosts.items()
        },
    }
