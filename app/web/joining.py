"""Doors that a mailed link opens: an invitation into a store, and a new password."""

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from app import audit, clock
from app.members import attempts, letters, links, passwords, people, sessions
from app.models import Member
from app.web.auth import check_csrf, public
from app.web.catalogue import language, translate
from app.web.context import logins, runtime
from app.web.entering import enter, may_try

blueprint = Blueprint("joining", __name__)


@blueprint.get("/app/password")
@public("who forgot their password cannot sign in")
def forgotten() -> ResponseReturnValue:
    """Ask for a link to a new password; where no mail can be sent, who gives one is said instead."""
    return _ask_page()


@blueprint.post("/app/password")
@public("answers the same whatever the address is, and writes to its owner only")
def send_link() -> ResponseReturnValue:
    """Have a link sent to the address, if somebody signs in with it."""
    check_csrf()
    email, built = people.normal(request.form.get("email", "")), runtime()
    if not letters.can_leave(built.settings):
        return _ask_page()
    if may_try(attempts.RESET, email):
        with logins().write() as session:
            member = people.find(session, email)
            if member is not None and member.password:
                _queue_link(session, member)
    return _ask_page(is_done=True)


@blueprint.get("/app/password/<token>")
@public("the link itself is the proof; looking at it uses nothing up")
def choose(token: str) -> ResponseReturnValue:
    """The form for a new password."""
    member = _member_of(token)
    return render_template("password.html", email=member.email, error=None)


@blueprint.post("/app/password/<token>")
@public("the link itself is the proof, and is good once")
def set_password(token: str) -> ResponseReturnValue:
    """Keep the new password, end every session of the old one, and go on to the second factor or in."""
    check_csrf()
    member, password = _member_of(token), request.form.get("password", "")
    weakness = passwords.weakness(password, member.email)
    if weakness:
        page = render_template("password.html", email=member.email, error=translate(f"password.{weakness}"))
        return page, 400
    kept = passwords.hashed(password)
    with logins().write() as session:
        link = links.use(session, token, is_operators=False)
        if link is None:
            raise NotFound
        member = session.get_one(Member, link.member_id)
        _keep(session, member, kept)
    return enter(member)


@blueprint.get("/app/invitation/<token>")
@public("the link itself is the proof; looking at it uses nothing up")
def look(token: str) -> ResponseReturnValue:
    """Who invites whom: a new member chooses a password, one of another store gives theirs."""
    return _invitation_page(token)


@blueprint.post("/app/invitation/<token>")
@public("the link itself is the proof, and is good once")
def join(token: str) -> ResponseReturnValue:
    """Take the invitation up. Whoever has a password already must give it: a link never replaces one."""
    check_csrf()
    with runtime().database.read() as session:
        found = people.invited(session, token)
    if found is None:
        raise NotFound
    _, member, _ = found
    password = request.form.get("password", "")
    kept = member.password
    if kept and not may_try(attempts.PASSWORD, member.email):
        return _invitation_page(token, "sign_in.wait", 429)
    if kept and not passwords.fits(password, kept):
        return _invitation_page(token, "invitation.wrong", 401)
    weakness = None if kept else passwords.weakness(password, member.email)
    if weakness:
        return _invitation_page(token, f"password.{weakness}", 400)
    if not _join(token, member, new_password="" if kept else passwords.hashed(password)):
        raise NotFound
    return enter(member)


def _join(token: str, member: Member, *, new_password: str) -> bool:
    with logins().write() as session:
        found = people.invited(session, token)
        if found is None or found[1].password != member.password:
            return False
        membership, mine, store = found
        if not people.accept(session, membership, clock.now()):
            return False
        if new_password:
            mine.password, mine.name = new_password, request.form.get("name", "").strip()[:100]
            mine.language = language()
        by, role = audit.member(mine.id), membership.role
        now = clock.now()
        audit.record(session, store.id, by, audit.MEMBER_JOINED, now=now, details={"role": role})
    return True


def _invitation_page(token: str, error: str = "", status: int = 200) -> ResponseReturnValue:
    with runtime().database.read() as session:
        found = people.invited(session, token)
    if found is None:
        raise NotFound
    membership, member, store = found
    page = render_template(
        "invitation.html",
        email=member.email,
        is_known=bool(member.password),
        into=store.name or store.domain,
        role=membership.role,
        name=request.form.get("name", member.name),
        error=translate(error) if error else None,
    )
    return page, status


def _ask_page(*, is_done: bool = False) -> str:
    return render_template("forgotten.html", is_done=is_done, can_mail=letters.can_leave(runtime().settings))


def _queue_link(session: Session, member: Member) -> None:
    built, now = runtime(), clock.now()
    token = links.issue(session, now, member_id=member.id, lasts=links.PASSWORD_LASTS)
    letters.queue(
        session,
        built.vault,
        member.id,
        letters.PASSWORD,
        url=built.settings.base_url + url_for("joining.choose", token=token),
        language=member.language or language(),
        now=now,
    )


def _member_of(token: str) -> Member:
    """Whose password a link is for.

    Raises:
        NotFound: it is used, too old, or none of ours.
    """
    with runtime().database.read() as session:
        link = links.look(session, token)
        member = session.get(Member, link.member_id) if link is not None and link.member_id else None
    if member is None:
        raise NotFound
    return member


def _keep(session: Session, member: Member, password: str) -> None:
    """Replace a password: whoever was in by the old one is out, and its links open nothing any more."""
    member.password = password
    sessions.close_all(session, member.id)
    links.use_up(session, member.id)
    for store_id in people.stores_of(session, member):
        by = audit.member(member.id)
        audit.record(session, store_id, by, audit.MEMBER_PASSWORD, now=clock.now())
