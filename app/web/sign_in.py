"""Signing in and out: by password and second factor, or by the operator's one-time link."""

from flask import Blueprint, Response, redirect, render_template, request
from flask import session as cookie
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Unauthorized

from app import audit, clock
from app.members import attempts, factors, links, passwords, people, sessions
from app.members.roles import READER
from app.models import Member
from app.web.acting import actor
from app.web.auth import check_csrf, public, role_required
from app.web.catalogue import translate
from app.web.context import SESSION, logins, reader, runtime
from app.web.entering import HALF, NEXT, enter, let_in, may_try
from app.web.places import HOME, SIGN_IN, after_sign_in

blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/app/sign-in")
@public("who has no session yet gets one here")
def show() -> ResponseReturnValue:
    """The form; while nobody has a password there is none, and the printed link is the only way."""
    wanted = after_sign_in(request.args.get(NEXT, ""))
    if reader() is not None:
        return redirect(wanted, code=303)
    _only_if_open()
    return render_template("sign_in.html", wanted=wanted, email="", error=None)


@blueprint.post("/app/sign-in")
@public("the password is the proof, and the form's token that it was typed on our page")
def by_password() -> ResponseReturnValue:
    """Check address and password: the same words and the same time for an address that nobody has."""
    check_csrf()
    email, password = people.normal(request.form.get("email", "")), request.form.get("password", "")
    wanted = after_sign_in(request.form.get(NEXT, ""))
    if not may_try(attempts.PASSWORD, email):
        return _refused("sign_in.wait", email=email, wanted=wanted, status=429)
    with runtime().database.read() as session:
        member = people.find(session, email)
    is_right = passwords.fits(password, member.password if member is not None else "")
    if member is None or not is_right:
        return _refused("sign_in.wrong", email=email, wanted=wanted, status=401)
    return enter(member, wanted)


@blueprint.get("/app/sign-in/code")
@public("asked of who gave the right password before")
def code() -> ResponseReturnValue:
    """The form for the second factor."""
    if _half() is None:
        return redirect(SIGN_IN, code=303)
    return render_template("code.html", wanted=after_sign_in(request.args.get(NEXT, "")), error=None)


@blueprint.post("/app/sign-in/code")
@public("asked of who gave the right password before")
def by_code() -> ResponseReturnValue:
    """Check six digits of the app, or a recovery code; either is good once."""
    check_csrf()
    member_id, wanted = _half(), after_sign_in(request.form.get(NEXT, ""))
    if member_id is None:
        return redirect(SIGN_IN, code=303)
    if not may_try(attempts.CODE, str(member_id)):
        return render_template("code.html", wanted=wanted, error=translate("sign_in.wait")), 429
    typed, built = request.form.get("code", ""), runtime()
    with logins().write() as session:
        member = session.get(Member, member_id)
        is_right = member is not None and (
            factors.use_code(session, built.vault, member, typed)
            or factors.use_recovery_code(session, built.signer, member_id, typed)
        )
    if not is_right:
        return render_template("code.html", wanted=wanted, error=translate("sign_in.code.wrong")), 401
    return let_in(member_id, wanted)


@blueprint.get("/app/sign-in/<token>")
@public("the link itself is the proof, and is good once")
def by_link(token: str) -> ResponseReturnValue:
    """Exchange the operator's link for a session; link previews that only ask for the head use nothing up."""
    if request.method == "HEAD":
        return Response(status=204)
    with logins().write() as session:
        link = links.use(session, token, is_operators=True)
    if link is None:
        raise Unauthorized
    return let_in(None)


@blueprint.post("/app/sign-out")
@role_required(READER)
def sign_out() -> ResponseReturnValue:
    """End this browser's session."""
    with logins().write() as session:
        sessions.close(session, str(cookie.get(SESSION, "")))
    cookie.clear()
    return redirect(HOME, code=303)


@blueprint.post("/app/sign-out/everywhere")
@role_required(READER)
def sign_out_everywhere() -> ResponseReturnValue:
    """End every session of the reader."""
    seen = reader()
    if seen is None:
        raise Unauthorized
    with logins().write() as session:
        sessions.close_all(session, seen.member_id)
        member = session.get(Member, seen.member_id) if seen.member_id else None
        for store_id in people.stores_of(session, member) if member else ():
            audit.record(session, store_id, actor(), audit.MEMBER_SIGNED_OUT, now=clock.now())
    cookie.clear()
    return redirect(HOME, code=303)


def _only_if_open() -> None:
    with runtime().database.read() as session:
        is_open = people.exist(session)
    if not is_open:
        raise Unauthorized


def _half() -> int | None:
    token = str(cookie.get(HALF, ""))
    with runtime().database.read() as session:
        return sessions.half(session, token) if token else None


def _refused(reason: str, *, email: str, wanted: str, status: int) -> ResponseReturnValue:
    page = render_template("sign_in.html", wanted=wanted, email=email, error=translate(reason))
    return page, status
