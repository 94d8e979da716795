"""The customer's side of a message: its links and unsubscribing.

No page here asks who the reader is: the signed token in the address is the whole proof, and it names
a message. GET and HEAD change nothing but the count of clicks (security gateways open every link), and
a token that we did not sign for that purpose gets the same 404 as any other wrong address.
"""

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from app import clock
from app.messaging import links, receipts
from app.web.auth import public
from app.web.context import runtime
from app.web.customer_pages import Letter, letter_of, page

blueprint = Blueprint("public", __name__, template_folder="templates")

ONE_CLICK = ("List-Unsubscribe", "One-Click")
ACT, UNSUBSCRIBE = "act", "unsubscribe"
"""The button of the page, and of the preference page."""


@blueprint.get("/c/<token>")
@public("a link of no message of ours; the others are answered in front of the pages (webhooks/links.py)")
def click(token: str) -> ResponseReturnValue:
    """Nowhere to go: whatever is wrong with the token, the answer is the same."""
    abort(404)


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


def _source() -> str | None:
    """What asked for it: the mail program's one click, our button, or nothing that we know."""
    if request.form.get(ONE_CLICK[0]) == ONE_CLICK[1]:
        return "one-click"
    return "unsubscribe-page" if request.form.get(ACT) == UNSUBSCRIBE else None
