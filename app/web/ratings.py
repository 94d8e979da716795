"""The rating page of an ask. GET only shows, with the mail's answer chosen already; POST keeps it.

Everybody is thanked in the same words and led to the same place: who is unhappy is not kept from speaking
in public, and who is happy gets nothing for it.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app import clock
from app.customers import aliases
from app.messaging import answers, links
from app.messaging.answers import LONGEST_NAME, LONGEST_TEXT, Answer, Ask, Thing
from app.messaging.links import RatingToken
from app.models import Customer, Order, Product, Store
from app.stores import settings
from app.stores.platforms import UNINSTALLED, WOOCOMMERCE
from app.web.auth import public
from app.web.catalogue import language as readers_language
from app.web.context import bind, rows_of, runtime
from app.web.customer_pages import Letter, find_opened, page
from app.web.public_words import WORDS

blueprint = Blueprint("ratings", __name__)

STARS = (1, 2, 3, 4, 5)
_ACT, _RATE = "act", "rate"
_LARGEST_BODY = 96 * 1024
"""Three products, 2,000 characters each, every one of them percent-encoded at its longest."""
_CONTROL = ("Cc", "Cs")
_ADDRESS_MARKS = ("://", "www.", "/", "@")


@dataclass(frozen=True, slots=True)
class _Field:
    """One thing on the page: the stars that are chosen and the text that stands there."""

    thing: Thing
    name: str
    rating: int = 0
    text: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Opened:
    """An ask whose token is good, with what was answered so far."""

    letter: Letter
    ask: Ask
    given: Mapping[str, Row[Any]]
    name: str
    is_open: bool


@blueprint.get("/r/<token>")
@public("the rating page of a mail; the signed token names the message and whom it was sent to")
def show(token: str) -> ResponseReturnValue:
    """What is asked, with what was answered before or chosen in the mail; nothing is kept."""
    opened = _open(token)
    if opened is None:
        return _nothing_left()
    return _form(opened, _chosen(opened), opened.name)


@blueprint.post("/r/<token>")
@public("the button of the rating page; no cookie, no login")
def rate(token: str) -> ResponseReturnValue:
    """Keep the answers and give thanks; anything but our own button only shows the page."""
    request.max_content_length = _LARGEST_BODY
    opened = _open(token)
    if opened is None:
        return _nothing_left()
    if request.form.get(_ACT) != _RATE:
        return _form(opened, _chosen(opened), opened.name, status=400)
    fields = [_checked(field) for field in _typed(opened)]
    name = _line(request.form.get("name", ""))
    if any(field.problem for field in fields) or not any(field.rating for field in fields):
        return _form(opened, fields, name, status=400, is_wrong=True)
    said = [Answer(field.thing, field.rating, field.text or None) for field in fields if field.rating]
    with runtime().database.write() as session:
        is_kept = answers.record(session, opened.ask, said, name=_public_name(name), now=clock.now())
    if not is_kept:
        return _form(opened, _chosen(opened), opened.name)
    with runtime().database.read() as session:
        ways = _ways_on(session, opened)
    return page("rated.html", opened.letter, ways=ways)


def _open(token: str) -> _Opened | None:
    """The ask of a token that we signed; None where shop or person are gone.

    Raises:
        NotFound: we never signed it.
    """
    named = links.read_rating(runtime().signer, token)
    if named is None:
        abort(404)
    bind(named.store_id)
    with runtime().database.read() as session:
        return _found(session, named)


def _found(session: Session, named: RatingToken) -> _Opened | None:
    found = find_opened(session, named)
    if found is None or found.letter.is_erased:
        return None
    letter, store, customer = found
    ask = answers.find_ask(session, letter.store_id, letter.message_id)
    asked = aliases.present_id(session, named.store_id, named.customer_id)
    if ask is None or letter.customer_id != asked or store.state == UNINSTALLED:
        return None
    given = answers.given(session, ask)
    told = [row.display_name or "" for row in given.values()]
    return _Opened(
        letter, ask, given, name=told[0] if told else _usual_name(customer), is_open=_is_open(given)
    )


def _is_open(given: Mapping[str, Row[Any]]) -> bool:
    return answers.is_open(given, clock.now())


def _form(
    opened: _Opened, fields: Sequence[_Field], name: str, *, status: int = 200, is_wrong: bool = False
) -> Response:
    return page(
        "rate.html" if opened.is_open else "rate_closed.html",
        opened.letter,
        status=status,
        kind=opened.ask.things[0].object if opened.ask.things else "",
        fields=fields,
        name=name,
        stars=STARS,
        is_wrong=is_wrong,
        is_answered=bool(opened.given),
        longest_text=LONGEST_TEXT,
        longest_name=LONGEST_NAME,
    )


def _nothing_left() -> Response:
    """A polite page that knows nothing of anybody, in the browser's language."""
    language = readers_language()
    shown = render_template("public/rate_gone.html", language=language, words=WORDS[language], shop="Ritorno")
    answer = make_response(shown)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _chosen(opened: _Opened) -> list[_Field]:
    """The things with their answers so far; the mail's own star goes before."""
    fields = [
        _Field(thing, f"t{number}", *_held(opened.given.get(thing.key)))
        for number, thing in enumerate(opened.ask.things, start=1)
    ]
    star, product = request.args.get("rating", ""), request.args.get("product", "1")
    if star in map(str, STARS):
        name = f"t{product}"
        return [replace(field, rating=int(star)) if field.name == name else field for field in fields]
    return fields


def _held(row: Row[Any] | None) -> tuple[int, str]:
    return (0, "") if row is None else (row.rating, row.text or "")


def _typed(opened: _Opened) -> list[_Field]:
    """The things as they were answered now."""
    fields = []
    for field in _chosen(opened):
        star = request.form.get(f"{field.name}-rating", "")
        text = request.form.get(f"{field.name}-text", "").replace("\r\n", "\n").replace("\r", "\n")
        rating = int(star) if star in map(str, STARS) else 0
        fields.append(replace(field, rating=rating, text=_storable(text).strip()))
    return fields


def _checked(field: _Field) -> _Field:
    """The field with what is wrong with it: words without stars, or too many of them."""
    if len(field.text) > LONGEST_TEXT:
        return replace(field, problem="long")
    return replace(field, problem="stars") if field.text and not field.rating else field


def _storable(text: str) -> str:
    """Without control characters, of which a database refuses one; everything else is kept as it came."""
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in _CONTROL)


def _line(text: str) -> str:
    return " ".join(_storable(text).split())[:LONGEST_NAME]


def _public_name(name: str) -> str | None:
    """A name to show; none where it is an address of any kind, which nobody should find in a mail."""
    return name if name and not any(mark in name for mark in _ADDRESS_MARKS) else None


def _usual_name(customer: Customer) -> str:
    """`Anna R.`, as far as it is known."""
    first, last = _line(customer.first_name or ""), _line(customer.last_name or "")
    if not first:
        return ""
    initial = f" {last[0].upper()}." if last else ""
    return _public_name(f"{first}{initial}"[:LONGEST_NAME]) or ""


def _ways_on(session: Session, opened: _Opened) -> list[tuple[str, str]]:
    """(Title, address) of where the merchant wants words to be published; the stars play no part."""
    store = session.get_one(Store, opened.ask.store_id)
    ids = [thing.product_external_id for thing in opened.ask.things if thing.product_external_id]
    found = session.scalars(rows_of(Product, store.id).where(Product.external_id.in_(ids)))
    products = {product.external_id: product for product in found}
    landing = settings.read(store, "reviews.landing")
    if landing == "product-page":
        suffix = "#tab-reviews" if store.platform == WOOCOMMERCE else ""
        shown = [products[one] for one in ids if one in products and products[one].url]
        return [(product.title, f"{product.url}{suffix}") for product in shown]
    pattern = settings.read(store, "reviews.app_url")
    if landing != "app" or not pattern:
        return []
    order = _order_number(session, opened.ask)
    filled = [
        (product.title if product else "", _filled(pattern, product, order, opened.letter.language))
        for product in (
            [products[one] for one in ids if one in products] if _names_product(pattern) else [None]
        )
    ]
    return [(title, url) for title, url in filled if "{" not in url]


def _order_number(session: Session, ask: Ask) -> str:
    statement = select(Order.number).where(
        Order.store_id == ask.store_id, Order.external_id == ask.order_external_id
    )
    return session.execute(statement).scalar() or ""


def _names_product(pattern: str) -> bool:
    return "{product}" in pattern or "{handle}" in pattern


def _filled(pattern: str, product: Product | None, order: str, language: str) -> str:
    """The review app's address; a place that cannot be filled stays, so that nobody is led astray."""
    known = {"order": order, "language": language}
    if product is not None:
        known |= {"product": product.external_id, "handle": product.handle}
    for place, value in known.items():
        if value:
            pattern = pattern.replace(f"{{{place}}}", quote(value, safe=""))
    return pattern
