"""Labelled visits to the links of mails: people of several tempers, and programs of several trades.

Made from what is published of security gateways (they open every link at once or one after the other, by GET
or HEAD first, under their own name or a browser's), of browsers that fetch ahead, and of link previews. The
shares are ours: no measured traffic of a real list is behind them. Each mail has one stream of visits.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) Version/19.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Linux; Android 15; CUBOT NOTE 50) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Mobile [FBAN/FBIOS;FBAV/500.0]",
)
GATEWAYS = (
    "Barracuda Sentinel (EE)",
    "Mozilla/5.0 (compatible; Proofpoint URL Defense)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0 Safari/537.36 SafeLinks",
    "Mimecast-Scanner/2.1",
)
LIBRARIES = ("python-requests/2.34.2", "Go-http-client/2.0", "curl/8.9.1", "okhttp/5.1.0", "")
PREVIEWS = ("WhatsApp/2.23.20.0", "Slackbot-LinkExpanding 1.0", "facebookexternalhit/1.1")
AHEAD = ({"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}, {"X-Moz": "prefetch"})
PROXY = {"Via": "1.1 proxy.azienda.example (squid/6.9)", "X-Forwarded-For": "10.1.2.3"}
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@dataclass(frozen=True)
class Visit:
    """One request for one link of a mail; `after` is seconds since it was sent."""

    after: float
    link: int
    agent: str
    is_human: bool
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)


Visits = Iterator[Visit]


def streams(mails: int, links: int, seed: int) -> Iterator[tuple[str, list[Visit]]]:
    """The visits of so many mails with so many links each, in order of time, and what sort they are."""
    chance = random.Random(seed)
    kinds, weights = list(KINDS), [share for _, share in KINDS.values()]
    for kind in chance.choices(kinds, weights, k=mails):
        visits = KINDS[kind][0](chance, links)
        yield kind, sorted(visits, key=lambda visit: visit.after)


def _person(
    chance: random.Random, links: int, *, after: float, gaps: tuple[float, float], most: int = 2
) -> Visits:
    agent, headers = chance.choice(BROWSERS), PROXY if chance.random() < 0.3 else {}
    for link in chance.sample(range(links), chance.randint(1, most)):
        yield Visit(after, link, agent, is_human=True, headers=headers)
        after += chance.uniform(*gaps)


def _reader(chance: random.Random, links: int) -> Visits:
    """Minutes to days later, one link or two, some seconds apart."""
    return _person(chance, links, after=chance.uniform(MINUTE, 2 * DAY), gaps=(4, 300))


def _fast(chance: random.Random, links: int) -> Visits:
    """Waits for the mail: clicks six to twenty seconds after it arrived, which takes one to six."""
    after = chance.uniform(1, 6) + chance.uniform(6, 20)
    return _person(chance, links, after=after, gaps=(4, 30))


def _tabs(chance: random.Random, links: int) -> Visits:
    """Opens two or three links in tabs, one after the other."""
    return _person(chance, links, after=chance.uniform(MINUTE, DAY), gaps=(0.8, 2.5), most=3)


def _twice(chance: random.Random, links: int) -> Visits:
    """Clicks twice on the same, as on an icon."""
    after, agent = chance.uniform(MINUTE, DAY), chance.choice(BROWSERS)
    link = chance.randrange(links)
    for pause in (0.0, 0.3):
        yield Visit(after + pause, link, agent, is_human=True)


def _at_once(chance: random.Random, links: int, agent: str) -> Visits:
    after, heads = chance.uniform(0.5, 45), chance.random() < 0.4
    for link in range(links):
        if heads:
            yield Visit(after + chance.uniform(0, 0.2), link, agent, is_human=False, method="HEAD")
        yield Visit(after + chance.uniform(0.2, 0.5), link, agent, is_human=False)


def _gateway(chance: random.Random, links: int) -> Visits:
    """Opens all links at once, under its own name."""
    return _at_once(chance, links, chance.choice(GATEWAYS))


def _masked(chance: random.Random, links: int) -> Visits:
    """Opens all links at once and calls itself a browser."""
    return _at_once(chance, links, chance.choice(BROWSERS))


def _crawling(chance: random.Random, links: int) -> Visits:
    """Calls itself a browser and opens one link after the other, from seconds to an hour after delivery."""
    after, agent = chance.choice((chance.uniform(3, 60), chance.uniform(MINUTE, HOUR))), BROWSERS[0]
    for link in range(links):
        yield Visit(after, link, agent, is_human=False)
        after += chance.uniform(0.1, 1.2)


def _corporate(chance: random.Random, links: int) -> Visits:
    """A gateway checks the mail; its reader clicks afterwards, from behind the same proxy."""
    yield from _at_once(chance, links, chance.choice(GATEWAYS + BROWSERS))
    yield from _person(chance, links, after=chance.uniform(80, DAY), gaps=(4, 120))


def _ahead(chance: random.Random, links: int) -> Visits:
    """A browser that fetches a link before anybody asked for it; its reader may follow."""
    after, agent, link = chance.uniform(MINUTE, DAY), chance.choice(BROWSERS), chance.randrange(links)
    yield Visit(after, link, agent, is_human=False, headers=chance.choice(AHEAD))
    if chance.random() < 0.5:
        yield Visit(after + chance.uniform(2, 30), link, agent, is_human=True)


def _library(chance: random.Random, links: int) -> Visits:
    """A program in a data centre, whenever it likes."""
    agent = chance.choice(LIBRARIES + PREVIEWS)
    yield Visit(chance.uniform(1, 2 * DAY), chance.randrange(links), agent, is_human=False)


def _single(chance: random.Random, links: int) -> Visits:
    """Opens one link and calls itself a browser: nothing tells it from a person but haste."""
    yield Visit(chance.uniform(1, 40), chance.randrange(links), chance.choice(BROWSERS), is_human=False)


KINDS: dict[str, tuple[Callable[[random.Random, int], Visits], float]] = {
    "reader": (_reader, 0.34),
    "fast reader": (_fast, 0.06),
    "tabs": (_tabs, 0.06),
    "clicks twice": (_twice, 0.03),
    "gateway": (_gateway, 0.10),
    "gateway posing as a browser": (_masked, 0.10),
    "gateway that crawls": (_crawling, 0.06),
    "corporate reader": (_corporate, 0.12),
    "fetched ahead": (_ahead, 0.05),
    "data centre": (_library, 0.06),
    "opens one link": (_single, 0.02),
}
"""Every sort of stream, and its share of the mails."""
