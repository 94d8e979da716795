"""P4: mails rendered a second and core, against python-liquid compiled once on the very same mail.

The product's way makes subject, HTML and text, signs every link and writes the headers of unsubscribing; the
floor fills three templates, and its links are given. Its templates are cut from a mail that the product made.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from app.crypto import Signer
from app.messaging import content
from app.messaging.links import LinkMaker, UtmTags
from app.messaging.render import CompiledContent, RenderContext, Rendered, Sender, compile_content, render
from benchmarks.floors.render import Mail

PRODUCTS = 3
_PEOPLE = 200
_SHOP = "https://bottega.example"
_SENDER = Sender(name="Bottega", url=_SHOP, postal_address="via Garibaldi 12, 10122 Torino", sms_name="")
_SIGNER = Signer("benchmark")
_TAGS = UtmTags(frozenset({"bottega.example"}), "email", "cross_sell", "X1")
_ROME = ZoneInfo("Europe/Rome")
_MARKS = {
    "qqfirst": "first_name",
    "Mqqtitle": "p.title",
    "qqprice": "p.price",
    f"{_SHOP}/qqurl": "p.url",
    f"{_SHOP}/qqhome": "home",
    f"{_SHOP}/qqout": "out",
    f"{_SHOP}/qqwishes": "wishes",
}
"""What stands in the mail that the floor's templates are cut from, and the variable that takes its place."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Mails a second of processor time, and how long one is."""

    floor: float
    product: float
    size: int


def compare(*, messages: int, rounds: int) -> Rates:
    """The best rates of floor and product, taken in turns."""
    compiled = compile_content(content.default("cross_sell", "X1", ""))
    people = [_person(number) for number in range(_PEOPLE)]
    floor, given = _floor(compiled), [_given(person) for person in people]
    if floor.fill(given[0]) != _texts(_rendered(compiled, people[0], _Given())):
        raise AssertionError("floor and product do not make the same mail")
    best = {"floor": 0.0, "product": 0.0}
    ways: dict[str, Callable[[int], object]] = {
        "floor": lambda number: floor.fill(given[number % _PEOPLE]),
        "product": lambda number: _rendered(compiled, people[number % _PEOPLE], _links(number)),
    }
    for _ in range(rounds):
        for name, way in ways.items():
            best[name] = max(best[name], _rate(way, messages))
    made = _rendered(compiled, people[0], _links(1))
    return Rates(best["floor"], best["product"], len(made.html or ""))


def _rate(way: Callable[[int], object], messages: int) -> float:
    begun = time.process_time()
    for number in range(messages):
        way(number)
    return messages / (time.process_time() - begun)


class _Given(LinkMaker):
    """Links as the floor has them: given, and not ours to sign."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(
            base_url="", signer=_SIGNER, store_id=1, message_id=1, tags=None, tracks_clicks=False
        )

    def click(self, url: str) -> str:
        """A mark for the front page, else the address itself."""
        return f"{_SHOP}/qqhome" if url.rstrip("/") == _SHOP else url

    def unsubscribe(self) -> str:
        """A mark."""
        return f"{_SHOP}/qqout"

    def preferences(self) -> str:
        """A mark."""
        return f"{_SHOP}/qqwishes"


def _links(number: int) -> LinkMaker:
    return LinkMaker(
        base_url="https://m.bottega.example",
        signer=_SIGNER,
        store_id=1,
        message_id=number + 1,
        tags=_TAGS,
        tracks_clicks=True,
    )


def _person(number: int) -> dict[str, Any]:
    goods = [
        {
            "title": f"Moka & filtro {number}-{n}",
            "price_text": f"{n + 9},90 €",
            "url": f"{_SHOP}/p/{number}-{n}",
        }
        for n in range(PRODUCTS)
    ]
    return {"customer": {"first_name": f"Nome{number}"}, "products": goods}


def _given(person: dict[str, Any]) -> dict[str, Any]:
    goods = [{"title": p["title"], "price": p["price_text"], "url": p["url"]} for p in person["products"]]
    ways = {"home": f"{_SHOP}/qqhome", "out": f"{_SHOP}/qqout", "wishes": f"{_SHOP}/qqwishes"}
    return {"first_name": person["customer"]["first_name"], "products": goods, **ways}


def _rendered(compiled: CompiledContent, values: dict[str, Any], links: LinkMaker) -> Rendered:
    context = RenderContext(
        channel="email",
        purpose="marketing",
        basis="consent",
        sender=_SENDER,
        zone=_ROME,
        currency="EUR",
        values=values,
    )
    return render(compiled, context, lang="it", links=links)


def _texts(made: Rendered) -> list[str]:
    return [made.subject, made.html or "", made.text]


def _floor(compiled: CompiledContent) -> Mail:
    """Cut the templates out of a mail with one product and one with two; what that has more is the loop."""
    product = {"title": "Mqqtitle", "price_text": "qqprice", "url": f"{_SHOP}/qqurl"}
    one, two = (
        _texts(
            _rendered(
                compiled, {"customer": {"first_name": "qqfirst"}, "products": [product] * times}, _Given()
            )
        )
        for times in (1, 2)
    )
    subject, html, text = (_looped(first, second) for first, second in zip(one, two, strict=True))
    return Mail(_opened(subject, ""), _opened(html, " | escape"), _opened(text, ""))


def _looped(one: str, two: str) -> str:
    length = len(two) - len(one)
    if not length:
        return one
    same = next(place for place in range(len(one) + 1) if one[:place] != two[:place] or place == len(one)) - 1
    head, body, tail = one[: same - length], one[same - length : same], one[same:]
    return f"{head}{{% for p in products %}}{body}{{% endfor %}}{tail}"


def _opened(source: str, more: str) -> str:
    for mark, name in _MARKS.items():
        source = source.replace(mark, f"{{{{ {name}{more} }}}}")
    return source
