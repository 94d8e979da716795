"""Who clicked: a person, or a program that opens every link to see whether it is safe.

Security gateways, previews of chat programs and crawlers follow the links of a mail before anybody
reads it. Such a visit must never count as interest.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

# Nobody reads a mail and clicks before it has arrived; gateways do.
TOO_SOON = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Burst:
    """So many different links of one message, opened within so short a time, are no person's doing."""

    links: int
    within: timedelta


BURSTS = (
    Burst(2, timedelta(milliseconds=500)),
    Burst(3, timedelta(seconds=2)),
    Burst(4, timedelta(seconds=6)),
    Burst(6, timedelta(seconds=30)),
)
"""Shortest first. A gateway that calls itself a browser still opens all links, at once or in a row."""
LONGEST_BURST = BURSTS[-1].within
PURPOSES = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
"""Headers by which a browser says that it fetches ahead of its reader. Source: Fetch, `Sec-Purpose`; MDN."""

_LONGEST_AGENT = 1_000

_SCANNERS = (
    # security gateways and link checkers
    "barracuda", "proofpoint", "mimecast", "safelinks", "symantec", "messagelabs", "trendmicro",
    "trend micro", "fireeye", "trellix", "mcafee", "sophos", "forcepoint", "websense", "ironport",
    "checkpoint", "check point", "cloudmark", "vadesecure", "vade secure", "zscaler", "kaspersky",
    "bitdefender", "fortiguard", "urlscan", "virustotal", "phishtank", "netcraft", "google-safety",
    "safebrowsing", "ms-office", "msoffice", "microsoft office", "skypeuripreview", "bingpreview",
    # previews of messengers and networks
    "slackbot", "telegrambot", "whatsapp", "facebookexternalhit", "facebot", "twitterbot", "linkedinbot",
    "discordbot", "embedly", "google-read-aloud", "googleimageproxy", "yahoomailproxy",
    # crawlers, monitors, libraries
    "bot", "crawl", "spider", "slurp", "scanner", "preview", "monitor", "uptime", "headlesschrome",
    "phantomjs", "puppeteer", "playwright", "selenium", "python-", "python/", "aiohttp", "httpx", "curl",
    "wget", "libwww", "okhttp", "go-http-client", "java/", "httpclient", "node-fetch", "axios", "undici",
    "ruby", "perl", "powershell", "scrapy", "archive.org",
)  # fmt: skip

# Makers of telephones whose names hold one of the marks above.
_INNOCENT = "cubot"

_AHEAD = re.compile("prefetch|prerender|preview", re.IGNORECASE)


def is_scanner(user_agent: str) -> bool:
    """Whether this user agent is a known program, or none at all; every browser names itself."""
    if not user_agent.strip():
        return True
    return _names_a_program(user_agent[:_LONGEST_AGENT])


@lru_cache(maxsize=1024)
def _names_a_program(agent: str) -> bool:
    """Asked for each click, and many people have the same browser."""
    # Looking for each word takes a tenth of what a regular expression of all of them does.
    lower = agent.lower().replace(_INNOCENT, "")
    return any(mark in lower for mark in _SCANNERS)


def is_human_click(
    *, method: str, user_agent: str, clicked_at: datetime, sent_at: datetime | None, purpose: str = ""
) -> bool:
    """Whether a click counts: a GET by a browser for its reader, not right after the message left.

    Args:
        purpose: what one of PURPOSES said.
    """
    if method != "GET" or is_scanner(user_agent) or _AHEAD.search(purpose):
        return False
    return sent_at is None or clicked_at - sent_at >= TOO_SOON


def burst_since(url: str, at: datetime, earlier: Sequence[tuple[str, datetime]]) -> datetime | None:
    """Since when this click and those before it are one program's; None if it may be a person's.

    Args:
        earlier: link and moment of the message's clicks of the last LONGEST_BURST.
    """
    for burst in BURSTS:
        since = at - burst.within
        if len({url, *(link for link, moment in earlier if moment >= since)}) >= burst.links:
            return since
    return None
