"""The customer's side of a message: its links, unsubscribing, the preference page.

No page here asks who the reader is: the signed token in the address is the whole proof, and it names
a message. GET and HEAD change nothing but the count of clicks (security gateways open every link), and
a token that we did not sign for that purpose gets the same 404 as any other wrong address.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock, consent
from app.errors import Busy
from app.messaging import letters, links, receipts, scanners
from app.messaging.content import language_for
from app.messaging.links import ClickToken, MessageToken
from app.models import Customer, Message, Store
from app.stores import settings
from app.web.auth import public
from app.web.context import runtime
from app.web.public_words import WORDS

log = logging.getLogger(__name__)
blueprint = Blueprint("public", __name__, template_folder="templates")

ONE_CLICK = ("List-Unsubscribe", "One-Click")
_ACT, _UNSUBSCRIBE = "act", "unsubscribe"
_UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True)
class _Letter:
    """The message that a token names, as far as these pages need it."""

    message_id: int
    store_id: int
    customer_id: int
    channel: str
    sent_at: datetime | None
    content: bytes | None
    shop_name: str
    shop_url: str
    language: str


@blueprint.get("/c/<token>")
@public("a link in a message; the signed token names the message and the link")
def click(token: str) -> ResponseReturnValue:
    """Go where the link leads; a person's click is counted, a scanner's is kept apart, HEAD is nothing."""
    named = links.read_click(runtime().signer, token)
    with runtime().database.read() as session:
        letter = _letter(session, named)
    if named is None or letter is None:
        abort(404)
    destination = _destination(letter, named)
    if request.method == "GET":
        _count(letter, destination)
    answer = make_response(redirect(destination, code=302))
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@blueprint.get("/u/<token>")
@public("the way out of a message; the signed token names the message")
def ask_unsubscribe(token: str) -> ResponseReturnValue:
    """Show the one button; nothing happens before it is pressed."""
    letter = _letter_of(links.read_unsubscribe(runtime().signer, token))
    return _page("unsubscribe.html", letter)


@blueprint.post("/u/<token>")
@public("one-click unsubscribing (RFC 8058); no cookie, no login, no redirect")
def unsubscribe(token: str) -> ResponseReturnValue:
    """Act on the mail program's one click or on our own button; anything else only shows the page."""
    letter = _letter_of(links.read_unsubscribe(runtime().signer, token))
    source = _source()
    if source is None:
        return _page("unsubscribe.html", letter, status=400)
    _withdraw(letter, source)
    return _page("unsubscribed.html", letter)


@blueprint.get("/p/<token>")
@public("the customer's preferences; the signed token names the message")
def show_preferences(token: str) -> ResponseReturnValue:
    """What this customer receives from the shop, and the button that ends it."""
    letter = _letter_of(links.read_preferences(runtime().signer, token))
    with runtime().database.read() as session:
        state = consent.state_of(session, letter.store_id, letter.customer_id, letter.channel)
        is_out = state is not None and state.state == _UNSUBSCRIBED
    return _page("preferences.html", letter, is_out=is_out)


@blueprint.post("/p/<token>")
@public("the button of the preference page; the signed token names the message")
def change_preferences(token: str) -> ResponseReturnValue:
    """Unsubscribe when the button says so."""
    letter = _letter_of(links.read_preferences(runtime().signer, token))
    if request.form.get(_ACT) != _UNSUBSCRIBE:
        return _page("preferences.html", letter, status=400, is_out=False)
    _withdraw(letter, "preference-page")
    return _page("unsubscribed.html", letter)


def _letter_of(named: MessageToken | None) -> _Letter:
    with runtime().database.read() as session:
        letter = _letter(session, named)
    if letter is None:
        abort(404)
    return letter


def _letter(session: Session, named: ClickToken | MessageToken | None) -> _Letter | None:
    if named is None:
        return None
    statement = (
        select(Message, Customer, Store)
        .join(Store, Store.id == Message.store_id)
        .join(Customer, (Customer.store_id == Message.store_id) & (Customer.id == Message.customer_id))
        .where(Message.store_id == named.store_id, Message.id == named.message_id)
    )
    row = session.execute(statement).one_or_none()
    if row is None:
        return None
    message, customer, store = row
    return _Letter(
        message_id=message.id,
        store_id=message.store_id,
        customer_id=message.customer_id,
        channel=message.channel,
        sent_at=message.sent_at,
        content=message.content,
        shop_name=settings.read(store, "sender.name") or store.name,
        shop_url=store.url if "://" in store.url else f"https://{store.domain}",
        language=language_for(customer.locale, settings.read(store, "locale")),
    )


def _destination(letter: _Letter, named: ClickToken) -> str:
    """Where the link led when it was sent; the shop's front page once the content is gone."""
    kept = letters.read_content(letter.content)
    destinations = kept["links"] if kept else []
    return destinations[named.index] if named.index < len(destinations) else letter.shop_url


def _count(letter: _Letter, destination: str) -> None:
    """Record the click; a database that cannot write now must not keep the customer from the shop."""
    now = clock.now()
    is_human = scanners.is_human_click(
        method=request.method,
        user_agent=request.headers.get("User-Agent", ""),
        clicked_at=now,
        sent_at=letter.sent_at,
    )
    try:
        with runtime().database.write() as session:
            receipts.record_click(
                session,
                store_id=letter.store_id,
                message_id=letter.message_id,
                url=destination,
                occurred_at=now,
                is_human=is_human,
            )
    except Busy:
        log.warning("a click on message %s was not counted: the database is busy", letter.message_id)


def _source() -> str | None:
    """What asked for it: the mail program's one click, our button, or nothing that we know."""
    if request.form.get(ONE_CLICK[0]) == ONE_CLICK[1]:
        return "one-click"
    return "unsubscribe-page" if request.form.get(_ACT) == _UNSUBSCRIBE else None


def _withdraw(letter: _Letter, source: str) -> None:
    with runtime().database.write() as session:
        receipts.record_unsubscribe(
            session,
            runtime().signer,
            store_id=letter.store_id,
            message_id=letter.message_id,
            occurred_at=clock.now(),
            source=source,
        )


def _page(template: str, letter: _Letter, *, status: int = 200, is_out: bool = False) -> Response:
    page = render_template(
        f"public/{template}",
        language=letter.language,
        words=WORDS[letter.language],
        shop=letter.shop_name,
        shop_url=letter.shop_url,
        channel=letter.channel,
        is_out=is_out,
    )
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
