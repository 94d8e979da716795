"""What Twilio refuses in a message.

Source: Twilio docs, "Error and Warning Dictionary" and "Test Credentials"; twilio/twilio-oai (April 2026).
The magic numbers, which Twilio knows with test credentials only, hold in every emulated account.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from connectors.sandbox.moments import DAY, MINUTE
from connectors.sandbox.provider_config import ProviderSettings

_MOST_CHARACTERS, _MOST_MEDIA, _LONGEST_ALIAS, _LONGEST_VALIDITY = 1600, 10, 11, 36_000
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_ALIAS = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 +\-_&]{1,11}")
_EARLIEST, _LATEST = 15 * MINUTE, 35 * DAY


class Refusal(NamedTuple):
    """An error as Twilio answers it."""

    code: int
    message: str
    status: int = 400


class Asked(NamedTuple):
    """A message that somebody wants sent."""

    form: Mapping[str, str]
    media: Sequence[str]
    settings: ProviderSettings
    opted_out: Mapping[str, Any]
    now: int


def refusal_of(asked: Asked) -> Refusal | None:
    """The first thing that Twilio minds."""
    return next((refusal for check in _CHECKS if (refusal := check(asked))), None)


MAGIC_TO = {
    "+15005550001": Refusal(21211, "The 'To' number +15005550001 is not a valid phone number."),
    "+15005550002": Refusal(21612, "The 'To' phone number cannot be reached from the 'From' number."),
    "+15005550003": Refusal(21408, "Permission to send an SMS has not been enabled for the region."),
    "+15005550004": Refusal(21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": Refusal(21614, "'To' number is not a valid mobile number"),
}
MAGIC_FROM = {
    "+15005550001": Refusal(21212, "The 'From' number +15005550001 is not a valid phone number."),
    "+15005550007": Refusal(
        21606, "The 'From' phone number is not a valid, SMS-capable Twilio phone number."
    ),
    "+15005550008": Refusal(21611, "This 'From' number has exceeded the maximum number of queued messages"),
}


def _check_to(asked: Asked) -> Refusal | None:
    to = asked.form.get("To", "")
    if not to:
        return Refusal(21604, "A 'To' phone number is required.")
    if not _E164.fullmatch(to.removeprefix("whatsapp:")):
        return Refusal(21211, f"Invalid 'To' Phone Number: {to[:-4]}XXXX")
    return None


def _check_sender(asked: Asked) -> Refusal | None:
    sender, service = asked.form.get("From", ""), asked.form.get("MessagingServiceSid", "")
    if service:
        if service == asked.settings.service_sid:
            return None
        return Refusal(21701, "The messaging service does not exist")
    if not sender:
        return Refusal(21603, "A 'From' phone number is required.")
    if sender in MAGIC_FROM:
        return MAGIC_FROM[sender]
    if sender.startswith("whatsapp:"):
        is_ours = sender.removeprefix("whatsapp:") in asked.settings.from_numbers
        return None if is_ours else Refusal(63007, "Twilio could not find a Channel with the 'From' address")
    if not sender.startswith("+"):
        return _check_alias(sender, asked.form["To"])
    if sender not in asked.settings.from_numbers:
        message = "The 'From' phone number provided is not a valid, message-capable Twilio phone number."
        return Refusal(21606, message)
    return None


def _check_alias(sender: str, to: str) -> Refusal | None:
    if len(sender) > _LONGEST_ALIAS or not _ALIAS.fullmatch(sender):
        return Refusal(
            21212, f"The 'From' number {sender} is not a valid phone number or Alphanumeric Sender ID"
        )
    # Neither the United States nor Canada know names as senders.
    return (
        Refusal(21612, "The 'To' number cannot be reached from this 'From'.") if to.startswith("+1") else None
    )


def _check_what_is_said(asked: Asked) -> Refusal | None:
    body = asked.form.get("Body", "")
    if not (body or asked.media or asked.form.get("ContentSid")):
        return Refusal(21602, "Message body is required.")
    if len(body) > _MOST_CHARACTERS:
        return Refusal(21617, "The concatenated message body exceeds the 1600 character limit")
    if len(asked.media) > _MOST_MEDIA:
        return Refusal(21623, "The number of media files exceeds the allowed limit")
    return None


def _check_validity(asked: Asked) -> Refusal | None:
    """The number of this error was not seen on a page."""
    seconds = asked.form.get("ValidityPeriod", "1")
    if not seconds.isdigit() or not 1 <= int(seconds) <= _LONGEST_VALIDITY:
        return Refusal(20422, f"Invalid Parameter: ValidityPeriod is from 1 to {_LONGEST_VALIDITY}")
    return None


def _check_callback(asked: Asked) -> Refusal | None:
    url = asked.form.get("StatusCallback", "")
    if url and not re.match(r"https?://[\w.-]+(:\d+)?([/?#]|$)", url):
        return Refusal(21609, f"The 'StatusCallback' URL {url} is not a valid fully qualified URL.")
    return None


def _check_schedule(asked: Asked) -> Refusal | None:
    if "SendAt" not in asked.form:
        return None
    if not asked.form.get("MessagingServiceSid"):
        return Refusal(35118, "MessagingServiceSid is required to schedule a message")
    if asked.form.get("ScheduleType") != "fixed":
        return Refusal(35111, "SendAt needs a ScheduleType of fixed")
    try:
        ahead = datetime.fromisoformat(asked.form["SendAt"]).timestamp() - asked.now
    except ValueError:
        return Refusal(35115, "SendAt is no ISO 8601 moment")
    if not _EARLIEST <= ahead <= _LATEST:
        return Refusal(35114, "SendAt must be between 15 minutes and 35 days from now")
    return None


def _check_reachable(asked: Asked) -> Refusal | None:
    to = asked.form["To"]
    if to in MAGIC_TO:
        return MAGIC_TO[to]
    return Refusal(21610, "Attempt to send to unsubscribed recipient") if to in asked.opted_out else None


_CHECKS: Sequence[Callable[[Asked], Refusal | None]] = (
    _check_to,
    _check_sender,
    _check_what_is_said,
    _check_validity,
    _check_callback,
    _check_schedule,
    _check_reachable,
)
