"""What shoppers and mail scanners do with a message, decided by the seed, the address and the moment."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from connectors.sandbox.config import Rates
from connectors.sandbox.draws import between, digest, fraction
from connectors.sandbox.moments import HOUR, MINUTE, rfc3339
from connectors.sandbox.wire import Request

CLICK, UNSUBSCRIBE, SCAN = "click", "unsubscribe", "scan"
EMAIL = "email"
_LINK = re.compile(r"https?://[^\s\"'<>()]+")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{3,63}")
_BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)
_SCANNER = "Barracuda Sentinel (EE)"
_LATEST_HOURS = 48


@dataclass(frozen=True, slots=True, order=True)
class Reaction:
    """One thing done with a message at a moment; the key is the same in every run."""

    due: int
    key: str
    kind: str
    to: str
    subject: str
    accepted_at: int
    urls: tuple[str, ...]

    @property
    def is_tried_again(self) -> bool:
        """People try again."""
        return True

    def line(self) -> dict[str, Any]:
        """The reaction's part of its journal line."""
        return {
            "key": self.key,
            "kind": self.kind,
            "to": self.to,
            "subject": self.subject,
            "accepted_at": rfc3339(self.accepted_at),
            "due": rfc3339(self.due),
            "urls": self.urls,
        }


def plan_reactions(
    message: Mapping[str, Any], *, accepted_at: int, seed: int, rates: Rates, app_url: str
) -> Iterator[Reaction]:
    """The reactions to a sunk message; only links that lead to the app are ever followed."""
    to, subject = str(message["to"]), str(message.get("subject") or "")
    drawn = digest(seed, f"reaction:{to}:{subject}:{rfc3339(accepted_at)}")
    # Only a few mails are reacted to: to look for the links of each would take most of the sink's time.
    links = cache(partial(_links_to, message, app_url))

    def react(kind: str, due: int, urls: tuple[str, ...]) -> Reaction:
        return Reaction(due, f"{kind}-{drawn.hex()[:32]}", kind, to, subject, accepted_at, urls)

    if fraction(drawn, 0) < rates.click:
        clickable = [link for link in links() if urlsplit(link).path.startswith("/c/")]
        if clickable:
            link = clickable[between(drawn, 1, 0, len(clickable) - 1)]
            yield react(CLICK, accepted_at + _minutes(drawn, 2), (link,))
    if message["channel"] != EMAIL:
        return
    if fraction(drawn, 3) < rates.scanner and links():
        yield react(SCAN, accepted_at, tuple(links()))
    unsubscribe = _one_click_url(message, app_url) if fraction(drawn, 4) < rates.unsubscribe else None
    if unsubscribe:
        yield react(UNSUBSCRIBE, accepted_at + _minutes(drawn, 5), (unsubscribe,))


def wants_to_redeem(message: Mapping[str, Any], *, accepted_at: int, seed: int, rates: Rates) -> bool:
    """Whether the shopper keeps a code of this message for the next order."""
    drawn = digest(seed, f"redemption:{message['to']}:{message.get('subject') or ''}:{rfc3339(accepted_at)}")
    return fraction(drawn, 0) < rates.redeem


def words_like_codes(message: Mapping[str, Any]) -> list[str]:
    """Every different word of the subject and the text that could be a voucher code, in order."""
    text = f"{message.get('subject') or ''} {message.get('text') or ''}"
    return list(dict.fromkeys(_CODE.findall(text)))


def write_reaction(reaction: Reaction) -> list[Request]:
    """The requests of a reaction. A scanner asks for every link twice: HEAD, then GET."""
    if reaction.kind == UNSUBSCRIBE:
        headers = {"User-Agent": _BROWSER, "Content-Type": "application/x-www-form-urlencoded"}
        return [Request("POST", reaction.urls[0], headers, b"List-Unsubscribe=One-Click")]
    if reaction.kind == SCAN:
        headers = {"User-Agent": _SCANNER, "Accept": "*/*"}
        return [Request(method, url, headers) for url in reaction.urls for method in ("HEAD", "GET")]
    return [Request("GET", reaction.urls[0], {"User-Agent": _BROWSER, "Accept": "text/html"})]


def _minutes(drawn: bytes, slot: int) -> int:
    return between(drawn, slot, HOUR // MINUTE, _LATEST_HOURS * HOUR // MINUTE) * MINUTE


def _links_to(message: Mapping[str, Any], app_url: str) -> list[str]:
    text = f"{message.get('html') or ''} {message.get('text') or ''}"
    found = (unescape(link).rstrip(".,;:!?") for link in _LINK.findall(text))
    return list(dict.fromkeys(link for link in found if link.startswith(f"{app_url.rstrip('/')}/")))


def _one_click_url(message: Mapping[str, Any], app_url: str) -> str | None:
    headers = message.get("headers") or {}
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    for name, value in pairs:
        if str(name).lower() == "list-unsubscribe":
            links = _LINK.findall(str(value))
            return next((link for link in links if link.startswith(app_url.rstrip("/"))), None)
    return None
