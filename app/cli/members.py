"""`member …`: who signs in to the screens."""

import argparse
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit, clock
from app.cli.words import number
from app.errors import BadInput, NotFound
from app.members import factors, links, people, sessions
from app.members.roles import MARKETER, OWNER, ROLES
from app.models import Member
from app.runtime import Runtime


def _add(runtime: Runtime, arguments: argparse.Namespace) -> object:
    email, now = people.normal(arguments.email), clock.now()
    if not people.is_address(email):
        raise BadInput(f"{arguments.email!r} is no mail address")
    if arguments.operator == (arguments.store is not None):
        raise BadInput("say either --store ID (and --role), or --operator for every store")
    with runtime.database.write() as session:
        member = people.make(session, email, now, name=arguments.name)
        if arguments.operator:
            member.is_operator = True
            path = _password_path(session, member)
            for store_id in people.every_store(session):
                told = {"email": email, "role": OWNER}
                _record(session, store_id, audit.MEMBER_INVITED, member, told=told)
        else:
            token = people.invite(session, arguments.store, member, role=arguments.role, now=now)
            path = f"/app/invitation/{token}"
            told = {"email": email, "role": arguments.role}
            _record(session, arguments.store, audit.MEMBER_INVITED, member, told=told)
        return {"id": member.id, "email": email, "link": runtime.settings.base_url + path, "hours": 72}


def _list(runtime: Runtime, arguments: argparse.Namespace) -> object:
    with runtime.database.read() as session:
        return [
            {
                "id": member.id,
                "email": member.email,
                "name": member.name,
                "operator": member.is_operator,
                "stores": people.places_of(session, member),
                "has_password": bool(member.password),
                "second_factor": member.totp_at is not None,
                "seen_at": member.seen_at.isoformat() if member.seen_at else None,
            }
            for member in session.scalars(select(Member).order_by(Member.id))
        ]


def _remove(runtime: Runtime, arguments: argparse.Namespace) -> object:
    with runtime.database.write() as session:
        member = _member(session, arguments.email)
        places = list(people.places_of(session, member)) if arguments.store is None else [arguments.store]
        for store_id in places:
            people.drop(session, store_id, member.id)
        shut = places
        if arguments.store is None and member.is_operator:
            member.is_operator, shut = False, people.every_store(session)
        for store_id in shut:
            _record(session, store_id, audit.MEMBER_REMOVED, member, told={"email": member.email})
        session.flush()
        is_gone = bool(people.forget_without_stores(session, member.id))
        return {"id": member.id, "email": member.email, "stores": shut, "forgotten": is_gone}


def _reset(runtime: Runtime, arguments: argparse.Namespace) -> object:
    with runtime.database.write() as session:
        member = _member(session, arguments.email)
        sessions.close_all(session, member.id)
        if arguments.second_factor:
            factors.end(session, member)
        path = _password_path(session, member)
        action = audit.MEMBER_FACTOR_OFF if arguments.second_factor else audit.MEMBER_PASSWORD
        for store_id in people.stores_of(session, member):
            _record(session, store_id, action, member)
        return {
            "id": member.id,
            "email": member.email,
            "link": runtime.settings.base_url + path,
            "hours": 72,
            "second_factor": member.totp_at is not None,
        }


def _member(session: Session, email: str) -> Member:
    found = people.find(session, email)
    if found is None:
        raise NotFound(f"nobody signs in as {email}; `ritorno member list` shows who does")
    return found


def _password_path(session: Session, member: Member) -> str:
    token = links.issue(session, clock.now(), member_id=member.id, lasts=links.FIRST_LASTS)
    return f"/app/password/{token}"


def _record(
    session: Session, store_id: int, action: str, member: Member, *, told: dict[str, str] | None = None
) -> None:
    subject = f"member:{member.id}"
    audit.record(session, store_id, audit.OPERATOR, action, now=clock.now(), subject=subject, details=told)


def _add_member(branches: Any) -> None:
    parser = branches.add_parser("member", help="who signs in to the screens")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="invite somebody: prints a link, good once and for 72 hours")
    add.add_argument("email")
    add.add_argument("--name", default="")
    add.add_argument("--store", type=number, metavar="ID")
    add.add_argument("--role", choices=ROLES, default=MARKETER)
    add.add_argument("--operator", action="store_true", help="of every store, as its owner")
    listed = actions.add_parser("list", help="every member, with their stores and roles")
    remove = actions.add_parser("remove", help="take somebody out of a store, or of all of them")
    remove.add_argument("email")
    remove.add_argument("--store", type=number, metavar="ID")
    reset = actions.add_parser("reset", help="end their sessions and print a link to a new password")
    reset.add_argument("email")
    reset.add_argument("--second-factor", action="store_true", help="switch their second factor off, too")
    for action, run in ((add, _add), (listed, _list), (remove, _remove), (reset, _reset)):
        action.add_argument("--json", action="store_true")
        action.set_defaults(run=run, needs_runtime=True)


COMMANDS = (_add_member,)
