"""SendGrid's Email Logs: what became of accepted mails, found by a small query language.

Source: twilio/sendgrid-oai tsg_logs_v3 (October 2025): conditions joined by AND over sg_message_id, subject,
to_email, status, reason, categories and sg_message_id_created_at. There is no search by custom_args.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import eq, ge, gt, le, lt
from typing import Any, NamedTuple

from flask import Response

from connectors.sandbox.moments import rfc3339
from connectors.sandbox.provider_config import SENDGRID
from connectors.sandbox.provider_state import Providers
from connectors.sandbox.sendgrid_calls import Call, answer, refuse_plainly

_MOST, _USUAL = 1000, 10
_CONDITION = re.compile(
    r"\s*(\w+)\s*(>=|<=|=|>|<|IN\b)\s*(\((?:[^()'\"]|'[^']*'|\"[^\"]*\")*\)|(?:TIMESTAMP\s*)?(?:\"[^\"]*\"|'[^']*'))\s*",
    re.IGNORECASE,
)
_TEXT = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_AND = re.compile(r"AND\b", re.IGNORECASE)
_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "sg_message_id": ("=",),
    "subject": ("=",),
    "to_email": ("=",),
    "status": ("IN",),
    "reason": ("=",),
    "categories": ("IN",),
    "sg_message_id_created_at": (">", "<", ">=", "<="),
}
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {"=": eq, ">": gt, "<": lt, ">=": ge, "<=": le}
# A mail's status by its latest event; what a reader does leaves it delivered.
_STATUS = {"processed": "processed", "dropped": "dropped", "deferred": "deferred", "delivered": "delivered"}


class Condition(NamedTuple):
    """One comparison of a query."""

    field: str
    operator: str
    values: tuple[str, ...]


def find_messages(call: Call) -> Response:
    """POST /v3/logs {"query", "limit"}, newest first."""
    given = call.body if isinstance(call.body, dict) else {}
    limit = given.get("limit", _USUAL)
    if not isinstance(limit, int) or not 1 <= limit <= _MOST:
        return refuse_plainly(400, f"limit must be between 1 and {_MOST}", "limit")
    try:
        conditions = parse_query(str(given.get("query", "")))
    except ValueError as error:
        return refuse_plainly(400, str(error), "query")
    found = [one for one in _messages(call.providers) if all(_holds(each, one) for each in conditions)]
    shown = [{name: one[name] for name in _LISTED if name in one} for one in found[:limit]]
    return answer({"messages": shown})


def show_message(call: Call) -> Response:
    """GET /v3/logs/<sg_message_id>: with its custom_args and its events."""
    wanted = call.found["message_id"]
    for message in _messages(call.providers):
        if message["sg_message_id"] == wanted:
            hidden = ("sg_message_id_created_at", "categories", "reason")
            return answer({name: value for name, value in message.items() if name not in hidden})
    return refuse_plainly(404, "message not found")


def parse_query(query: str) -> list[Condition]:
    """The conditions of a query.

    Raises:
        ValueError: it is not of this language.
    """
    conditions: list[Condition] = []
    place = 0
    while place < len(query):
        found = _CONDITION.match(query, place)
        if not found:
            raise ValueError(f"the query is not understood at {place}")
        conditions.append(_condition(found))
        place = found.end()
        if place < len(query):
            joint = _AND.match(query, place)
            if not joint:
                raise ValueError(f"AND is expected at {place}")
            place = joint.end()
    return conditions


def _condition(found: "re.Match[str]") -> Condition:
    field, operator, value = found[1].lower(), found[2].upper(), found[3]
    if operator not in _ALLOWED.get(field, ()):
        raise ValueError(f"{field} {operator} is not supported")
    return Condition(field, operator, tuple(one or other for one, other in _TEXT.findall(value)))


def _holds(condition: Condition, message: Mapping[str, Any]) -> bool:
    value = message.get(condition.field, "")
    if condition.operator == "IN":
        have = value if isinstance(value, list) else [value]
        return bool(set(have) & set(condition.values))
    wanted: Any = condition.values[0]
    if condition.field == "sg_message_id_created_at":
        try:
            value, wanted = datetime.fromisoformat(value), datetime.fromisoformat(wanted)
        except ValueError:
            return False
    if condition.field == "to_email":
        value, wanted = value.lower(), wanted.lower()
    return _COMPARE[condition.operator](value, wanted)


_LISTED = (
    *("from_email", "sg_message_id", "subject", "to_email", "reason", "status"),
    "sg_message_id_created_at",
)


def _messages(providers: Providers) -> Iterator[dict[str, Any]]:
    """Every accepted mail as the logs show it, newest first."""
    for line in reversed(providers.log.lines):
        if line["provider"] == SENDGRID:
            events = [one["event"] for one in line["plan"] if _is_seen(providers, one)]
            yield _shown(line, events)


def _is_seen(providers: Providers, planned: Mapping[str, Any]) -> bool:
    return not planned["key"].endswith(":again") and providers.has_happened(planned)


def _shown(line: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    mail = line["sent"]
    one = mail["personalizations"][0]
    custom_args = {**mail.get("custom_args", {}), **one.get("custom_args", {})}
    message = {
        "from_email": mail["from"]["email"],
        "sg_message_id": line["id"],
        "subject": one.get("subject") or mail.get("subject", ""),
        "to_email": line["to"],
        "status": _status(events),
        "api_key_id": "sandbox-key-number-0001",
        "client_ip": "127.0.0.1",
        "category": mail.get("categories") or [],
        "categories": mail.get("categories") or [],
        "custom_args": custom_args,
        "events": [_event(event, custom_args) for event in reversed(events)],
        "sg_message_id_created_at": rfc3339(line["accepted_at"]),
    }
    reasons = [event["reason"] for event in events if "reason" in event]
    return message | ({"reason": reasons[-1]} if reasons else {})


def _status(events: Sequence[Mapping[str, Any]]) -> str:
    status = "processed"
    for event in events:
        if event["event"] == "bounce":
            status = "blocked" if event["type"] == "blocked" else "bounced"
        status = _STATUS.get(event["event"], status)
    return status


def _event(event: Mapping[str, Any], custom_args: Mapping[str, str]) -> dict[str, Any]:
    """The logs keep custom_args in a field of their own, and tell of machines only where one opened."""
    hidden = set(custom_args) if event.get("sg_machine_open") else {*custom_args, "sg_machine_open"}
    shown = {name: value for name, value in event.items() if name not in hidden}
    if event["event"] == "unsubscribe":
        shown["date"] = rfc3339(event["timestamp"])[:10]
    return {**shown, "custom_args": dict(custom_args)}
