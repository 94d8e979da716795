"""A member's own login: name, language, password, open sessions."""

from flask import Blueprint, flash, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app import audit, clock
from app.errors import BadInput
from app.members import passwords, people, sessions
from app.members.roles import OWNER, READER
from app.web.account_page import back, own_row, page, proven, record_own, signed_in
from app.web.auth import role_required
from app.web.catalogue import LANGUAGES, translate
from app.web.context import logins
from app.web.entering import let_in

blueprint = Blueprint("account", __name__)


@blueprint.get("/app/account")
@role_required(READER)
def show() -> ResponseReturnValue:
    """The page; who came by the operator's link makes a login of their own there."""
    return page()


@blueprint.post("/app/account/first")
@role_required(READER)
def make() -> ResponseReturnValue:
    """Turn the operator's one-time link into a login that lasts: of every store, as its owner."""
    if signed_in().member_id is not None:
        raise NotFound
    email, password = people.normal(request.form.get("email", "")), request.form.get("password", "")
    if not people.is_address(email):
        return page(email=email, errors={"email": translate("members.email.bad")})
    weakness = passwords.weakness(password, email)
    if weakness:
        return page(email=email, errors={"password": translate(f"password.{weakness}")})
    kept = passwords.hashed(password)
    with logins().write() as session:
        member = people.make(session, email, clock.now())
        if member.password:
            return page(email=email, errors={"email": translate("account.email.taken")})
        member.name, member.password, member.is_operator = _name(), kept, True
        session.flush()
        for store_id in people.every_store(session):
            by, told = audit.member(member.id), {"role": OWNER}
            audit.record(session, store_id, by, audit.MEMBER_JOINED, now=clock.now(), details=told)
    return let_in(member.id, url_for("account.show"))


@blueprint.post("/app/account")
@role_required(READER)
def save() -> ResponseReturnValue:
    """Keep name and language."""
    chosen = request.form.get("language", "")
    if chosen and chosen not in LANGUAGES:
        raise BadInput("this language is not spoken here", "language")
    with logins().write() as session:
        member = own_row(session)
        member.name, member.language = _name(), chosen
        record_own(session, member, audit.MEMBER_ACCOUNT)
    if chosen:
        cookie["language"] = chosen
    flash(translate("account.saved"))
    return back()


@blueprint.post("/app/account/password")
@role_required(READER)
def change_password() -> ResponseReturnValue:
    """Replace the password by another one and end every other session."""
    fresh = request.form.get("password", "")
    member = proven("current")
    if member is None:
        return page(errors={"current": translate("account.current.wrong")})
    weakness = passwords.weakness(fresh, member.email)
    if weakness:
        return page(errors={"password": translate(f"password.{weakness}")})
    kept = passwords.hashed(fresh)
    with logins().write() as session:
        mine = own_row(session)
        mine.password = kept
        sessions.close_all(session, mine.id)
        record_own(session, mine, audit.MEMBER_PASSWORD)
    answer = let_in(member.id, url_for("account.show"))
    flash(translate("account.password.changed"))
    return answer


@blueprint.post("/app/account/sessions/<int:session_id>/end")
@role_required(READER)
def end_session(session_id: int) -> ResponseReturnValue:
    """End one of the reader's own sessions."""
    with logins().write() as session:
        member = own_row(session)
        if not sessions.close_one(session, member.id, session_id):
            raise NotFound
        record_own(session, member, audit.MEMBER_SIGNED_OUT)
    flash(translate("account.session.ended"))
    return back()


def _name() -> str:
    return request.form.get("name", "").strip()[:100]
