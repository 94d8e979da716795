"""Coming in: what every way of signing in ends with, and what every form before it is bounded by."""

import logging

from flask import redirect, request, url_for
from flask import session as cookie
from werkzeug.wrappers import Response

from app import audit, clock
from app.members import attempts, people, sessions
from app.models import Member
from app.web.clients import client_address
from app.web.context import SESSION, logins, runtime
from app.web.places import after_sign_in

log = logging.getLogger(__name__)
HALF, NEXT = "half", "next"
"""Where the cookie holds the token of a password that was right; the name of the field with the way back."""


def let_in(member_id: int | None, wanted: str = "") -> Response:
    """Open a session, new in cookie and database whatever the browser held before, and lead on."""
    with logins().write() as session:
        sessions.close(session, str(cookie.get(SESSION, "")))
        sessions.close(session, str(cookie.get(HALF, "")))
        token = sessions.open_session(session, member_id, _agent())
        member = session.get(Member, member_id) if member_id else None
        if member is not None:
            member.seen_at = clock.now()
            attempts.forget(session, runtime().signer, attempts.PASSWORD, address=member.email)
            attempts.forget(session, runtime().signer, attempts.CODE, address=str(member.id))
            for store_id in people.stores_of(session, member):
                by = audit.member(member.id)
                audit.record(session, store_id, by, audit.MEMBER_SIGNED_IN, now=clock.now())
    log.info("signed in: %s", f"member {member_id}" if member_id else "the one-time link")
    _fresh_cookie(member.language if member else "")
    cookie[SESSION] = token
    return redirect(after_sign_in(wanted), code=303)


def half_in(member_id: int, wanted: str) -> Response:
    """The password was right; the second factor is asked for next."""
    with logins().write() as session:
        token = sessions.open_session(session, member_id, _agent(), is_half=True)
    _fresh_cookie("")
    cookie[HALF] = token
    return redirect(url_for("sign_in.code", next=after_sign_in(wanted)), code=303)


def enter(member: Member, wanted: str = "") -> Response:
    """Let a member in whose password was right, or ask for their second factor."""
    return let_in(member.id, wanted) if member.totp_at is None else half_in(member.id, wanted)


def may_try(kind: str, address: str) -> bool:
    """Count one try of this address from this client, and say whether it may be made."""
    built = runtime()
    with logins().write() as session:
        return attempts.count(session, built.signer, kind, address=address, client=client_address())


def _fresh_cookie(language: str) -> None:
    """Keep nothing of what the cookie held but the language: what somebody planted there is gone."""
    language = language or str(cookie.get("language", ""))
    cookie.clear()
    cookie.permanent = True
    if language:
        cookie["language"] = language


def _agent() -> str:
    return request.headers.get("User-Agent", "")
