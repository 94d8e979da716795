"""One-time links: shown or mailed once, kept as hashes, good for a while of the database's clock."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from app.db import wall_now
from app.models import SignInLink

OPERATORS_LASTS, PASSWORD_LASTS, FIRST_LASTS = timedelta(hours=12), timedelta(hours=1), timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Link:
    """Whose link it is; None for the operator's own."""

    member_id: int | None


def issue(session: Session, now: datetime, *, member_id: int | None = None, lasts: timedelta) -> str:
    """Make a link's token: shown once, good once."""
    token = secrets.token_urlsafe(32)
    expires_at = wall_now(session) + lasts
    row = SignInLink(token_hash=digest(token), member_id=member_id, created_at=now, expires_at=expires_at)
    session.add(row)
    session.flush()
    return token


def look(session: Session, token: str) -> Link | None:
    """Whose link this is, if it is good still; it stays so."""
    good = select(SignInLink.member_id).where(*_is_good(session, token))
    found = session.execute(good).one_or_none()
    return None if found is None else Link(found.member_id)


def use(session: Session, token: str, *, is_operators: bool) -> Link | None:
    """Claim a link in one statement, so that two clicks at once open one door.

    Args:
        is_operators: the kind that the door takes; a link of the other kind opens nothing and stays good.
    """
    of_kind = SignInLink.member_id.is_(None) if is_operators else SignInLink.member_id.is_not(None)
    claim = update(SignInLink).where(*_is_good(session, token), of_kind).values(used_at=wall_now(session))
    found = session.execute(claim.returning(SignInLink.member_id)).one_or_none()
    return None if found is None else Link(found.member_id)


def use_up(session: Session, member_id: int) -> None:
    """Whoever has chosen a password needs none of the links that were sent for it."""
    left = update(SignInLink).where(SignInLink.member_id == member_id, SignInLink.used_at.is_(None))
    session.execute(left.values(used_at=wall_now(session)))


def digest(secret: str) -> str:
    """What is kept of a token: nothing that opens a door."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _is_good(session: Session, token: str) -> tuple[ColumnElement[bool], ...]:
    moment = wall_now(session)
    return (
        SignInLink.token_hash == digest(token),
        SignInLink.used_at.is_(None),
        SignInLink.expires_at > moment,
    )
