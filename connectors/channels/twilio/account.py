"""Whose text messages they are, and what of one can be seen to be unsendable without asking Twilio."""

import re
from dataclasses import dataclass, field

from connectors.sending import OutgoingMessage
from connectors.wording import is_text

API_URL = "https://api.twilio.com"
LONGEST_TEXT = 1600
"""Characters. Source: docs.twilio.com, Messages resource, `Body`."""


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """How an account is reached.

    Attributes:
        api_url: without final slash; an emulator at another address answers for all of Twilio.
        status_url: where Twilio tells what becomes of a message, plain ASCII; our id is added to it.
        store_id: our store's number.
    """

    account_sid: str
    auth_token: str = field(repr=False)
    messaging_service_sid: str
    api_url: str = API_URL
    status_url: str = ""
    store_id: str = ""

    def has_usable_keys(self) -> bool:
        """Whether sid and token could be ones at all: they go into an address and a header as they are."""
        return bool(_SID.fullmatch(self.account_sid) and _PRINTABLE.fullmatch(self.auth_token))

    def status_callback(self, message_id: str) -> str | None:
        """Where Twilio is to tell of one message; None where we have no address for it.

        Its messages carry no data of ours, so our id rides in the address, which the signature covers. The
        part after # is for Twilio only: five more tries, and on any failure, not just on a failed connection.
        Source: twilio/ai, webhook architecture (June 2026).
        """
        if not self.status_url:
            return None
        mark = "&" if "?" in self.status_url else "?"
        return f"{self.status_url}{mark}m={message_id}#rc=5&rp=all"


def refusal(message: OutgoingMessage) -> str | None:
    """Why Twilio would certainly not take it, in words without anything personal; None if it may."""
    if not message.to_address.strip():
        return "the message has no recipient"
    if not message.text.strip():
        return "the message has no text"
    if not (is_text(message.text) and is_text(message.to_address)):
        return "the message has characters that are none"
    if len(message.text) > LONGEST_TEXT:
        return f"the text is longer than the {LONGEST_TEXT} characters that Twilio takes"
    return None


_SID = re.compile(r"AC[0-9A-Za-z]{1,64}")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
