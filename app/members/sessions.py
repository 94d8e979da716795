"""Sessions: which browser is signed in, as whom, and for how long; all by the database's clock."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from app.db import UtcDateTime, wall_now
from app.members import roles
from app.members.links import digest
from app.models import Member, MemberSession, Membership

IDLE, LASTS, HALF_LASTS = timedelta(hours=12), timedelta(days=30), timedelta(minutes=10)
_SEEN_EVERY = timedelta(minutes=5)
_MARK_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks, by a session.

    Attributes:
        id: of the session; `mark` tells it from others, and opens nothing.
        member_id: None for who came by the operator's one-time link.
        roles: by store; None where every store is theirs, as its owner.
        is_stale: whether it is time to write down that they were seen.
    """

    id: int
    mark: str
    member_id: int | None
    email: str
    name: str
    roles: Mapping[int, str] | None
    is_stale: bool

    def role_in(self, store_id: int | None) -> str | None:
        """What they are in a store; in none (None) an operator may connect the first one."""
        return roles.OWNER if self.roles is None else self.roles.get(store_id or 0)


def open_session(session: Session, member_id: int | None, agent: str, *, is_half: bool = False) -> str:
    """Let a browser in and return what its cookie holds; a half one waits for the second factor."""
    token, now = secrets.token_urlsafe(32), wall_now(session)
    session.add(
        MemberSession(
            token_hash=digest(token),
            member_id=member_id,
            is_half=is_half,
            agent=agent[:200],
            created_at=now,
            seen_at=now,
            expires_at=now + (HALF_LASTS if is_half else LASTS),
        )
    )
    session.flush()
    return token


def find(session: Session, token: str) -> Reader | None:
    """Who a cookie's token lets in, or None: ended, idle for too long, or never ours."""
    now = wall_now(session)
    given = {"token": digest(token), "now": now, "long_ago": now - IDLE}
    row = session.execute(_OPEN, given).one_or_none()
    if row is None or (row.member_id is not None and row.email is None):
        return None
    return Reader(
        id=row.id,
        mark=row.token_hash[:_MARK_DIGITS],
        member_id=row.member_id,
        email=row.email or "",
        name=row.name or "",
        roles=None if row.member_id is None or row.is_operator else _roles(session, row.member_id),
        is_stale=row.seen_at < now - _SEEN_EVERY,
    )


def roles_of(session: Session, member: Member) -> dict[int, str] | None:
    """A member's roles by store, of the invitations that they took up; None where every store is theirs."""
    return None if member.is_operator else _roles(session, member.id)


def half(session: Session, token: str) -> int | None:
    """The member whose password was right and whose second factor is awaited."""
    mine = select(MemberSession.member_id).where(
        MemberSession.token_hash == digest(token),
        MemberSession.is_half.is_(True),
        MemberSession.expires_at > wall_now(session),
    )
    return session.execute(mine).scalar_one_or_none()


def touch(session: Session, reader: Reader, now: datetime) -> None:
    """Write down that they were seen."""
    moment = wall_now(session)
    session.execute(update(MemberSession).where(MemberSession.id == reader.id).values(seen_at=moment))
    if reader.member_id is not None:
        session.execute(update(Member).where(Member.id == reader.member_id).values(seen_at=now))


def close(session: Session, token: str) -> None:
    """End the session of one browser."""
    session.execute(delete(MemberSession).where(MemberSession.token_hash == digest(token)))


def close_all(session: Session, member_id: int | None, *, but: int | None = None) -> None:
    """End every session of a member (or of the operator's links), but one of them where that is wished."""
    whose = MemberSession.member_id == member_id if member_id else MemberSession.member_id.is_(None)
    session.execute(delete(MemberSession).where(whose, MemberSession.id != (but or 0)))


def listing(session: Session, member_id: int) -> Sequence[MemberSession]:
    """The browsers in which a member is signed in, the last seen first."""
    now = wall_now(session)
    mine = select(MemberSession).where(
        MemberSession.member_id == member_id,
        MemberSession.is_half.is_(False),
        MemberSession.expires_at > now,
        MemberSession.seen_at > now - IDLE,
    )
    return session.scalars(mine.order_by(MemberSession.seen_at.desc())).all()


def close_one(session: Session, member_id: int, session_id: int) -> bool:
    """End one browser of a member's; False where it is none of theirs."""
    mine = (MemberSession.member_id == member_id, MemberSession.id == session_id)
    gone = delete(MemberSession).where(*mine).returning(MemberSession.id)
    return session.execute(gone).one_or_none() is not None


# Written once: every page asks for these two.
_OPEN = (
    select(
        MemberSession.id,
        MemberSession.token_hash,
        MemberSession.member_id,
        MemberSession.seen_at,
        Member.email,
        Member.name,
        Member.is_operator,
    )
    .join(Member, Member.id == MemberSession.member_id, isouter=True)
    .where(
        MemberSession.token_hash == bindparam("token"),
        MemberSession.is_half.is_(False),
        MemberSession.expires_at > bindparam("now", type_=UtcDateTime),
        MemberSession.seen_at > bindparam("long_ago", type_=UtcDateTime),
    )
)
_ROLES = select(Membership.store_id, Membership.role).where(
    Membership.member_id == bindparam("member"), Membership.accepted_at.is_not(None)
)


def _roles(session: Session, member_id: int) -> dict[int, str]:
    return {row.store_id: row.role for row in session.execute(_ROLES, {"member": member_id})}
