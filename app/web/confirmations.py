"""The page that confirms a consent: GET shows a button, POST acts; who only opens links confirms nothing."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app import clock, consent, wakeups
from app.messaging import confirmations, links
from app.web.auth import public
from app.web.clients import client_address
from app.web.context import runtime
from app.web.customer_pages import letter_of, page

blueprint = Blueprint("confirmations", __name__)

_ACT, _CONFIRM = "act", "confirm"
_LONGEST_AGENT = 200
_TITLES = {True: "confirmed", False: "stale"}


@blueprint.get("/o/<token>")
@public("the confirmation of a consent; the signed token names the mail and the address it went to")
def show(token: str) -> ResponseReturnValue:
    """The one button, or that everything is done; nothing happens before it is pressed."""
    letter = letter_of(links.read_confirm(runtime().signer, token))
    with runtime().database.read() as session:
        held = consent.state_of(session, letter.store_id, letter.customer_id, letter.channel)
    is_done = held is not None and held.state == "subscribed"
    return page("confirm.html", letter, said="confirmed" if is_done else "confirm")


@blueprint.post("/o/<token>")
@public("the button that confirms a consent; no cookie, no login")
def confirm(token: str) -> ResponseReturnValue:
    """Make the yes count; anything but our own button only shows the page."""
    named = links.read_confirm(runtime().signer, token)
    letter = letter_of(named)
    if named is None or request.form.get(_ACT) != _CONFIRM:
        return page("confirm.html", letter, status=400, said="confirm")
    seen = {
        "ip": client_address(),
        "user_agent": request.headers.get("User-Agent", "")[:_LONGEST_AGENT],
    }
    with runtime().database.write() as session:
        is_done = confirmations.confirm(session, runtime().signer, named, now=clock.now(), seen=seen)
        wakeups.call(session, wakeups.FLOWS)
    return page("confirm.html", letter, said=_TITLES[is_done])
