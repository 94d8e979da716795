"""A visit to a link: what is known of it when it comes, and how it is kept."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from app.inbox import Kept
from app.messaging import clicks, scanners
from app.messaging.clicks import Click
from app.messaging.destinations import Destination
from app.messaging.links import ClickToken
from app.models.inbound_event import WAITING
from connectors.base import Envelope

VISITS, LOOKS = "GET", "HEAD"
"""The methods by which a link is followed: who only looks is led on and kept by nobody."""
_AGENT = "user-agent"
_TELLING = {name.lower().encode(): name.lower() for name in ("User-Agent", *scanners.PURPOSES)}
_PURPOSES = tuple(name.lower() for name in scanners.PURPOSES)


def telling(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Of the headers of an ASGI request, in lower case, those that tell a person from a program."""
    return {_TELLING[name]: value.decode("latin-1") for name, value in headers if name in _TELLING}


def kept_of(token: ClickToken, found: Destination, headers: Mapping[str, str], at: datetime) -> Kept:
    """A visit as it is kept: whether a person or a program came is all that its headers leave behind."""
    is_human = scanners.is_human_click(
        method=VISITS,
        user_agent=headers.get(_AGENT, ""),
        clicked_at=at,
        sent_at=found.sent_at,
        purpose=" ".join([headers[name] for name in _PURPOSES if name in headers]),
    )
    click = Click(token.message_id, found.url, at, is_human)
    # The same link in the same second is one click: whoever calls it again and again fills nothing.
    key = f"{token.message_id}:{token.index}:{int(at.timestamp())}:{is_human:d}"
    # Without a subject: what a visit is about is asked of nobody, and one index less is written.
    envelope = Envelope(clicks.SOURCE, clicks.TOPIC, "", key)
    return Kept(token.store_id, envelope, clicks.packed(click), at, WAITING)
