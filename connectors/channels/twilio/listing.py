"""Looks a text message up in Twilio's list, by its recipient, its day and its text.

Source: twilio/twilio-oai, api_v2010, ListMessage (April 2026): filters are To, From and the day of sending.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from connectors.answers import Response
from connectors.base import ConnectorError
from connectors.sending import Outcome, SendResult, Unsettled

if TYPE_CHECKING:
    from connectors.channels.twilio.package import TwilioClient

BEFORE, AFTER = timedelta(minutes=5), timedelta(hours=1)
"""How far from the moment of the call Twilio may say that it made the message."""

MOST_PAGES = 10
"""Pages that are read; a longer list cannot show that only one message fits."""


def find(client: "TwilioClient", unsettled: Unsettled, service_sid: str) -> SendResult | None:
    """ACCEPTED with the sid of the one message that fits; None for no, several, or a list cut short."""
    try:
        listed = list(_messages(client, unsettled))
    except ConnectorError:
        return None
    sids = {message["sid"] for message in listed if _fits(message, unsettled, service_sid)}
    return SendResult(Outcome.ACCEPTED, sids.pop()) if len(sids) == 1 else None


def plain(text: str) -> str:
    """The text as it is compared: what Twilio's smart encoding may have replaced is replaced on both sides.

    These are typographic quotes, dashes, dots and spaces; letters, accents, case and the rest must be equal.
    A trial account's own first words are taken off.
    """
    return text.strip().removeprefix(_TRIAL).translate(_SMART).strip()


_OK = 200
_PAGE = 200
_TRIAL = "Sent from your Twilio trial account - "
_SMART = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\u3000\t", " "),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\r", ""),
        "…": "...",
        "•": "-",
    }
)


def _messages(client: "TwilioClient", unsettled: Unsettled) -> Iterator[Mapping[str, Any]]:
    """Every message to the recipient on the days around the call.

    Raises:
        ConnectorError: the list cannot be read, or not to its end.
    """
    sent_at = unsettled.sent_at.astimezone(UTC)
    page = client.message_page(
        to=unsettled.to_address,
        date_sent_after=f"{sent_at - timedelta(days=1):%Y-%m-%d}",
        date_sent_before=f"{sent_at + timedelta(days=1):%Y-%m-%d}",
        page_size=_PAGE,
    )
    for _ in range(MOST_PAGES):
        body = _body(page)
        messages = body.get("messages")
        if not isinstance(messages, list):
            raise ConnectorError("the list is not the documented one")
        yield from (entry for entry in messages if isinstance(entry, dict))
        following = body.get("next_page_uri")
        if not isinstance(following, str) or not following:
            return
        page = client.next_page(following)
    raise ConnectorError("the list is too long to be sure")


def _body(page: Response) -> dict[str, Any]:
    body = page.json() if page.status == _OK else None
    if not isinstance(body, dict):
        raise ConnectorError(f"the list answered {page.status}", status=page.status)
    return body


def _fits(message: Mapping[str, Any], unsettled: Unsettled, service_sid: str) -> bool:
    sid, body, made_at = message.get("sid"), message.get("body"), _moment(message.get("date_created"))
    if not isinstance(sid, str) or not sid or not isinstance(body, str) or made_at is None:
        return False
    if message.get("direction") == "inbound" or message.get("messaging_service_sid") not in (
        None,
        service_sid,
    ):
        return False
    is_near = unsettled.sent_at - BEFORE <= made_at <= unsettled.sent_at + AFTER
    return is_near and plain(body) == plain(unsettled.text)


def _moment(text: object) -> datetime | None:
    """A moment as Twilio writes it: RFC 2822."""
    if not isinstance(text, str):
        return None
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
