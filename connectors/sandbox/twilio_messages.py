"""Twilio's messages: sent, shown as their status goes on, and listed by recipient and day.

Source: twilio/twilio-oai, api_v2010 (April 2026); Twilio docs, "Messages resource".
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

from connectors.sandbox.draws import digest
from connectors.sandbox.moments import DAY, aware, rfc3339
from connectors.sandbox.provider_config import TWILIO
from connectors.sandbox.provider_posts import plan_posts
from connectors.sandbox.provider_state import Providers
from connectors.sandbox.twilio_callbacks import API_VERSION, OUTCOMES, SENT, draw_outcome, happenings
from connectors.sandbox.twilio_rules import Asked, Refusal, refusal_of
from connectors.sandbox.twilio_segments import count_segments

_PAGE, _MOST = 50, 1000
_ACCEPTED, _SCHEDULED, _QUEUED = "accepted", "scheduled", "queued"
_TEXTS = {
    30001: "Queue overflow",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
}
# What each segment costs here; Twilio fills it in once the message is sent.
_PRICE = 0.075


def aim_of(form: Mapping[str, str]) -> tuple[str, str]:
    """Our id, which travels in the callback's query, and the recipient of a message."""
    query = parse_qs(form.get("StatusCallback", "").partition("#")[0].partition("?")[2])
    return (query.get("m") or query.get("mid") or [""])[0], form.get("To", "")


def create(providers: Providers, form: Mapping[str, str], media: list[str]) -> dict[str, Any] | Refusal:
    """Accept a message and give the resource as it is answered, or say why not."""
    settings = providers.settings
    refusal = refusal_of(Asked(form, media, settings, providers.opted_out, providers.now()))
    if refusal:
        return refusal
    mid, to = aim_of(form)
    now, share = providers.now(), settings.misfortune
    resource = _resource(providers, form, media, now)
    key = f"{TWILIO}:{resource['sid']}"
    outcome = providers.outcome_for(to, mid)
    chance = f"{TWILIO}:{mid or resource['sid']}:{to}"
    outcome = outcome if outcome in OUTCOMES else draw_outcome(chance, providers.seed, share)
    url = form.get("StatusCallback") or settings.status_url
    since = int(datetime.fromisoformat(form["SendAt"]).timestamp()) if form.get("SendAt") else now
    happened = happenings(outcome, resource, url, since)
    line = {
        "provider": TWILIO,
        "mid": mid,
        "to": to,
        "id": resource["sid"],
        "at": rfc3339(now),
        "accepted_at": now,
        "outcome": outcome,
        "sent": {**form, **({"MediaUrl": media} if media else {})},
        "message": resource,
        "plan": plan_posts(happened, key=key, seed=providers.seed, share=share),
    }
    providers.accept([line])
    return _public(resource)


def show(providers: Providers, sid: str) -> dict[str, Any] | None:
    """A message as it stands now."""
    found = (line for line in providers.log.find(provider=TWILIO) if line["id"] == sid)
    line = next(found, None)
    return _current(providers, line) if line else None


def list_page(providers: Providers, query: Mapping[str, str], path: str) -> dict[str, Any] | Refusal:
    """A page of messages, newest first, with the relative addresses of its neighbours."""
    given_size, given_page = query.get("PageSize", str(_PAGE)), query.get("Page", "0")
    if not (given_size.isdigit() and given_page.isdigit() and 1 <= int(given_size) <= _MOST):
        return Refusal(20001, f"PageSize is from 1 to {_MOST}, Page from 0")
    try:
        found = list(_matching(providers, query))
    except ValueError as error:
        return Refusal(20001, str(error))
    size, page = int(given_size), int(given_page)
    start = size * page
    shown = found[start : start + size]
    filters = {name: value for name, value in query.items() if name not in {"Page", "PageToken", "PageSize"}}

    def address(number: int) -> str:
        token = (
            {"PageToken": f"PA{found[size * number - 1]['sid']}"} if 0 < number * size <= len(found) else {}
        )
        return f"{path}?{urlencode({**filters, 'PageSize': size, 'Page': number, **token})}"

    return {
        "first_page_uri": address(0),
        "next_page_uri": address(page + 1) if start + size < len(found) else None,
        "previous_page_uri": address(page - 1) if page else None,
        "uri": address(page),
        "page": page,
        "page_size": size,
        "start": start,
        "end": max(start + len(shown) - 1, 0),
        "messages": shown,
    }


def _resource(providers: Providers, form: Mapping[str, str], media: list[str], now: int) -> dict[str, Any]:
    settings = providers.settings
    sid = ("MM" if media else "SM") + digest(providers.seed, f"sid:{providers.next_draw()}").hex()[:32]
    service = form.get("MessagingServiceSid") or None
    status = _SCHEDULED if form.get("SendAt") else _ACCEPTED if service else _QUEUED
    stamp, uri = _stamp(now), f"/{API_VERSION}/Accounts/{settings.account_sid}/Messages/{sid}"
    return {
        "account_sid": settings.account_sid,
        "api_version": API_VERSION,
        "body": form.get("Body", ""),
        "date_created": stamp,
        "date_sent": None,
        "date_updated": stamp,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": form.get("From") or None,
        "messaging_service_sid": service,
        "num_media": str(len(media)),
        "num_segments": "0" if service else str(count_segments(form.get("Body", ""))),
        "price": None,
        "price_unit": None,
        "sid": sid,
        "status": status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": form["To"],
        "uri": f"{uri}.json",
        "sender": settings.from_numbers[0] if settings.from_numbers else "",
    }


def _matching(providers: Providers, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    bounds = [(test, _day(query[name])) for name, test in _DATES.items() if query.get(name)]
    for line in reversed(list(providers.log.find(provider=TWILIO, to=query.get("To", "")))):
        message = _current(providers, line)
        if query.get("From") not in {None, "", message["from"]}:
            continue
        sent_at = _sent_at(line) if message["date_sent"] else None
        if all(sent_at is not None and test(sent_at, bound) for test, bound in bounds):
            yield message


def _sent_at(line: Mapping[str, Any]) -> int:
    return next(int(planned["at"]) for planned in line["plan"] if planned["event"]["status"] == SENT)


_DATES: Mapping[str, Callable[[int, int], bool]] = {
    "DateSent": lambda sent_at, bound: bound <= sent_at < bound + DAY,
    "DateSent>": lambda sent_at, bound: sent_at >= bound,
    "DateSent<": lambda sent_at, bound: sent_at <= bound,
}


def _day(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _current(providers: Providers, line: Mapping[str, Any]) -> dict[str, Any]:
    """The resource after what has happened by now."""
    message = dict(line["message"])
    for planned in line["plan"]:
        if planned["key"].endswith(":again") or not providers.has_happened(planned):
            continue
        code, status = planned["event"]["error_code"], planned["event"]["status"]
        message |= {
            "status": status,
            "error_code": code,
            "error_message": _TEXTS.get(code) if code else None,
            "date_updated": _stamp(planned["at"]),
            "from": message["from"] or message["sender"],
            "num_segments": str(count_segments(message["body"])),
        }
        if status == SENT:
            message |= {"date_sent": _stamp(planned["at"]), "price": _price(message), "price_unit": "USD"}
    return _public(message)


def _price(message: Mapping[str, Any]) -> str:
    return f"-{_PRICE * int(message['num_segments']):.5f}"


def _public(message: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name != "sender"}


def _stamp(seconds: int) -> str:
    """RFC 2822, as the 2010 API writes moments."""
    return format_datetime(aware(seconds))
