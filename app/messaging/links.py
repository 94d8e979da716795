"""Signed links of a message: clicks, unsubscribing, preferences. A token names a message, never a person.

The destination of a click is kept with the message when it is sent and never stands in the address,
so that nobody can make our address lead elsewhere.
"""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from app.crypto import Signer

CLICK, UNSUBSCRIBE, PREFERENCES, CONFIRM = "click", "unsubscribe", "preferences", "confirm"
RATING = "rating"
UTM_SOURCE = "ritorno"
_TAGS = ("utm_source", "utm_medium", "utm_campaign", "utm_content")
_NAMES = frozenset(_TAGS)
_MARK_DIGITS = 24


@dataclass(frozen=True, slots=True)
class ClickToken:
    """Which link of which message; `index` points into the links kept with the message."""

    store_id: int
    message_id: int
    index: int


@dataclass(frozen=True, slots=True)
class MessageToken:
    """Which message an unsubscribe or preferences link came with."""

    store_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class ConfirmToken:
    """Which confirmation mail a link came with, and the mark of the channel and address it was sent to."""

    store_id: int
    message_id: int
    address_mark: int


@dataclass(frozen=True, slots=True)
class RatingToken:
    """Which ask a rating page came with, and whom it was sent to."""

    store_id: int
    message_id: int
    customer_id: int


@dataclass(frozen=True, slots=True)
class UtmTags:
    """What is appended to links to the store's own hosts (lower case), and only to those.

    Attributes:
        medium: email or sms.
        campaign: the flow's key.
        content: the step.
    """

    hosts: frozenset[str]
    medium: str
    campaign: str
    content: str


class LinkMaker:
    """Makes the links of one message and remembers where they lead.

    Args:
        base_url: where the outside reaches this app, without final slash.
        tags: the UTM tags, or None for none.
        tracks_clicks: whether this customer agreed to be measured. Without that a link leads straight
            to its destination: a click id made for one person needs consent (EDPB Guidelines 2/2023;
            Garante 284/2026). Unsubscribe and preferences links are always signed.

    Attributes:
        destinations: where the links lead, each once, in the order of their click tokens' index.
    """

    __slots__ = (
        *("_base_url", "_made", "_message", "_preferences", "_signer", "_tags", "_tracks_clicks"),
        "destinations",
    )

    def __init__(
        self,
        *,
        base_url: str,
        signer: Signer,
        store_id: int,
        message_id: int,
        tags: UtmTags | None,
        tracks_clicks: bool,
    ) -> None:
        self._base_url = base_url
        self._signer = signer
        self._message = f"{store_id:x}-{message_id:x}"
        self._tags = tags
        self._tracks_clicks = tracks_clicks
        self._made: dict[str, str] = {}
        self._preferences: str | None = None
        self.destinations: list[str] = []

    def click(self, url: str) -> str:
        """The address to print for a destination; the same one for the same destination."""
        made = self._made.get(url)
        if made is None:
            made = self._made[url] = self._make_click(url)
        return made

    def restart(self) -> None:
        """Forget where links led so far: the message is written anew."""
        self._made.clear()
        self.destinations.clear()

    def unsubscribe(self) -> str:
        """The address that unsubscribes this message's customer from its channel."""
        return f"{self._base_url}/u/{self._signer.sign(UNSUBSCRIBE, self._message)}"

    def preferences(self) -> str:
        """The address of this customer's preference page."""
        if self._preferences is None:
            self._preferences = f"{self._base_url}/p/{self._signer.sign(PREFERENCES, self._message)}"
        return self._preferences

    def confirm(self, channel: str, address: str) -> str:
        """The address of the page where a consent to the channel is confirmed, for that address alone."""
        value = f"{self._message}-{address_mark(self._signer, channel, address):x}"
        return f"{self._base_url}/o/{self._signer.sign(CONFIRM, value)}"

    def rating(self, customer_id: int) -> str:
        """The address of the page where this message's customer rates what it asks about."""
        return f"{self._base_url}/r/{self._signer.sign(RATING, f'{self._message}-{customer_id:x}')}"

    def _make_click(self, url: str) -> str:
        destination = tagged(url, self._tags) if self._tags else url
        index = len(self.destinations)
        self.destinations.append(destination)
        if not self._tracks_clicks:
            return destination
        return f"{self._base_url}/c/{self._signer.sign(CLICK, f'{self._message}-{index:x}')}"


@lru_cache(maxsize=8192)
def tagged(url: str, tags: UtmTags) -> str:
    """The URL with UTM tags if it leads to one of the store's hosts; tags that it has already stay."""
    parts = urlsplit(url)
    if (parts.hostname or "") not in tags.hosts:
        return url
    present = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} if parts.query else ()
    added = _written(tags, _NAMES.intersection(present))
    query = "&".join(part for part in (parts.query, added) if part)
    return urlunsplit(parts._replace(query=query))


@lru_cache(maxsize=512)
def _written(tags: UtmTags, present: frozenset[str]) -> str:
    """The tags that a link has not yet, which are the same for all of a flow's step."""
    values = (UTM_SOURCE, tags.medium, tags.campaign, tags.content)
    return urlencode({name: value for name, value in zip(_TAGS, values, strict=True) if name not in present})


def read_click(signer: Signer, token: str) -> ClickToken | None:
    """What a click token names, or None if we did not sign it for clicks."""
    numbers = _read(signer, CLICK, token, 3)
    return ClickToken(*numbers) if numbers else None


def read_unsubscribe(signer: Signer, token: str) -> MessageToken | None:
    """What an unsubscribe token names, or None if we did not sign it for that."""
    numbers = _read(signer, UNSUBSCRIBE, token, 2)
    return MessageToken(*numbers) if numbers else None


def read_preferences(signer: Signer, token: str) -> MessageToken | None:
    """What a preferences token names, or None if we did not sign it for that."""
    numbers = _read(signer, PREFERENCES, token, 2)
    return MessageToken(*numbers) if numbers else None


def read_confirm(signer: Signer, token: str) -> ConfirmToken | None:
    """What a confirmation token names, or None if we did not sign it for that."""
    numbers = _read(signer, CONFIRM, token, 3)
    return ConfirmToken(*numbers) if numbers else None


def read_rating(signer: Signer, token: str) -> RatingToken | None:
    """What a rating token names, or None if we did not sign it for that."""
    numbers = _read(signer, RATING, token, 3)
    return RatingToken(*numbers) if numbers else None


def address_mark(signer: Signer, channel: str, address: str) -> int:
    """A keyed mark of a channel and an address: equal for equal ones, telling nothing of them."""
    return int(signer.fingerprint(CONFIRM, f"{channel}:{address.strip().lower()}")[:_MARK_DIGITS], 16)


def _read(signer: Signer, purpose: str, token: str, count: int) -> list[int]:
    value = signer.check(purpose, token)
    if value is None:
        return []
    fields = value.split("-")
    return [int(field, 16) for field in fields] if len(fields) == count else []
