"""The customer's side of a message: its links and unsubscribing.

No page here asks who the reader is: the signed token in the address is the whole proof, and it names
a message. GET and HEAD change nothing but the count of clicks (security gateways open every link), and
a token that we did not sign for that purpose gets the same 404 as any other wrong address.
"""

import logging
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, make_response, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import clock
from app.errors import Busy
from app.messaging import letters, links, receipts, scanners
from app.messaging.links import ClickToken
from app.web.auth import public
from app.web.context import bind, runtime
from app.web.customer_pages import Letter, letter_of, page

log = logging.getLogger(__name__)
blueprint = Blueprint("public", __name__, template_folder="templates")

ONE_CLICK = ("List-Unsubscribe", "One-Click")
ACT, UNSUBSCRIBE = "act", "unsubscribe"
"""The button of the page, and of the preference page."""


@blueprint.get("/c/<token>")
@public("a link in a message; the signed token names the message and the link")
def click(token: str) -> ResponseReturnValue:
    """Go where the link leads; a person's click is counted, a scanner's is kept apart, HEAD is nothing."""
    named = links.read_click(runtime().signer, token)
    if named is None:
        abort(404)
    bind(named.store_id)
    destination = _kept_click(named) if request.method == "GET" else None
    if destination is None:
        with runtime().database.read() as session:
            row = _find(session, named, is_locked=False)
        destination = None if row is None else _destination(row, named)
    if destination is None:
        abort(404)
    answer = make_response(redirect(destination, code=302))
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@blueprint.get("/u/<token>")
@public("the way out of a message; the signed token names the message")
def ask_unsubscribe(token: str) -> ResponseReturnValue:
    """Show the one button; nothing happens before it is pressed."""
    letter = letter_of(links.read_unsubscribe(runtime().signer, token))
    return page("unsubscribe.html", letter)


@blueprint.post("/u/<token>")
@public("one-click unsubscribing (RFC 8058); no cookie, no login, no redirect")
def unsubscribe(token: str) -> ResponseReturnValue:
    """Act on the mail program's one click or on our own button; anything else only shows the page."""
    letter = letter_of(links.read_unsubscribe(runtime().signer, token))
    source = _source()
    if source is None:
        return page("unsubscribe.html", letter, status=400)
    withdraw(letter, source)
    return page("unsubscribed.html", letter)


def withdraw(letter: Letter, source: str) -> None:
    """The reader wants no more of the letter's channel."""
    with runtime().database.write() as session:
        receipts.record_unsubscribe(
            session,
            runtime().signer,
            store_id=letter.store_id,
            message_id=letter.message_id,
            occurred_at=clock.now(),
            source=source,
        )


def _destination(row: Any, named: ClickToken) -> str:
    """Where the link led when it was sent; the shop's front page once the content is gone."""
    kept = letters.read_content(row.content)
    destinations = kept["links"] if kept else []
    if named.index < len(destinations):
        return str(destinations[named.index])
    return row.url if "://" in row.url else f"https://{row.domain}"


def _kept_click(named: ClickToken) -> str | None:
    """Record the click and say where it leads; None for no such message.

    A database that cannot write now must not keep the customer from the shop: then, too, it is None.
    """
    try:
        with runtime().database.write() as session:
            row = _find(session, named, is_locked=True)
            if row is None:
                return None
            now, destination = clock.now(), _destination(row, named)
            is_human = _is_human(row.sent_at, now)
            receipts.keep_click(session, row, url=destination, occurred_at=now, is_human=is_human)
    except Busy:
        log.warning("a click on message %s was not counted: the database is busy", named.message_id)
        return None
    return destination


def _find(session: Session, named: ClickToken, *, is_locked: bool) -> Any | None:
    now = clock.now()
    return receipts.clicked_message(session, named.store_id, named.message_id, now=now, is_locked=is_locked)


def _is_human(sent_at: datetime | None, now: datetime) -> bool:
    return scanners.is_human_click(
        method=request.method,
        user_agent=request.headers.get("User-Agent", ""),
        clicked_at=now,
        sent_at=sent_at,
        purpose=" ".join(request.headers.get(name, "") for name in scanners.PURPOSES),
    )


def _source() -> str | None:
    """What asked for it: the mail program's one click, our button, or nothing that we know."""
    if request.form.get(ONE_CLICK[0]) == ONE_CLICK[1]:
        return "one-click"
    return "unsubscribe-page" if request.form.get(ACT) == UNSUBSCRIBE else None
