"""What signing in leaves behind goes once it is over: sessions, links, tries, mails, and who never came."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, or_
from sqlalchemy.orm import Session

from app.db import UtcDateTime, table_of, wall_now
from app.members import attempts, letters, people, sessions
from app.models import MemberSession, Membership, SignInAttempt, SignInLink

SESSIONS, LINKS = table_of(MemberSession), table_of(SignInLink)
ATTEMPTS, MEMBERSHIPS = table_of(SignInAttempt), table_of(Membership)
LINK, LETTER, NEVER_CAME = timedelta(days=1), timedelta(days=3), timedelta(days=30)

_MOMENT, _BEFORE = (bindparam(name, type_=UtcDateTime) for name in ("moment", "before"))
_OVER = (
    (
        delete(SESSIONS)
        .where(or_(SESSIONS.c.expires_at < _MOMENT, SESSIONS.c.seen_at < _BEFORE))
        .returning(SESSIONS.c.id),
        sessions.IDLE,
    ),
    (delete(LINKS).where(LINKS.c.expires_at < _BEFORE).returning(LINKS.c.token_hash), LINK),
    (
        delete(ATTEMPTS).where(ATTEMPTS.c.since < _BEFORE).returning(ATTEMPTS.c.subject),
        2 * attempts.LONGEST,
    ),
    (
        delete(MEMBERSHIPS)
        .where(MEMBERSHIPS.c.accepted_at.is_(None), MEMBERSHIPS.c.invited_until < _BEFORE)
        .returning(MEMBERSHIPS.c.member_id),
        NEVER_CAME,
    ),
)
"""What goes, and how long after its moment."""


def purge(session: Session, now: datetime) -> int:
    """Delete what is over; how many rows went.

    Sessions when they end, links a day later, tries an hour later, mails after three days; who did not take
    an invitation up within thirty days of its end, and who is in no store any more.
    """
    moment = wall_now(session)
    gone = 0
    for statement, age in _OVER:
        gone += len(session.execute(statement, {"moment": moment, "before": moment - age}).all())
    return gone + letters.forget(session, now - LETTER) + people.forget_without_stores(session)
