"""What the pages of a member's own login share: who they are, their proof, and the page itself."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound, Unauthorized

from app import audit, clock
from app.db import wall_now
from app.members import attempts, factors, passwords, people, sessions
from app.members.sessions import Reader
from app.models import Member
from app.web.context import load_stores, reader, runtime
from app.web.entering import may_try

log = logging.getLogger(__name__)
_QR = "segno"
"""By its name: 2 MiB with all that it writes besides SVG, for a page that a member opens once."""
_AGENTS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One open session; `browser` is what it says of itself, in two words."""

    id: int
    browser: str
    since: datetime
    seen_at: datetime
    is_this: bool


def page(
    *, errors: dict[str, str] | None = None, codes: Sequence[str] = (), email: str = ""
) -> ResponseReturnValue:
    """The account as it stands; with errors by their field, or codes that are shown this once."""
    seen = signed_in()
    shown: dict[str, Any] = {"errors": errors or {}, "codes": codes, "email": email, "me": None}
    with runtime().database.read() as session:
        load_stores(session)
        if seen.member_id is not None:
            shown |= _about(session, session.get_one(Member, seen.member_id), seen)
    return render_template("account.html", **shown), 400 if errors else 200


def proven(field: str) -> Member | None:
    """The reader, if they gave their present password; a session left open changes no door."""
    with runtime().database.read() as session:
        member = own_row(session)
    if not may_try(attempts.PASSWORD, member.email):
        return None
    return member if passwords.fits(request.form.get(field, ""), member.password) else None


def own_row(session: Session) -> Member:
    """The reader's own row.

    Raises:
        NotFound: they came by the operator's link, and have no login of their own.
    """
    member_id = signed_in().member_id
    member = session.get(Member, member_id) if member_id is not None else None
    if member is None:
        raise NotFound
    return member


def signed_in() -> Reader:
    """Who is signed in; a shop's staff have no login here.

    Raises:
        Unauthorized: they come from their shop's admin.
    """
    seen = reader()
    if seen is None:
        raise Unauthorized
    return seen


def record_own(session: Session, member: Member, action: str) -> None:
    """Into the log of each of their stores: it is the same login for all of them."""
    log.info("member %d: %s", member.id, action)
    by, now = audit.member(member.id), clock.now()
    for store_id in people.stores_of(session, member):
        audit.record(session, store_id, by, action, now=now)


def back() -> ResponseReturnValue:
    """To the page, by an address of its own."""
    return redirect(url_for("account.show"), code=303)


def _about(session: Session, member: Member, seen: Reader) -> dict[str, Any]:
    """What the page says of a member: an unfinished second factor shows its picture."""
    vault, is_begun = runtime().vault, bool(member.totp_secret) and member.totp_at is None
    # Sessions live by the database's clock, pages by ours, which may be simulated.
    apart = clock.now() - wall_now(session)
    rows = sessions.listing(session, member.id)
    return {
        "me": member,
        "secret": factors.secret_of(vault, member) if is_begun else "",
        "picture": _picture(factors.address_of(vault, member)) if is_begun else "",
        "codes_left": factors.codes_left(session, member.id),
        "sessions": [
            Line(row.id, _browser(row.agent), row.created_at + apart, row.seen_at + apart, row.id == seen.id)
            for row in rows
        ],
    }


def _picture(address: str) -> str:
    """A QR code as SVG in the page itself, dark on light whatever the theme: cameras want it so."""
    drawn = import_module(_QR).make(address, error="m", micro=False)
    drawing: str = drawn.svg_inline(scale=5, border=4, light="#fff", omitsize=True)
    return drawing


def _browser(agent: str) -> str:
    """What a browser says of itself, in two words."""
    found = [next((word for mark, word in known if mark in agent), "") for known in (_AGENTS, _SYSTEMS)]
    return " · ".join(filter(None, found))
