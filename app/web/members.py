"""The members of a store: who is in, as what, and who is invited; the owner's alone."""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit, clock
from app.db import wall_now
from app.errors import BadInput
from app.members import attempts, letters, people, sessions
from app.members.roles import MARKETER, OWNER, ROLES
from app.models import Member, Store
from app.web.acting import actor
from app.web.auth import role_required
from app.web.catalogue import language, translate
from app.web.context import chosen_store, reader, runtime
from app.web.entering import may_try
from app.web.places import HOME

blueprint = Blueprint("members", __name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One member of the page.

    Attributes:
        is_waiting: invited, not in yet.
        is_over, is_lost: the invitation's link is too old; its mail did not leave.
    """

    id: int
    name: str
    email: str
    role: str
    has_factor: bool
    seen_at: datetime | None
    is_self: bool
    is_waiting: bool
    is_over: bool
    is_lost: bool


@blueprint.get("/app/members")
@role_required(OWNER)
def show() -> ResponseReturnValue:
    """Everybody of the store, and the form that invites."""
    return _page()


@blueprint.post("/app/members")
@role_required(OWNER)
def invite() -> ResponseReturnValue:
    """Invite somebody: by mail, or by a link that is shown once where no mail can be sent."""
    typed, role = request.form.get("email", ""), request.form.get("role", MARKETER)
    if role not in ROLES:
        raise BadInput("there is no such role", "role")
    email = people.normal(typed)
    if not people.is_address(email):
        return _page(typed=typed, role=role, error=translate("members.email.bad"))
    if not may_try(attempts.INVITE, email):
        return _page(typed=typed, role=role, error=translate("sign_in.wait"))
    built, now = runtime(), clock.now()
    with built.database.write() as session:
        store = chosen_store(session)
        member = people.make(session, email, now)
        try:
            token = people.invite(session, store.id, member, role=role, now=now)
        except BadInput:
            return _page(typed=typed, role=role, error=translate("members.email.in"))
        url = built.settings.base_url + url_for("joining.look", token=token)
        is_mailed = letters.can_leave(built.settings)
        if is_mailed:
            _queue(session, store, member, url=url, now=now)
        told = {"email": member.email, "role": role}
        audit.record(
            session, store.id, actor(), audit.MEMBER_INVITED, now=now, subject=_subject(member), details=told
        )
    if not is_mailed:
        return _page(link=url, invited=member.email)
    flash(translate("members.invited", email=member.email))
    return _back()


@blueprint.post("/app/members/<int:member_id>/role")
@role_required(OWNER)
def change_role(member_id: int) -> ResponseReturnValue:
    """Give a member another role; it counts from their next click on."""
    role = request.form.get("role", "")
    if role not in ROLES:
        raise BadInput("there is no such role", "role")
    try:
        with runtime().database.write() as session:
            store = chosen_store(session)
            old, new = people.change_role(session, store.id, member_id, role)
            audit.record(
                session,
                store.id,
                actor(),
                audit.MEMBER_ROLE,
                now=clock.now(),
                subject=f"member:{member_id}",
                details={"old": old, "new": new},
            )
    except people.LastOwner:
        return _page(troubled=member_id)
    flash(translate("members.role.changed"))
    return _back_from(member_id)


@blueprint.post("/app/members/<int:member_id>/remove")
@role_required(OWNER)
def remove(member_id: int) -> ResponseReturnValue:
    """Take somebody out of the store, or an invitation back; what they have open shows nothing more."""
    try:
        with runtime().database.write() as session:
            store = chosen_store(session)
            member = people.remove(session, store.id, member_id)
            by, told = actor(), {"email": member.email}
            subject = _subject(member)
            audit.record(
                session, store.id, by, audit.MEMBER_REMOVED, now=clock.now(), subject=subject, details=told
            )
    except people.LastOwner:
        return _page(troubled=member_id)
    flash(translate("members.removed", email=member.email))
    return _back_from(member_id)


@blueprint.post("/app/members/<int:member_id>/sign-out")
@role_required(OWNER)
def sign_out(member_id: int) -> ResponseReturnValue:
    """End the sessions of a member: a lost laptop, say."""
    with runtime().database.write() as session:
        store = chosen_store(session)
        people.need(session, store.id, member_id)
        sessions.close_all(session, member_id)
        subject = f"member:{member_id}"
        audit.record(session, store.id, actor(), audit.MEMBER_SIGNED_OUT, now=clock.now(), subject=subject)
    flash(translate("members.signed_out"))
    return _back()


def _page(
    *,
    typed: str = "",
    role: str = MARKETER,
    error: str | None = None,
    link: str = "",
    invited: str = "",
    troubled: int = 0,
) -> ResponseReturnValue:
    with runtime().database.read() as session:
        store = chosen_store(session)
        lines = _lines(session, store)
        operators = list(session.scalars(select(Member.name).where(Member.is_operator.is_(True))))
    page = render_template(
        "members.html",
        lines=lines,
        operators=operators,
        roles=ROLES,
        typed=typed,
        role=role,
        error=error,
        link=link,
        invited=invited,
        troubled=troubled,
        can_mail=letters.can_leave(runtime().settings),
    )
    return page, 400 if error or troubled else 200


def _lines(session: Session, store: Store) -> list[Line]:
    rows, now, me = people.of_store(session, store.id), wall_now(session), reader()
    lost = letters.failed_for(session, [member.id for _, member in rows])
    return [
        Line(
            id=member.id,
            name=member.name,
            email=member.email,
            role=held.role,
            has_factor=member.totp_at is not None,
            seen_at=member.seen_at,
            is_self=me is not None and me.member_id == member.id,
            is_waiting=held.accepted_at is None,
            is_over=held.invited_until is not None and held.invited_until < now,
            is_lost=held.accepted_at is None and member.id in lost,
        )
        for held, member in rows
    ]


def _queue(session: Session, store: Store, member: Member, *, url: str, now: datetime) -> None:
    letters.queue(
        session,
        runtime().vault,
        member.id,
        letters.INVITATION,
        url=url,
        language=member.language or language(),
        now=now,
        store=store.name or store.domain,
    )


def _subject(member: Member) -> str:
    return f"member:{member.id}"


def _back_from(member_id: int) -> ResponseReturnValue:
    """To the page, or home where the reader has just made themselves less than it wants."""
    seen = reader()
    is_self = seen is not None and seen.member_id == member_id
    return redirect(HOME, code=303) if is_self else _back()


def _back() -> ResponseReturnValue:
    return redirect(url_for("members.show"), code=303)
