"""What Twilio asked for text messages, read off its list.

Source: twilio/twilio-oai, api_v2010, ListMessage (April 2026): `price` is a negative decimal text, null until
the message is priced; `price_unit` is the account's currency.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from connectors.base import ConnectorError

if TYPE_CHECKING:
    from connectors.answers import Response
    from connectors.channels.twilio.package import TwilioClient

MOST_PAGES = 40
"""Pages that are read at a time; what stands farther back keeps its estimate."""
_PAGE = 500
_OK = 200
_MICROS = 1_000_000
_DEAREST = 1000 * _MICROS


@dataclass(frozen=True, slots=True)
class TextPrice:
    """What a text of so many parts cost, in millionths of the currency's unit."""

    micros: int
    currency: str
    parts: int


def find(client: "TwilioClient", sids: Collection[str], since: date) -> dict[str, TextPrice]:
    """The prices of these messages as far as they are known, by sid.

    Args:
        since: the first day on which one of them was sent.

    Raises:
        ConnectorError: the list cannot be read.
    """
    wanted, found = set(sids), dict[str, TextPrice]()
    for message in _messages(client, since):
        sid = message.get("sid")
        if isinstance(sid, str) and sid in wanted and (price := _price(message)) is not None:
            found[sid] = price
            if len(found) == len(wanted):
                break
    return found


def _messages(client: "TwilioClient", since: date) -> Iterator[Mapping[str, Any]]:
    page = client.message_page(date_sent_after=since.isoformat(), page_size=_PAGE)
    for left in reversed(range(MOST_PAGES)):
        body = _body(page)
        yield from (entry for entry in body["messages"] if isinstance(entry, dict))
        following = body.get("next_page_uri")
        if not left or not isinstance(following, str) or not following:
            return
        page = client.next_page(following)


def _body(page: "Response") -> dict[str, Any]:
    body = page.json() if page.status == _OK else None
    if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
        raise ConnectorError(f"the list answered {page.status}", status=page.status)
    return body


def _price(message: Mapping[str, Any]) -> TextPrice | None:
    """None where there is none yet, or nothing that can be one."""
    amount, unit, parts = (message.get(name) for name in ("price", "price_unit", "num_segments"))
    if not isinstance(amount, str) or not isinstance(unit, str) or len(unit) != len("USD"):
        return None
    try:
        micros = abs(Decimal(amount)) * _MICROS
    except InvalidOperation:
        return None
    if not micros.is_finite() or micros > _DEAREST:
        return None
    is_number = isinstance(parts, str) and parts.isascii() and parts.isdigit() and len(parts) <= _DIGITS
    return TextPrice(round(micros), unit.upper(), max(1, int(str(parts))) if is_number else 1)


_DIGITS = 3
