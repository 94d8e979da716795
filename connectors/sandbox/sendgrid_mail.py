"""What SendGrid refuses in a mail, in its words where they are public.

Source: twilio/sendgrid-oai tsg_mail_v3 (January 2026); SendGrid docs, "v3 Mail Send", "Limitations" and
"Mail Send errors"; anymail, backends/sendgrid.py. The real texts can be seen with a live account only.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connectors.sandbox.moments import HOUR

_MOST_RECIPIENTS, _MOST_CATEGORIES, _MOST_GROUPS = 1000, 10, 25
_CUSTOM_BYTES, _CATEGORY_LENGTH = 10_000, 255
_LATEST_SECONDS = 72 * HOUR
_ADDRESS = re.compile(r"[^@\s,;:<>()\[\]\"\\]{1,64}@[^@\s,;:<>()\[\]\"\\]+\.[^@\s.,;:<>()\[\]\"\\]{2,}")
_RESERVED = frozenset(
    "x-sg-id x-sg-eid received dkim-signature content-type content-transfer-encoding "
    "to from subject reply-to cc bcc".split()
)
_HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#"
_FROM = (
    "The from object must be provided for every email send. It is an object that requires the email "
    'parameter, but may also contain a name parameter.  e.g. {"email" : "example@example.com"}  or '
    '{"email" : "example@example.com", "name" : "Example Recipient"}.'
)
_TO = (
    "The to array is required for all personalization objects, and must have at least one email object "
    "with a valid email address."
)
_SUBJECT = (
    "The subject is required. You can get around this requirement if you use a template with a subject "
    "defined or if every personalization has a subject defined."
)
_CONTENT = (
    "Unless a valid template_id is provided, the content parameter is required. There must be at least one "
    "defined content block. We typically suggest both text/plain and text/html blocks are included, but "
    "only one block is required."
)
_ORDER = "If present, text/plain must be first, followed by text/html, followed by any other content."
_UNIQUE = (
    "Each email address in the personalization block should be unique between to, cc, and bcc. We found "
    "the first duplicate instance of [{}] in the personalizations.{}.{} field."
)


class Problem(NamedTuple):
    """One entry of the errors that SendGrid answers."""

    message: str
    field: str | None = None
    help: str | None = None


BAD_REQUEST = Problem("Bad Request")
Problems = Iterator[Problem]


def problems_of(mail: object, now: int) -> list[Problem]:
    """Everything that keeps a mail from being accepted; values of a wrong type are told alone."""
    if not isinstance(mail, dict):
        return [BAD_REQUEST]
    if list(_misshapen(mail)):
        return [BAD_REQUEST]
    return [problem for check in _CHECKS for problem in check(mail, now)]


def _misshapen(mail: Mapping[str, Any]) -> Problems:
    """What a strict parser stumbles over: it names neither field nor reason."""
    for holder in (mail, *_dicts(mail.get("personalizations"))):
        for name in ("headers", "custom_args", "substitutions"):
            values = holder.get(name, {})
            if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
                yield BAD_REQUEST
        if isinstance(holder.get("send_at", 0), bool) or not isinstance(holder.get("send_at", 0), int):
            yield BAD_REQUEST
        if not isinstance(holder.get("subject", ""), str):
            yield BAD_REQUEST
    for name in ("personalizations", "content", "categories", "attachments", "reply_to_list"):
        if not isinstance(mail.get(name, []), list):
            yield BAD_REQUEST
    for settings in (mail.get("tracking_settings", {}), mail.get("mail_settings", {})):
        if not isinstance(settings, dict) or not all(map(_is_setting, settings.values())):
            yield BAD_REQUEST


def _is_setting(setting: object) -> bool:
    return isinstance(setting, dict) and isinstance(setting.get("enable", False), bool)


def _check_personalizations(mail: Mapping[str, Any], now: int) -> Problems:
    given = mail.get("personalizations") or []
    help_ = f"{_HELP}message.personalizations"
    if not given:
        message = "The personalizations field is required and must have at least one personalization."
        yield Problem(message, "personalizations", f"{_HELP}-Personalizations-Errors")
    if len(given) > _MOST_RECIPIENTS:
        message = f"The personalizations array may not hold more than {_MOST_RECIPIENTS} objects."
        yield Problem(message, "personalizations", help_)
    elif sum(len(_dicts(one.get(kind))) for one in _dicts(given) for kind in _KINDS) > _MOST_RECIPIENTS:
        message = f"The total number of recipients must be no more than {_MOST_RECIPIENTS}."
        yield Problem(message, "personalizations", help_)
    for place, one in enumerate(given):
        path = f"personalizations.{place}"
        if not isinstance(one, dict):
            yield BAD_REQUEST
            continue
        yield from _check_recipients(one, path)
        yield from _check_sizes(one, path)
        yield from _check_moment(one, now, f"{path}.send_at")
        yield from _check_headers(one, path)
    yield from _check_duplicates(_dicts(given))


_KINDS = ("to", "cc", "bcc")


def _check_recipients(one: Mapping[str, Any], path: str) -> Problems:
    if not one.get("to"):
        yield Problem(_TO, f"{path}.to", f"{_HELP}message.personalizations.to")
    for kind in _KINDS:
        given = one.get(kind) or []
        if not isinstance(given, list):
            yield BAD_REQUEST
            continue
        for place, address in enumerate(given):
            yield from _check_address(
                address, f"{path}.{kind}.{place}", f"{_HELP}message.personalizations.{kind}"
            )


def _check_address(address: object, path: str, help_: str) -> Problems:
    email = address.get("email") if isinstance(address, dict) else None
    name = address.get("name", "") if isinstance(address, dict) else ""
    if not isinstance(email, str) or not _ADDRESS.fullmatch(email):
        yield Problem("Does not contain a valid address.", f"{path}.email", help_)
    if not isinstance(name, str) or ";" in name or "," in name:
        yield Problem("The name may not contain a semicolon or a comma.", f"{path}.name", help_)


def _check_duplicates(given: Sequence[Mapping[str, Any]]) -> Problems:
    """One address twice in a personalization; only the first one found is told."""
    for place, one in enumerate(given):
        seen: set[str] = set()
        for kind in _KINDS:
            for address in _dicts(one.get(kind)):
                email = str(address.get("email")).lower()
                if email in seen:
                    message = _UNIQUE.format(email, place, kind)
                    yield Problem(message, "personalizations", f"{_HELP}message.recipient-errors")
                    return
                seen.add(email)


def _check_from(mail: Mapping[str, Any], _now: int) -> Problems:
    sender = mail.get("from")
    if not isinstance(sender, dict) or not sender.get("email"):
        yield Problem(_FROM, "from.email", f"{_HELP}message.from")
        return
    if not str(sender["email"]).isascii():
        yield Problem("The from email does not support Unicode.", "from.email", f"{_HELP}message.from")
        return
    yield from _check_address({"email": sender["email"]}, "from", f"{_HELP}message.from")


def _check_reply_to(mail: Mapping[str, Any], _now: int) -> Problems:
    single, several = mail.get("reply_to"), mail.get("reply_to_list")
    help_ = f"{_HELP}message.reply_to"
    if single and several:
        yield Problem("Both reply_to and reply_to_list may not be given.", "reply_to_list", help_)
    if len(several or []) > _MOST_RECIPIENTS:
        message = f"The reply_to_list may not hold more than {_MOST_RECIPIENTS} addresses."
        yield Problem(message, "reply_to_list", help_)
    if single is not None:
        yield from _check_address(single, "reply_to", help_)
    for place, one in enumerate(several or []):
        yield from _check_address(one, f"reply_to_list.{place}", help_)


def _check_subject(mail: Mapping[str, Any], _now: int) -> Problems:
    given = _dicts(mail.get("personalizations"))
    has_all = bool(given) and all(one.get("subject") for one in given)
    if not (mail.get("subject") or mail.get("template_id") or has_all):
        yield Problem(_SUBJECT, "subject", f"{_HELP}message.subject")


def _check_content(mail: Mapping[str, Any], _now: int) -> Problems:
    content = mail.get("content") or []
    if mail.get("template_id"):
        return
    if not content:
        yield Problem(_CONTENT, "content", f"{_HELP}message.content")
    for place, block in enumerate(content):
        value = block.get("value") if isinstance(block, dict) else None
        if not isinstance(value, str) or not value:
            message = "The content value must be a string at least one character in length."
            yield Problem(message, f"content.{place}.value", f"{_HELP}message.content.value")
        kind = block.get("type") if isinstance(block, dict) else None
        if not isinstance(kind, str) or not kind or ";" in kind or "\n" in kind:
            message = "The content type must be a string at least one character in length."
            yield Problem(message, f"content.{place}.type", f"{_HELP}message.content.type")
    kinds = [block.get("type") for block in _dicts(content)]
    order = [_PLACES.get(str(kind), 2) for kind in kinds]
    if order != sorted(order) or kinds.count("text/plain") > 1 or kinds.count("text/html") > 1:
        yield Problem(_ORDER, "content", f"{_HELP}message.content")


_PLACES = {"text/plain": 0, "text/html": 1}


def _check_top(mail: Mapping[str, Any], now: int) -> Problems:
    yield from _check_sizes(mail, "")
    yield from _check_moment(mail, now, "send_at")
    yield from _check_headers(mail, "")


def _check_sizes(holder: Mapping[str, Any], path: str) -> Problems:
    for name in ("custom_args", "substitutions"):
        size = len(json.dumps(holder.get(name, {}), ensure_ascii=False, separators=(",", ":")).encode())
        if size > _CUSTOM_BYTES:
            message = f"The {name} may not exceed {_CUSTOM_BYTES} bytes."
            yield Problem(message, f"{path}.{name}".lstrip("."), f"{_HELP}message.{name}")


def _check_moment(holder: Mapping[str, Any], now: int, path: str) -> Problems:
    if holder.get("send_at", 0) > now + _LATEST_SECONDS:
        message = "Scheduling more than 72 hours in advance is forbidden."
        yield Problem(message, path, f"{_HELP}message.send_at")


def _check_headers(holder: Mapping[str, Any], path: str) -> Problems:
    for name, value in holder.get("headers", {}).items():
        field = f"{path}.headers.{name}".lstrip(".")
        if name.lower() in _RESERVED:
            yield Problem("Header keys cannot be one of the reserved keys.", field, f"{_HELP}message.headers")
        elif not re.fullmatch(r"[!-9;-~]+", name) or "\n" in value or "\r" in value:
            yield Problem("Headers must be of one line and of ASCII.", field, f"{_HELP}message.headers")


def _check_categories(mail: Mapping[str, Any], _now: int) -> Problems:
    given = mail.get("categories") or []
    help_ = f"{_HELP}message.categories"
    if len(given) > _MOST_CATEGORIES:
        yield Problem(f"A maximum of {_MOST_CATEGORIES} categories is allowed.", "categories", help_)
    if not all(isinstance(one, str) for one in given):
        yield Problem("Categories must be strings.", "categories", help_)
        return
    if len(set(given)) < len(given):
        yield Problem("Categories must be unique.", "categories", help_)
    for place, one in enumerate(given):
        if len(one) > _CATEGORY_LENGTH:
            message = f"A category name cannot exceed {_CATEGORY_LENGTH} characters."
            yield Problem(message, f"categories.{place}", help_)


def _check_rest(mail: Mapping[str, Any], _now: int) -> Problems:
    asm, pool = mail.get("asm"), mail.get("ip_pool_name")
    if asm is not None and (not isinstance(asm, dict) or not isinstance(asm.get("group_id"), int)):
        yield Problem("The asm object requires a group_id.", "asm.group_id", f"{_HELP}message.asm")
    elif asm and len(asm.get("groups_to_display") or []) > _MOST_GROUPS:
        message = f"A maximum of {_MOST_GROUPS} groups may be displayed."
        yield Problem(message, "asm.groups_to_display", f"{_HELP}message.asm")
    if pool is not None and (not isinstance(pool, str) or not 2 <= len(pool) <= 64):
        message = "The ip_pool_name must be between 2 and 64 characters."
        yield Problem(message, "ip_pool_name", f"{_HELP}message.ip_pool_name")


def _dicts(given: object) -> list[dict[str, Any]]:
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


_CHECKS: Sequence[Callable[[Mapping[str, Any], int], Problems]] = (
    _check_personalizations,
    _check_from,
    _check_reply_to,
    _check_subject,
    _check_content,
    _check_top,
    _check_categories,
    _check_rest,
)
