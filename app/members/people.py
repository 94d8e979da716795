"""Members and their memberships: invited, joined, given another role, removed."""

import re
import secrets
from datetime import datetime

from sqlalchemy import and_, delete, exists, select, update
from sqlalchemy.orm import Session

from app.db import insert_new, table_of, wall_now
from app.errors import BadInput, NotFound
from app.members import links, roles, sessions
from app.members.links import digest
from app.models import Member, MemberLetter, Membership, RecoveryCode, SignInLink, Store

MEMBERS, MEMBERSHIPS = table_of(Member), table_of(Membership)
_HAS_STORE = select(MEMBERSHIPS.c.member_id).where(MEMBERSHIPS.c.member_id == MEMBERS.c.id).exists()
WITHOUT_STORES = and_(MEMBERS.c.is_operator.is_(False), ~_HAS_STORE)
"""Members that no store has any more; operators are not meant."""
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


class LastOwner(BadInput):
    """Nobody would be left as a store's owner."""


def exist(session: Session) -> bool:
    """Whether anybody has a password: only then is there a page to sign in at."""
    return session.execute(select(Member.id).where(Member.password != "").limit(1)).first() is not None


def find(session: Session, email: str) -> Member | None:
    """The member of an address."""
    return session.scalars(select(Member).where(Member.email == normal(email))).one_or_none()


def normal(email: str) -> str:
    """An address as we compare it."""
    return email.strip().lower()[:320]


def is_address(email: str) -> bool:
    """Whether this looks like an address at all; only a mail tells whether it is one."""
    return _ADDRESS.fullmatch(email) is not None


def make(session: Session, email: str, now: datetime, *, name: str = "") -> Member:
    """The member of an address, made where there is none."""
    row = {
        "email": normal(email),
        "name": name.strip()[:100],
        "language": "",
        "password": "",
        "is_operator": False,
        "totp_secret": "",
        "totp_at": None,
        "totp_step": 0,
        "created_at": now,
        "seen_at": None,
    }
    insert_new(session, MEMBERS, [row])
    member = find(session, email)
    if member is None:
        raise NotFound("there is no such member")
    return member


def invite(session: Session, store_id: int, member: Member, *, role: str, now: datetime) -> str:
    """Invite somebody into a store and return the link's token; who is in already gets a new role by it.

    Raises:
        BadInput: they are in the store already.
    """
    token, until = secrets.token_urlsafe(32), wall_now(session) + links.FIRST_LASTS
    held = session.get(Membership, (store_id, member.id))
    if held is not None and held.accepted_at is not None:
        raise BadInput("this person is a member of the store already", "email")
    if held is None:
        held = Membership(store_id=store_id, member_id=member.id)
        session.add(held)
    held.role, held.invited_at, held.invitation, held.invited_until = role, now, digest(token), until
    session.flush()
    return f"{store_id}.{token}"


def invited(session: Session, token: str) -> tuple[Membership, Member, Store] | None:
    """The invitation that a link's token stands for, if it is good still."""
    store_id, _, secret = token.partition(".")
    if not store_id.isascii() or not store_id.isdigit() or len(store_id) > 18:
        return None
    wanted = (
        select(Membership, Member, Store)
        .join(Member, Member.id == Membership.member_id)
        .join(Store, Store.id == Membership.store_id)
        .where(
            Membership.store_id == int(store_id),
            Membership.invitation == digest(secret),
            Membership.invited_until > wall_now(session),
        )
    )
    found = session.execute(wanted).one_or_none()
    return None if found is None else (found[0], found[1], found[2])


def accept(session: Session, membership: Membership, now: datetime) -> bool:
    """Take an invitation up, in one statement, so that it is good once."""
    is_it = (
        MEMBERSHIPS.c.store_id == membership.store_id,
        MEMBERSHIPS.c.member_id == membership.member_id,
        MEMBERSHIPS.c.invitation == membership.invitation,
    )
    taken = update(MEMBERSHIPS).where(*is_it).values(invitation=None, invited_until=None, accepted_at=now)
    return session.execute(taken.returning(MEMBERSHIPS.c.member_id)).one_or_none() is not None


def adopt(session: Session, store_id: int, member_id: int, now: datetime) -> bool:
    """Make who connected a store its owner, unless it has members already."""
    if session.execute(select(Membership.member_id).where(Membership.store_id == store_id).limit(1)).first():
        return False
    row = Membership(store_id=store_id, member_id=member_id, role=roles.OWNER)
    row.invited_at = row.accepted_at = now
    session.add(row)
    session.flush()
    return True


def of_store(session: Session, store_id: int) -> list[tuple[Membership, Member]]:
    """Who is in a store and who is invited, owners first."""
    mine = select(Membership, Member).join(Member, Member.id == Membership.member_id)
    rows = [(held, member) for held, member in session.execute(mine.where(Membership.store_id == store_id))]
    return sorted(rows, key=lambda row: (roles.ROLES.index(row[0].role), row[1].name or row[1].email))


def change_role(session: Session, store_id: int, member_id: int, role: str) -> tuple[str, str]:
    """Give a member another role; the old and the new one.

    Raises:
        NotFound: they are no member of the store.
        LastOwner: nobody would be left as its owner.
    """
    held = _locked(session, store_id, member_id, role=role)
    old, held.role = held.role, role
    session.flush()
    return old, role


def remove(session: Session, store_id: int, member_id: int) -> Member:
    """Take a member out of a store; who is in no store any more is forgotten.

    Raises:
        NotFound: they are no member of the store.
        LastOwner: nobody would be left as its owner.
    """
    _locked(session, store_id, member_id, role=None)
    member = session.get_one(Member, member_id)
    drop(session, store_id, member_id)
    forget_without_stores(session, member_id)
    return member


def drop(session: Session, store_id: int, member_id: int) -> None:
    """Take a member out of a store, even its last owner: the operator may.

    Raises:
        NotFound: they are no member of the store.
    """
    session.delete(need(session, store_id, member_id))
    session.flush()


def need(session: Session, store_id: int, member_id: int) -> Membership:
    """A member's place in a store, locked.

    Raises:
        NotFound: they are no member of the store.
    """
    held = session.get(Membership, (store_id, member_id), with_for_update=True)
    if held is None:
        raise NotFound("there is no such member of this store")
    return held


def places_of(session: Session, member: Member) -> dict[int, str]:
    """The roles of a member by store, of invitations, too."""
    mine = select(Membership.store_id, Membership.role).where(Membership.member_id == member.id)
    return {row.store_id: row.role for row in session.execute(mine.order_by(Membership.store_id))}


def stores_of(session: Session, member: Member) -> list[int]:
    """The stores that a member is in: their audit logs say what becomes of the login that opens them."""
    mine = select(Membership.store_id).where(
        Membership.member_id == member.id, Membership.accepted_at.is_not(None)
    )
    return list(session.scalars(mine.order_by(Membership.store_id)))


def every_store(session: Session) -> list[int]:
    """Those whose audit logs say who runs this installation."""
    return list(session.scalars(select(Store.id).order_by(Store.id)))


def forget_without_stores(session: Session, *only: int) -> int:
    """Delete the members that no store has any more, with their sessions; operators stay."""
    gone = delete(MEMBERS).where(WITHOUT_STORES)
    if only:
        gone = gone.where(MEMBERS.c.id.in_(only))
    ids = list(session.execute(gone.returning(MEMBERS.c.id)).scalars())
    for member_id in ids:
        sessions.close_all(session, member_id)
        for model in (RecoveryCode, SignInLink, MemberLetter):
            session.execute(delete(model).where(model.member_id == member_id))
    return len(ids)


def _locked(session: Session, store_id: int, member_id: int, *, role: str | None) -> Membership:
    """A member's place that is to become another (None: none at all), unless the store's last owner holds it.

    The owners are locked first and in order, so that of two who leave at once the second sees the first gone.
    """
    owners = select(Membership.member_id).where(
        Membership.store_id == store_id,
        Membership.role == roles.OWNER,
        Membership.accepted_at.is_not(None),
    )
    found = session.scalars(owners.order_by(Membership.member_id).with_for_update()).all()
    held = need(session, store_id, member_id)
    has_operator = exists().where(Member.is_operator.is_(True))
    if role != roles.OWNER and list(found) == [member_id] and not session.scalar(select(has_operator)):
        raise LastOwner("a store needs an owner: make somebody else one first", "role")
    return held
