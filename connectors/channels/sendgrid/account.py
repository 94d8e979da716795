"""Whose mails they are, and what of a mail can be seen to be unsendable without asking SendGrid."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from connectors.sending import OutgoingMessage
from connectors.wording import is_text

API_URL = "https://api.sendgrid.com"
RESERVED_HEADERS = frozenset(
    "x-sg-id x-sg-eid received dkim-signature content-type content-transfer-encoding to from subject"
    " reply-to cc bcc".split()
)
"""Headers that are SendGrid's own to set; whoever gives one is refused with a 400.

Source: twilio/sendgrid-oai, mail/send, `headers` (January 2026).
"""


@dataclass(frozen=True, slots=True)
class SendGridAccount:
    """How an account is reached.

    Attributes:
        api_url: without final slash; `https://api.eu.sendgrid.com` for a regional EU subuser.
        store_id: our store's number; it travels with every mail and comes back in its events.
        installation: tells our mails from those of another Ritorno on the same account, whose numbers are
            the same; it travels like the store's number.
        is_sandbox: mails are checked and thrown away: no mail, no event, no cost.
    """

    api_key: str = field(repr=False)
    api_url: str = API_URL
    store_id: str = ""
    installation: str = ""
    is_sandbox: bool = False

    def has_usable_key(self) -> bool:
        """Whether the key could be one at all: it goes into a header as it is."""
        return _PRINTABLE.fullmatch(self.api_key) is not None


def refusal(message: OutgoingMessage) -> str | None:
    """Why SendGrid would certainly not take this mail, in words without anything personal; None if it may.

    Source: sendgrid/docs, v3 mail send limitations; twilio/sendgrid-oai, mail/send (January 2026).
    """
    if not message.to_address.strip():
        return "the mail has no recipient"
    if _mailbox(message.from_address) is None:
        return "the mail has no sender"
    if sender(message) is None:
        return "the sender's address has characters that SendGrid does not take"
    if not message.subject.strip():
        return "the mail has no subject"
    if not message.text and not message.html:
        return "the mail has no content"
    if not all(is_text(text) for text in _texts(message)):
        return "the mail has characters that are none"
    if not all(_is_header(name, value) for name, value in message.headers.items()):
        return "a header of the mail has characters that no header may have"
    return None


def sender(message: OutgoingMessage) -> str | None:
    """The sender's address as SendGrid takes it: ASCII before the @, and the domain in its ASCII form."""
    return _in_ascii(message.from_address)


def sender_name(message: OutgoingMessage) -> str:
    """The sender's name in one line, without the two characters that SendGrid does not take in names."""
    return " ".join(_NOT_IN_NAMES.sub(" ", message.from_name).split())


def own_headers(message: OutgoingMessage) -> dict[str, str]:
    """The headers that go along: all but those that are SendGrid's to set."""
    return {name: value for name, value in message.headers.items() if name.lower() not in RESERVED_HEADERS}


@lru_cache(maxsize=256)
def _in_ascii(address: str) -> str | None:
    mailbox = _mailbox(address)
    if mailbox is None or not _LOCAL_PART.fullmatch(mailbox[0]):
        return None
    try:
        domain = mailbox[1].encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return f"{mailbox[0]}@{domain}"


_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_LOCAL_PART = re.compile(r"[\x21-\x7e]{1,64}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]+")
_NOT_IN_NAMES = re.compile(r"[;,\x00-\x1f\x7f]")


def _texts(message: OutgoingMessage) -> tuple[str, ...]:
    return (message.to_address, message.from_name, message.subject, message.text, message.html or "")


def _mailbox(address: str) -> tuple[str, str] | None:
    local, at, domain = address.strip().rpartition("@")
    return (local, domain) if at and local and domain else None


def _is_header(name: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    return _HEADER_NAME.fullmatch(name) is not None and _HEADER_VALUE.fullmatch(value) is not None
